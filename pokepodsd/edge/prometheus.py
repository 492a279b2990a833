"""Prometheus' HTTP API: one instant query in, its samples out.

Owns the connection, its limits, and the shape of an answer (Prometheus, "HTTP API"). What is asked
and what it means is `core.samplematrix`'s to say.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import urllib3

from pokepodsd import __version__
from pokepodsd.core.matrix import END_OF_TIME_SECONDS
from pokepodsd.core.samplematrix import Answers, Queries, Sample
from pokepodsd.errors import SourceError

# 500 nodes with 100 peers that are not well are 100,000 series of some 300 bytes.
_LONGEST_BODY = 256 * 1024 * 1024
_CHUNK = 1024 * 1024
# What reading a sample of another shape ends in; the last, of a whole number that is too large.
_NO_SAMPLE = (LookupError, TypeError, ValueError, AttributeError, OverflowError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where Prometheus is; ``url`` is as the operator wrote it, with a user and password or not."""

    url: str
    token_file: Path | None = None
    ca_file: Path | None = None
    timeout_seconds: float = 10.0


class Prometheus:
    """One server; every request carries the credentials that the place names."""

    def __init__(self, place: Place) -> None:
        """Prepare; nothing is sent yet.

        Raises:
            SourceError: the URL, the token or the certificates cannot be used.
        """
        try:
            parsed = urllib3.util.parse_url(place.url)
        except urllib3.exceptions.LocationParseError:
            parsed = urllib3.util.Url()
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise SourceError("--prometheus takes a URL such as http://prometheus:9090")
        base = parsed._replace(auth=None, query=None, fragment=None)
        self.url = base.url.rstrip("/")
        self._headers = {"Accept": "application/json", "User-Agent": f"pokepodsd/{__version__}"}
        self._headers |= _credentials(parsed.auth, place.token_file)
        timeout = urllib3.Timeout(connect=place.timeout_seconds, read=place.timeout_seconds)
        self._pool = urllib3.PoolManager(timeout=timeout, retries=False, **_trust(place.ca_file))

    def ask(self, queries: Queries) -> Answers:
        """The samples of all queries, evaluated at one time.

        Raises:
            SourceError: it cannot be asked, refuses, or answers what is no answer.
        """
        now, at_seconds = self._query(queries.now, None)
        before, _ = self._query(queries.before, at_seconds)
        targets, _ = self._query(queries.targets, at_seconds)
        return Answers(now=now, before=before, targets=targets, at_seconds=at_seconds)

    def _query(self, query: str, at_seconds: float | None) -> tuple[list[Sample], float]:
        fields = {"query": query}
        if at_seconds is None:
            at_seconds = self._now()
        fields["time"] = f"{at_seconds:.3f}"
        return self.samples(*self._get(fields)), at_seconds

    def samples(self, status: int, body: bytes) -> list[Sample]:
        """What an answer to an instant query holds.

        Raises:
            SourceError: it is a refusal, or no vector of samples.
        """
        result = self._result(status, body)
        try:
            return [_sample(one) for one in result]
        except _NO_SAMPLE as error:
            raise SourceError(f"{self.url} answers what is no vector of samples") from error

    def _now(self) -> float:
        """The server's own time: its clock is what samples are looked for by."""
        result = self._result(*self._get({"query": "time()"}))
        try:
            at_seconds = float(result[1])
        except _NO_SAMPLE:
            at_seconds = -1
        if not 0 <= at_seconds < END_OF_TIME_SECONDS:
            raise SourceError(f"{self.url} does not say what time it is: is it a Prometheus?")
        return at_seconds

    def _get(self, fields: Mapping[str, str]) -> tuple[int, bytes]:
        """The status and the body of the answer to a query."""
        with self._translated():
            # POST, since a query may be longer than a URL (Prometheus, "Instant queries").
            response = self._pool.request(
                "POST",
                f"{self.url}/api/v1/query",
                fields=dict(fields),
                encode_multipart=False,
                headers=self._headers,
                preload_content=False,
                redirect=False,
            )
            try:
                body = self._body(response)
            finally:
                response.close()
        return response.status, body

    def _body(self, response: urllib3.BaseHTTPResponse) -> bytes:
        body = bytearray()
        for part in response.stream(_CHUNK, decode_content=True):
            body += part
            if len(body) > _LONGEST_BODY:
                raise SourceError(f"{self.url} answers more than {_LONGEST_BODY} bytes")
        return bytes(body)

    def _result(self, status: int, body: bytes) -> Any:
        """The result of a query, whatever its type."""
        try:
            answer = json.loads(body)
            if answer["status"] == "success":
                return answer["data"]["result"]
            reason = f"{answer['errorType']}: {answer['error']}"
        except (ValueError, LookupError, TypeError, RecursionError):
            reason = f"HTTP status {status}"
        hint = "is it the URL of a Prometheus, without /api/v1?"
        if status in (401, 403):
            hint = "give a user and password in the URL, or --token-file"
        raise SourceError(f"{self.url} does not answer the query ({reason:.300}): {hint}")

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (urllib3.exceptions.HTTPError, OSError) as error:
            reason = _reason(error)
            raise SourceError(
                f"{self.url} cannot be asked ({reason}): see whether Prometheus runs there"
            ) from error
        except ValueError:
            # Its text quotes the header, and so the token.
            raise SourceError(
                f"{self.url}: the request cannot be made: is the token one line of plain text?"
            ) from None


def _credentials(auth: str | None, token_file: Path | None) -> dict[str, str]:
    if token_file is not None:
        try:
            token = token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise SourceError(f"the token cannot be read from {token_file}: {reason}") from error
        return {"Authorization": f"Bearer {token}"}
    if auth is not None:
        return urllib3.make_headers(basic_auth=unquote(auth))
    return {}


def _trust(ca_file: Path | None) -> dict[str, Any]:
    if ca_file is None:
        return {}
    context = urllib3.util.ssl_.create_urllib3_context()
    try:
        context.load_verify_locations(str(ca_file))
    except OSError as error:
        reason = error.strerror or "it holds no certificate"
        raise SourceError(f"the certificates cannot be read from {ca_file}: {reason}") from error
    return {"ssl_context": context}


def _sample(one: Mapping[str, Any]) -> Sample:
    labels = {str(name): str(value) for name, value in one["metric"].items()}
    value = float(one["value"][1])
    return Sample(labels=labels, value=value if isfinite(value) else 0.0)


def _reason(error: BaseException) -> str:
    """The innermost reason, without the addresses of objects that the outer ones repeat."""
    while isinstance(inner := error.__cause__ or getattr(error, "reason", None), BaseException):
        error = inner
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())[:200]
