"""Status documents from where they were put: a URL, a file or standard input.

Owns the reading and its limits. A control socket is `edge.control`'s to ask; what a document says
is `core.statusmatrix`'s to judge.
"""

import contextlib
import http.client
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import SplitResult, urlsplit

from pokepodsd import __version__
from pokepodsd.errors import SourceError

STDIN = "-"
# A document of 5,000 peers is 3 MB; a file may hold those of a whole cluster.
_LONGEST = 1024 * 1024 * 1024
_LONGEST_ANSWER = 64 * 1024 * 1024
_QUERY = "peers=all&targets=none"


def read(source: str, *, timeout_seconds: float) -> list[Any]:
    """The documents of one source, not looked at.

    Raises:
        SourceError: it cannot be read, or is not JSON.
    """
    with _translated(source):
        if source == STDIN:
            return _documents(sys.stdin.buffer)
        if is_url(source):
            return [_from_url(_split(source), timeout_seconds)]
        with Path(source).open("rb") as file:
            return _documents(file)


def is_socket(source: str) -> bool:
    """Whether it is a control socket."""
    return source != STDIN and not is_url(source) and Path(source).is_socket()


def is_url(source: str) -> bool:
    """Whether it is asked by HTTP."""
    return source.startswith(("http://", "https://"))


def node_hint(source: str) -> str:
    """What the node of a source that cannot be read is called: a URL's host, a file's name."""
    if is_url(source):
        with contextlib.suppress(ValueError):
            if hostname := urlsplit(source).hostname:
                return hostname
        return shown(source)
    return Path(source).stem or source


def shown(source: str) -> str:
    """The source as it may be told: without a user and password."""
    if not is_url(source) or "@" not in source:
        return source
    scheme, _, rest = source.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _documents(file: IO[bytes]) -> list[Any]:
    """One document, an array of them, or one a line."""
    text = file.read(_LONGEST + 1)
    if len(text) > _LONGEST:
        raise ValueError(f"more than {_LONGEST} bytes")
    try:
        whole = json.loads(text)
    except ValueError:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2:
            raise
        return [json.loads(line) for line in lines]
    return whole if isinstance(whole, list) else [whole]


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        # Its text quotes what is wrong, which may be a password.
        raise ValueError("it is no URL: a password is written with %2F, %40 and the like") from None
    return parts


def _from_url(url: SplitResult, timeout_seconds: float) -> Any:
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.hostname or "", url.port, timeout=timeout_seconds)
    path = url.path if url.path not in ("", "/") else "/status"
    try:
        headers = {"Accept": "application/json", "User-Agent": f"pokepodsd/{__version__}"}
        connection.request("GET", f"{path}?{url.query or _QUERY}", headers=headers)
        response = connection.getresponse()
        if response.status != http.HTTPStatus.OK:
            raise ValueError(f"HTTP status {response.status}")
        body = response.read(_LONGEST_ANSWER + 1)
        if len(body) > _LONGEST_ANSWER:
            raise ValueError(f"more than {_LONGEST_ANSWER} bytes")
        return json.loads(body)
    finally:
        connection.close()


@contextlib.contextmanager
def _translated(source: str) -> Iterator[None]:
    try:
        yield
    except (OSError, http.client.HTTPException, RecursionError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise SourceError(
            f"{shown(source)} cannot be read ({reason:.300}): {_hint(source)}"
        ) from error


def _hint(source: str) -> str:
    if is_url(source):
        return "see whether pokepodsd runs there and listens (metrics.listen)"
    return "give what `pokepodsd status --all -o json` printed, or a control socket"
