"""Answers whose gzip is cut off, does not end, or unpacks to far more than it was.

Owns: their bytes, made as they are sent. Refuses: to compress what is whole; `responses` does.
"""

import asyncio
import zlib
from typing import Final, Never

from aiohttp import web

from tests.apiserver.faults import Fault, FaultKind

FAULTS: Final = frozenset({FaultKind.GZIP_CUT, FaultKind.GZIP_ENDLESS, FaultKind.GZIP_BOMB})
HEADERS: Final = {"Content-Encoding": "gzip"}
_PIECE: Final = 1024 * 1024
# zlib: a window of 2**15 bytes, and 16 more for gzip's head and end.
_GZIP: Final = 31


async def write_faulty(response: web.StreamResponse, body: bytes, fault: Fault) -> None:
    """`body` with white space between two tokens, as the fault has it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
    await response.write(packer.compress(body[:1]))
    match fault.fault:
        case FaultKind.GZIP_CUT:
            half = packer.compress(body[1 : len(body) // 2]) + packer.flush(zlib.Z_SYNC_FLUSH)
            await response.write(half)
        case FaultKind.GZIP_ENDLESS:
            await _write_endlessly(response, packer)
        case FaultKind.GZIP_BOMB:
            for _ in range(0, fault.size, _PIECE):
                await _write_spaces(response, packer)
            await response.write(packer.compress(body[1:]) + packer.flush())
        case _:
            raise AssertionError(f"{fault.fault} has no gzip")


async def _write_endlessly(response: web.StreamResponse, packer: "zlib._Compress") -> Never:
    while True:
        await _write_spaces(response, packer)


async def _write_spaces(response: web.StreamResponse, packer: "zlib._Compress") -> None:
    if packed := packer.compress(b" " * _PIECE):
        await response.write(packed)
    # A reader that takes everything at once must not starve the other requests.
    await asyncio.sleep(0)
