"""The least that a prober in Python does: `python -m tests.bench.plainloop RATE ADDRESS...`.

Owns one loop that pokes the addresses in turn, what is due every 50 ms: it makes the packet, sends
it, takes the reply with the kernel's stamp, finds what it answers, and adds up the round trips. No
newcomers, no beliefs, no peers, no status: what another prober takes beyond this, on the same
machine in the same minute, is its own thinking. Runs until killed, where ICMP datagram sockets are
allowed.
"""

import itertools
import socket
import struct
import sys
import time
from collections.abc import Iterator, Sequence

TICK_NS = 50_000_000
_SO_TIMESTAMPNS = 35
_RECEIVE_BUFFER = 4 * 2**20
# Type, code, checksum and identifier, which the kernel fills in, sequence; and as much payload as
# pokepodsd sends.
_ECHO = struct.Struct("!BBHHHQQ")
_REQUEST = 8
_STAMP = struct.Struct("@ll")


class PlainLoop:
    """The loop, its socket and what is in flight."""

    def __init__(self, addresses: Sequence[str], rate: int) -> None:
        self._endpoint = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
        self._endpoint.setblocking(False)
        self._endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        self._endpoint.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._targets: Iterator[str] = itertools.cycle(addresses)
        self._rate = rate
        self._sent = 0
        self._in_flight: dict[int, tuple[str, int]] = {}
        self._rtts_ns = dict.fromkeys(addresses, 0)

    def run(self) -> None:
        """Poke for ever."""
        begin = time.monotonic_ns()
        for tick in itertools.count(1):
            time.sleep(max(0.0, (begin + tick * TICK_NS - time.monotonic_ns()) / 1e9))
            self._read()
            due = (time.monotonic_ns() - begin) * self._rate // 1_000_000_000
            while self._sent < due:
                self._send(next(self._targets))

    def _send(self, address: str) -> None:
        sequence = self._sent & 0xFFFF
        packet = _ECHO.pack(_REQUEST, 0, 0, 0, sequence, self._sent, 0)
        self._in_flight[sequence] = address, time.time_ns()
        self._endpoint.sendto(packet, (address, 0))
        self._sent += 1

    def _read(self) -> None:
        while True:
            try:
                data, ancillary, _, source = self._endpoint.recvmsg(2048, 512)
            except BlockingIOError:
                return
            _, _, _, _, sequence, serial, _ = _ECHO.unpack(data)
            address, sent_ns = self._in_flight.pop(sequence)
            if address == source[0] and serial & 0xFFFF == sequence:
                seconds, nanoseconds = _STAMP.unpack(ancillary[0][2])
                self._rtts_ns[address] += seconds * 1_000_000_000 + nanoseconds - sent_ns


if __name__ == "__main__":
    loop = PlainLoop(sys.argv[2:], int(sys.argv[1]))
    print("up", flush=True)
    loop.run()
