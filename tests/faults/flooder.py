"""Sends ICMP packets as fast as it can, for a bounded time: `python -m tests.faults.flooder`.

Owns the sender alone. It runs in a namespace that a test made, and refuses to last longer than
`MOST_SECONDS`; what it sends is told to it on stdin, a packet in hexadecimal digits a line. It
prints how many left and in how many seconds, as JSON.
"""

import json
import socket
import struct
import sys
import time
from itertools import cycle, islice
from typing import Final

MOST_SECONDS: Final = 10.0
_BURST: Final = 64
# linux/if_packet.h: straight to the device.
_SOL_PACKET, _PACKET_QDISC_BYPASS = 263, 20
_SENDER: Final = bytes.fromhex("020000000066")


def flood(
    frames: list[bytes], interface: str, *, seconds: float, most_per_second: float
) -> tuple[int, float]:
    """Send the frames over and over; how many left, and how long it took."""
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sender.setsockopt(_SOL_PACKET, _PACKET_QDISC_BYPASS, 1)
    sender.bind((interface, 0))
    endless, send = cycle(frames), sender.send
    begin = now = time.monotonic()
    sent = 0
    until = begin + min(seconds, MOST_SECONDS)
    while now < until:
        for frame in islice(endless, _BURST):
            send(frame)
        sent += _BURST
        now = time.monotonic()
        ahead = begin + sent / most_per_second - now
        if ahead > 0:
            time.sleep(ahead)
    sender.close()
    return sent, now - begin


def _frame(packet: bytes, hardware: str) -> bytes:
    """The packet to this MAC, with the checksum of its header (RFC 1071), which nobody fills in."""
    total: int = sum(struct.unpack("!10H", packet[:20]))
    checksum = (0xFFFF - total % 0xFFFF).to_bytes(2, "big")
    ends = bytes.fromhex(hardware.replace(":", "")) + _SENDER
    return ends + b"\x08\x00" + packet[:10] + checksum + packet[12:]


def main() -> None:
    """Arguments: the interface, the MAC to send to, the seconds, and the most packets a second."""
    interface, hardware, seconds, most = sys.argv[1:]
    frames = [_frame(bytes.fromhex(line), hardware) for line in sys.stdin]
    sent, took = flood(frames, interface, seconds=float(seconds), most_per_second=float(most))
    print(json.dumps({"sent": sent, "seconds": took}))


if __name__ == "__main__":
    main()
