"""Owns an IP-in-IP tunnel without the kernel's: a TUN device and a raw socket of protocol 4.

Refuses to filter, and to say what it lost: a tunnel loses what it cannot pass on.
"""

import contextlib
import fcntl
import ipaddress
import os
import selectors
import socket
import struct
from collections.abc import Mapping

from tests.lab.errors import LabError

# <linux/if_tun.h>; packets come without a header of the device's own.
TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000
# The socket module of Python 3.11 does not name it.
SO_RCVBUFFORCE = 33

LARGEST_PACKET = 65_536
BUFFER_BYTES = 8 * 2**20
# So that one busy node does not keep the others waiting.
BURST = 64


class Blocks:
    """Which node answers for which block of pods. All blocks are of one size."""

    def __init__(self, nodes: Mapping[str, str]) -> None:
        networks = {ipaddress.IPv4Network(block): node for block, node in nodes.items()}
        prefixes = {network.prefixlen for network in networks}
        if len(prefixes) != 1:
            raise LabError(f"blocks of one size are needed, not {list(nodes)}")
        self._shift = 32 - prefixes.pop()
        self._nodes = {
            int(block.network_address) >> self._shift: node for block, node in networks.items()
        }

    def node_of(self, packet: bytes) -> str | None:
        """Return the node that an IPv4 packet is for, and None for anything else."""
        if len(packet) < 20 or packet[0] >> 4 != 4:
            return None
        return self._nodes.get(int.from_bytes(packet[16:20], "big") >> self._shift)


class TunnelEnd:
    """The tunnel of the node in whose namespace this is made."""

    def __init__(self, device: str, blocks: Blocks, selector: selectors.BaseSelector) -> None:
        self._blocks = blocks
        self._selector = selector
        self._device = _open_device(device)
        self._wire = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IPIP)
        self._wire.setblocking(False)
        self._wire.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
        selector.register(self._device, selectors.EVENT_READ, self._wrap_waiting)
        selector.register(self._wire, selectors.EVENT_READ, self._unwrap_waiting)

    def close(self) -> None:
        self._forget_device()
        self._selector.unregister(self._wire)
        os.close(self._device)
        self._wire.close()

    def _wrap_waiting(self) -> None:
        """Send on what the node routed into the device."""
        for _ in range(BURST):
            try:
                packet = os.read(self._device, LARGEST_PACKET)
            except BlockingIOError:
                return
            except OSError:
                # Somebody deleted it.
                self._forget_device()
                return
            node = self._blocks.node_of(packet)
            if node is not None:
                with contextlib.suppress(OSError):
                    self._wire.sendto(packet, (node, 0))

    def _unwrap_waiting(self) -> None:
        """Hand the node what came for it."""
        with contextlib.suppress(OSError):
            for _ in range(BURST):
                packet = self._wire.recv(LARGEST_PACKET)
                header = (packet[0] & 0x0F) * 4
                os.write(self._device, packet[header:])

    def _forget_device(self) -> None:
        if self._device in self._selector.get_map():
            self._selector.unregister(self._device)


def _open_device(name: str) -> int:
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        fcntl.ioctl(
            descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI)
        )
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
