"""Lists, watches, lookups and writes over HTTPS: one question out, status and bytes in.

Owns the connection, through the transport of the `kubernetes` package and the raw body: no typed
models, whose list of 5,000 pods costs ten times the CPU and the memory. What an answer means is
for `core.watch`, `core.nodes` and `core.writes` to say. Does not retry: there is one place where
delays grow, and it is not here.
"""

import contextlib
import email.utils
import json
import select
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import urllib3
from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration

from pokepodsd import __version__
from pokepodsd.core.model import NodeName
from pokepodsd.core.protocol import Ask, Timings
from pokepodsd.core.writes import Write
from pokepodsd.errors import ConnectionLostError, GarbledError, SilentError, TooLargeError

# A page of 500 pods is 2 MB. One of the largest objects that etcd takes could be 750 MB: it is
# asked for in smaller pages. Parsed, pods take three times their size more and the worst JSON 24
# times, which the unit's 384 MB still hold.
LONGEST_BODY = 16 * 1024 * 1024
# Of a refusal the status counts; what it says beyond this is no Status.
_LONGEST_REFUSAL = 64 * 1024
_CHUNK = 64 * 1024
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
# A peer that vanished without a FIN is given up after 15 s of silence and three lost probes, and
# unacknowledged data after 30 s (tcp(7)).
_SOCKET_OPTIONS = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000),
]


class Answer:
    """One answer: its status, and its body as it comes."""

    def __init__(self, response: urllib3.HTTPResponse, *, patience: float) -> None:
        self._response = response
        self._opened = time.monotonic()
        self._patience = patience
        self.status = response.status

    @property
    def is_ok(self) -> bool:
        """Whether the status is 200."""
        return self.status == HTTPStatus.OK

    @property
    def retry_after(self) -> float | None:
        """Seconds, from the Retry-After header in either of its forms (RFC 9110, 10.2.3)."""
        header = self._response.headers.get("Retry-After")
        # ValueError: a year or a number that is too large for Python.
        with contextlib.suppress(urllib3.exceptions.InvalidHeader, ValueError, OverflowError):
            return urllib3.Retry().parse_retry_after(header) if header else None
        return None

    @property
    def date(self) -> float | None:
        """The server's clock as it answered (RFC 9110, 6.6.1): unix time, to a second."""
        parts = email.utils.parsedate_tz(self._response.headers.get("Date", ""))
        return None if parts is None else float(email.utils.mktime_tz(parts))

    @property
    def lived(self) -> float:
        """Seconds since the answer began."""
        return time.monotonic() - self._opened

    def body(self) -> bytes:
        """The whole body.

        Raises:
            ApiError: it is not complete in time, too large, or garbled. Of a refusal there is as
                much as came, at most 64 KiB.
        """
        # Small parts go back to the system, where the allocator keeps what one large block left.
        parts, size = [], 0
        for part in self.chunks():
            size += len(part)
            if size > _LONGEST_REFUSAL and not self.is_ok:
                break
            parts.append(part)
            if size > LONGEST_BODY:
                raise TooLargeError(f"the answer is larger than {LONGEST_BODY} bytes")
            if self.lived > self._patience:
                raise SilentError(f"the answer was not complete after {self._patience:g} s")
        return b"".join(parts)

    def chunks(self) -> Iterator[bytes]:
        """The body as it arrives, until its end.

        Raises:
            ApiError: the connection ended or fell silent before that.
        """
        with _translated():
            if self._response.supports_chunked_reads() and self._response.chunked:
                yield from self._response.read_chunked(_CHUNK, decode_content=True)
            else:
                while part := self._response.read1(_CHUNK, decode_content=True):
                    yield part

    def has_more(self) -> bool:
        """Whether more of it has arrived already, but for what is in buffers of this process."""
        # ValueError: it ended, and is closed.
        with contextlib.suppress(ValueError, OSError):
            waiting = select.poll()
            waiting.register(self._response, select.POLLIN)
            return bool(waiting.poll(0))
        return False

    def interrupt(self) -> None:
        """Make `chunks` end soon, from another thread."""
        # Released or never connected: then there is nothing that waits.
        with contextlib.suppress(ValueError, RuntimeError, OSError):
            self._response.shutdown()


class ApiServer:
    """The API server of one set of credentials; a new one is made for new credentials."""

    def __init__(self, configuration: Configuration, timings: Timings) -> None:
        self._configuration = configuration
        self._timings = timings
        self._client = ApiClient(configuration)
        self._pool: urllib3.PoolManager = self._client.rest_client.pool_manager
        self._pool.connection_pool_kw["socket_options"] = _SOCKET_OPTIONS
        self._is_closed = False

    @property
    def url(self) -> str:
        """Where the kubeconfig says that the server is."""
        return str(self._configuration.host)

    @property
    def certificate(self) -> str | None:
        """The file of the client certificate, if there is one."""
        file: str | None = self._configuration.cert_file
        return file

    def ask(self, question: Ask) -> AbstractContextManager[Answer]:
        """GET the pods; the connection is dropped unless the answer was read to its end.

        Raises:
            ApiError: no answer could be had.
        """
        timings = self._timings
        patience = timings.silence if question.is_watch else timings.answer
        timeout = urllib3.Timeout(connect=timings.connect, read=patience)
        encoding = {} if question.is_watch else {"Accept-Encoding": "gzip"}
        fields = dict(question.parameters)
        return self._send("GET", "/api/v1/pods", encoding, timeout, patience, fields=fields)

    def look_up(self, node: NodeName, *, patience: float) -> AbstractContextManager[Answer]:
        """GET one Node; may be called from another thread than the rest, `close` meanwhile too.

        Raises:
            ApiError: no answer could be had.
        """
        # From the watch cache, which costs etcd nothing; it lags by well under a second.
        newest_cached = {"resourceVersion": "0"}
        timeout = urllib3.Timeout(total=patience)
        path = f"/api/v1/nodes/{quote(node, safe='')}"
        return self._send("GET", path, {}, timeout, patience, fields=newest_cached)

    def review(
        self, attributes: Mapping[str, str], *, patience: float
    ) -> AbstractContextManager[Answer]:
        """POST a SelfSubjectAccessReview: whether these credentials have a right, without using it.

        ``attributes`` are its resourceAttributes: verb, resource, group, subresource, name.

        Raises:
            ApiError: no answer could be had.
        """
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": dict(attributes)},
        }
        headers = {"Content-Type": "application/json"}
        timeout = urllib3.Timeout(total=patience)
        text = json.dumps(body).encode()
        return self._send("POST", _REVIEWS, headers, timeout, patience, body=text)

    def write(self, write: Write, *, patience: float) -> AbstractContextManager[Answer]:
        """Send a report; may be called from another thread, as `look_up`.

        Raises:
            ApiError: no answer could be had.
        """
        headers = {"Content-Type": write.content_type}
        body = json.dumps(write.body).encode()
        timeout = urllib3.Timeout(total=patience)
        return self._send(write.method, write.path, headers, timeout, patience, body=body)

    def close(self) -> None:
        """Drop every connection, so that no later request uses these credentials."""
        self._is_closed = True
        self._close_pools()

    @contextlib.contextmanager
    def _send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        timeout: urllib3.Timeout,
        patience: float,
        **content: Any,
    ) -> Iterator[Answer]:
        if self._is_closed:
            raise ConnectionLostError("these credentials are not used any more")
        with _translated():
            response: Any = self._pool.request(
                method,
                f"{self.url}{path}",
                **content,
                headers={**self._headers(), **headers},
                timeout=timeout,
                retries=False,
                preload_content=False,
            )
        try:
            yield Answer(response, patience=patience)
        finally:
            # Closes the connection unless it was read to its end and went back to the pool.
            response.close()
            if self._is_closed:
                # Closed from another thread, before there was a pool to be closed.
                self._close_pools()

    def _close_pools(self) -> None:
        # They are kept: a closed one opens no connection, and what is still out is closed when it
        # comes back. `clear` would forget them, and the next request would make another one.
        for key in self._pool.pools.keys():  # noqa: SIM118 -- it is no dict, and refuses iteration
            self._pool.pools[key].close()

    def _headers(self) -> Mapping[str, str]:
        headers = {"Accept": "application/json", "User-Agent": f"pokepodsd/{__version__}"}
        settings: Mapping[str, Mapping[str, Any]] = self._configuration.auth_settings()
        for setting in settings.values():
            if setting["in"] == "header" and setting["value"]:
                headers[setting["key"]] = setting["value"]
        return headers


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turn what the transport raises into our errors, once."""
    try:
        yield
    except (urllib3.exceptions.ReadTimeoutError, TimeoutError) as error:
        raise SilentError("nothing came from it for too long") from error
    except urllib3.exceptions.DecodeError as error:
        raise GarbledError("its compressed answer is damaged") from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise ConnectionLostError(_reason(error)) from error
    except ValueError:
        # The text of this one quotes the header, and so the token: it is not kept as a cause.
        text = "the request cannot be made: the server's address or the token is malformed"
        raise ConnectionLostError(text) from None


def _inner(error: BaseException) -> object:
    context = None if error.__suppress_context__ else error.__context__
    return error.__cause__ or context or getattr(error, "reason", None)


def _reason(error: BaseException) -> str:
    """The innermost reason: the outer ones repeat it, with addresses of objects."""
    seen = error
    while isinstance(inner := _inner(seen), BaseException):
        seen = inner
    text = getattr(seen, "strerror", None) or str(seen) or type(seen).__name__
    return " ".join(str(text).split())[:200]
