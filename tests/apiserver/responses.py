"""Bytes of an answer that is not a watch: headers, framing, gzip, and faults of such answers.

Owns: how kube-apiserver frames a body. Refuses: to know what the body says.
"""

import asyncio
import gzip
import re
import socket
import struct
import uuid
from collections import OrderedDict
from typing import Never

from aiohttp import web

from tests.apiserver import compression
from tests.apiserver.authentication import User
from tests.apiserver.faults import Fault, FaultKind
from tests.apiserver.served import Request
from tests.apiserver.status import Json, StatusError, unauthorized
from tests.apiserver.store import serialize

ENTRY = web.RequestKey("entry", Request)
FAULT = web.RequestKey("fault", Fault)
USER = web.RequestKey("user", User)

# endpoints/handlers/responsewriters/writers.go: defaultGzipThresholdBytes, level 1.
GZIP_THRESHOLD = 128 * 1024
GZIP_LEVEL = 1
# Go's net/http counts a body that fits its buffer, and frames a longer one in chunks.
COUNTED_BODY = 2048
PIECE = 1024 * 1024
CACHED_BODIES = 32
HTML = b"<html><body><h1>Service portal</h1></body></html>\n"
# The identifiers of flow schema and priority level are made by each cluster for itself.
FLOW_SCHEMA = str(uuid.uuid4())
PRIORITY_LEVEL = str(uuid.uuid4())

_compressed: OrderedDict[tuple[object, ...], bytes] = OrderedDict()


def make_headers(*, is_known: bool = True) -> dict[str, str]:
    """`is_known`: whether the user was identified, and so put into a flow."""
    headers = {
        "Audit-Id": str(uuid.uuid4()),
        "Cache-Control": "no-cache, private",
        "Content-Type": "application/json",
    }
    if is_known:
        headers["X-Kubernetes-Pf-Flowschema-Uid"] = FLOW_SCHEMA
        headers["X-Kubernetes-Pf-Prioritylevel-Uid"] = PRIORITY_LEVEL
    return headers


async def send_json(request: web.Request, body: Json, status: int = 200) -> web.StreamResponse:
    return await send(request, serialize(body) + b"\n", status, make_headers())


async def send_failure(request: web.Request, failure: StatusError) -> web.StreamResponse:
    headers = make_headers(is_known=failure.code != 401) | failure.headers
    return await send(request, serialize(failure.body()) + b"\n", failure.code, headers)


async def send_list(
    request: web.Request, body: bytes, cache_key: tuple[object, ...]
) -> web.StreamResponse:
    """`cache_key` names the body's content, so that it is compressed once for all readers."""
    headers = make_headers()
    accepts_gzip = "gzip" in request.headers.get("Accept-Encoding", "")
    if len(body) >= GZIP_THRESHOLD and accepts_gzip and FAULT not in request:
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        body = await _compress(body, cache_key)
    return await send(request, body, 200, headers)


async def send(
    request: web.Request, body: bytes, status: int, headers: dict[str, str]
) -> web.StreamResponse:
    fault = request.get(FAULT)
    if fault is not None:
        return await _send_faulty(request, body, fault, headers)
    response = web.StreamResponse(status=status, headers=headers)
    if len(body) < COUNTED_BODY:
        response.content_length = len(body)
    else:
        response.enable_chunked_encoding()
    await begin(request, response)
    view = memoryview(body)
    for start in range(0, len(body), PIECE):
        await response.write(view[start : start + PIECE])
    await response.write_eof()
    return response


async def begin(request: web.Request, response: web.StreamResponse) -> None:
    request[ENTRY].status = response.status
    await response.prepare(request)


def reset(request: web.Request) -> None:
    """Ends the connection with a TCP reset, as a dying peer or a firewall does."""
    if request.transport is None:
        return
    connection: socket.socket = request.transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()


def cut(request: web.Request) -> None:
    """Ends the connection without the end of the body, keeping what was sent so far."""
    if request.transport is not None:
        request.transport.abort()


async def hang() -> Never:
    """Until the client goes away, which cancels the handler."""
    await asyncio.Event().wait()
    raise AssertionError("nothing sets this event")


async def answer_early_fault(request: web.Request, fault: Fault) -> web.StreamResponse | None:
    """Faults that need no body; None for the others."""
    match fault.fault:
        case FaultKind.STATUS:
            return await _send_status(request, fault)
        case FaultKind.HTML:
            headers = {"Content-Type": "text/html; charset=utf-8"}
            return await _send_plain(request, HTML, 200, headers)
        case FaultKind.DROP:
            reset(request)
            await hang()
        case FaultKind.SLOW_HEAD:
            await _write_head_slowly(request, fault.interval_seconds)
    return None


async def _send_status(request: web.Request, fault: Fault) -> web.StreamResponse:
    if fault.code == 429:
        # endpoints/filters: tooManyRequests answers in plain text, not with a Status.
        headers = make_headers() | {"Content-Type": "text/plain; charset=utf-8"}
        headers |= {"X-Content-Type-Options": "nosniff"} | fault.failure().headers
        text = b"Too many requests, please try again later.\n"
        return await _send_plain(request, text, 429, headers)
    failure = unauthorized() if fault.code == 401 else fault.failure()
    headers = make_headers(is_known=fault.code != 401) | failure.headers
    return await _send_plain(request, serialize(failure.body()) + b"\n", fault.code, headers)


async def _send_plain(
    request: web.Request, body: bytes, status: int, headers: dict[str, str]
) -> web.StreamResponse:
    response = web.StreamResponse(status=status, headers=headers)
    response.content_length = len(body)
    await begin(request, response)
    await response.write(body)
    await response.write_eof()
    return response


async def _send_faulty(
    request: web.Request, body: bytes, fault: Fault, headers: dict[str, str]
) -> web.StreamResponse:
    if fault.fault is FaultKind.SILENT:
        await hang()
    if fault.fault is FaultKind.ERROR_EVENT:
        return await _send_status(request, fault)
    is_packed = fault.fault in compression.FAULTS
    response = web.StreamResponse(headers=headers | (compression.HEADERS if is_packed else {}))
    response.enable_chunked_encoding()
    await begin(request, response)
    if is_packed:
        await compression.write_faulty(response, body, fault)
    else:
        await _write_faulty(request, response, body, fault)
    await response.write_eof()
    return response


async def _write_faulty(
    request: web.Request, response: web.StreamResponse, body: bytes, fault: Fault
) -> None:
    match fault.fault:
        case FaultKind.DROP_MIDWAY:
            await response.write(body[: len(body) // 2])
            cut(request)
            await hang()
        case FaultKind.TRUNCATED_LINE:
            await response.write(body[: len(body) // 2])
        case FaultKind.GARBAGE_LINE:
            await response.write(b"\x00garbage, not JSON\n")
        case FaultKind.TRICKLE:
            await write_slowly(response, body, fault.interval_seconds)
        case FaultKind.ENDLESS_LINE:
            await write_endlessly(response)
        case FaultKind.HUGE_LINE:
            await write_widened(response, body, fault.size)
        case FaultKind.WRONG_RESOURCE_VERSION:
            await response.write(with_wrong_version(body, fault.resource_version))
        case _:
            raise AssertionError(f"{fault.fault} has no body")


async def write_slowly(response: web.StreamResponse, data: bytes, interval: float) -> None:
    for index in range(len(data)):
        await response.write(data[index : index + 1])
        await asyncio.sleep(interval)


async def write_widened(response: web.StreamResponse, data: bytes, size: int) -> None:
    """With white space between two tokens: it is JSON still."""
    await response.write(data[:1])
    for start in range(0, size, PIECE):
        await response.write(b" " * min(PIECE, size - start))
    await response.write(data[1:])


async def _write_head_slowly(request: web.Request, interval: float) -> Never:
    """A head that never ends, a byte at a time."""
    assert request.transport is not None
    request.transport.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        request.transport.write(b"x")
        await asyncio.sleep(interval)


async def write_endlessly(response: web.StreamResponse) -> Never:
    while True:
        await response.write(b"x" * 65536)
        # A reader that takes everything at once must not starve the other requests.
        await asyncio.sleep(0)


def with_wrong_version(data: bytes, version: str) -> bytes:
    """The first resourceVersion is the list's, or that of the event's object."""
    wrong = serialize({"resourceVersion": version})[1:-1]
    return re.sub(rb'"resourceVersion":"[^"]*"', lambda _: wrong, data, count=1)


async def _compress(body: bytes, cache_key: tuple[object, ...]) -> bytes:
    if cache_key not in _compressed:
        _compressed[cache_key] = await asyncio.to_thread(gzip.compress, body, GZIP_LEVEL, mtime=0)
        while len(_compressed) > CACHED_BODIES:
            _compressed.popitem(last=False)
    return _compressed[cache_key]
