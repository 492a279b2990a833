"""A bad cable: loss, delay, jitter, reordering, duplication by a seed, without the kernel's netem.

Owns a forwarder of Ethernet frames between one node's end of the lab and the bridge. It looks at
no frame: ARP, TCP and the API's connections suffer like the pings. Refuses to slow down what is
not asked for: a frame with no delay is passed on as soon as it is seen.
"""

import contextlib
import fcntl
import heapq
import os
import random
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

from tests.lab.errors import LabError
from tests.lab.launch import ip_batch, nft
from tests.lab.place import Hub, Node

# <linux/if_tun.h>. Each frame begins with a virtio_net_hdr, which says what of its checksum and
# segments is still to be done: what the one side said is told to the other.
_TUNSETIFF: Final = 0x400454CA
_TAP_FLAGS: Final = 0x0002 | 0x1000 | 0x4000
# <linux/if_packet.h>, <linux/if_ether.h>; the socket module of Python 3.11 does not name them.
_SOL_PACKET: Final = 263
_PACKET_VNET_HDR: Final = 15
_PACKET_IGNORE_OUTGOING: Final = 23
_EVERY_PROTOCOL: Final = 0x0003
_SO_RCVBUFFORCE: Final = 33
_BUFFER_BYTES: Final = 8 * 2**20
# The largest that segments of TCP are put together to, with their headers.
_LARGEST_FRAME: Final = 65_536 + 256
# So that neither way keeps the other waiting.
_BURST: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Impairment:
    """What befalls the frames of one way. Shares are from 0 to 1.

    Each frame waits for the delay and a part of the jitter, so that with jitter a later one may
    overtake it. ``reordering`` is the share that does not wait at all, as netem has it, and
    ``duplication`` the share that comes twice, the second with a wait of its own.
    """

    loss: float = 0.0
    duplication: float = 0.0
    reordering: float = 0.0
    delay_seconds: float = 0.0
    jitter_seconds: float = 0.0


NONE: Final = Impairment()


@dataclass(slots=True)
class Tally:
    """The frames of one way since the cable was made bad; ``passed`` has the copies too."""

    taken: int = 0
    passed: int = 0
    lost: int = 0
    duplicated: int = 0
    refused: int = 0
    """Those that the kernel did not take, as of a cable that was pulled."""


class Dice:
    """What befalls the frames of one way, one after another; the same for the same seed."""

    def __init__(self, seed: str) -> None:
        self._dice = random.Random(seed)

    def roll(self, worse: Impairment) -> list[float]:
        """How long the next frame waits, in seconds: once, twice, or never as it is lost."""
        # As many rolls for every frame, so that the next one's fate does not hang on this one's.
        lost, doubled, skips, wait, wait_of_copy = (self._dice.random() for _ in range(5))
        if lost < worse.loss:
            return []
        waits = [0.0 if skips < worse.reordering else _wait(worse, wait)]
        if doubled < worse.duplication:
            waits.append(_wait(worse, wait_of_copy))
        return waits


class _Way:
    """One direction: its dice, and the frames that wait."""

    def __init__(self, seed: str, write: Callable[[bytes], object]) -> None:
        self.impairment = NONE
        self.tally = Tally()
        self._dice = Dice(seed)
        self._write = write
        self._waiting: list[tuple[float, int, bytes]] = []
        self._pushed = 0

    def take(self, frame: bytes, now: float) -> None:
        waits, tally = self._dice.roll(self.impairment), self.tally
        tally.taken += 1
        tally.lost += not waits
        tally.duplicated += len(waits) > 1
        for one in waits:
            self._pushed += 1
            heapq.heappush(self._waiting, (now + one, self._pushed, frame))

    def pass_on(self, now: float) -> float | None:
        """Pass on what has waited; when there is more, or None."""
        while self._waiting and self._waiting[0][0] <= now:
            _, _, frame = heapq.heappop(self._waiting)
            try:
                self._write(frame)
                self.tally.passed += 1
            except OSError:
                self.tally.refused += 1
        return self._waiting[0][0] if self._waiting else None


class BadCable:
    """The cable of one node, for the time of a `with` block; perfect until `impair` says other.

    The same seed rolls the same dice for the same frames, of which those that the kernel sends of
    its own accord are a part. A thread of this process forwards; it
    takes some 30 microseconds a frame. Of `Node.half_open` only the way to the node is lost
    meanwhile, and a node that is torn down comes back with a cable of its own, a good one.
    """

    def __init__(self, hub: Hub, node: Node, *, seed: int) -> None:
        self._hub = hub
        self._port = node.port_interface
        self._tap_name = f"bad-{node.port_interface.removeprefix('port-')}"
        self._seed = seed
        self._exits = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as exits:
            self._open(exits)
            exits.callback(self._lay_back)
            self._lay()
            thread = threading.Thread(target=self._forward, name=self._tap_name, daemon=True)
            thread.start()
            exits.callback(self._end, thread)
            self._exits = exits.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._exits.close()

    def impair(self, to_node: Impairment = NONE, from_node: Impairment = NONE) -> None:
        """From now on this befalls what is taken; what waits already keeps its time."""
        self._to_node.impairment = to_node
        self._from_node.impairment = from_node

    @property
    def to_node(self) -> Tally:
        """What became of the frames to the node."""
        return self._to_node.tally

    @property
    def from_node(self) -> Tally:
        """What became of the frames from the node."""
        return self._from_node.tally

    def _open(self, exits: contextlib.ExitStack) -> None:
        with self._hub.inside():
            tap = _open_tap(self._tap_name)
            exits.callback(os.close, tap)
            wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            exits.callback(wire.close)
            wire.setblocking(False)
            wire.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
            wire.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
            wire.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
            wire.bind((self._port, _EVERY_PROTOCOL))
        self._tap, self._wire = tap, wire
        self._wake = os.eventfd(0, os.EFD_CLOEXEC)
        exits.callback(os.close, self._wake)
        name = f"{self._seed} {self._port}"
        self._to_node = _Way(f"{name} to", self._wire.send)
        self._from_node = _Way(f"{name} from", lambda frame: os.write(tap, frame))

    def _lay(self) -> None:
        """Put the forwarder between the cable and the bridge; the hub hears the cable no more."""
        nft(self._hub.namespace, _deafness(self._tap_name, self._port))
        interface = self._hub.interface
        lines = [
            f"link set {self._port} nomaster promisc on",
            f"link set {self._tap_name} addrgenmode none master {interface} up",
        ]
        ip_batch(self._hub.namespace, lines)

    def _lay_back(self) -> None:
        # A cable that is gone, with its node, took the rest along.
        with contextlib.suppress(LabError):
            nft(self._hub.namespace, f"delete table netdev {_table(self._tap_name)}\n")
        with contextlib.suppress(LabError):
            lines = [f"link set {self._port} promisc off master {self._hub.interface}"]
            ip_batch(self._hub.namespace, lines)

    def _end(self, thread: threading.Thread) -> None:
        os.eventfd_write(self._wake, 1)
        thread.join()

    def _forward(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake, selectors.EVENT_READ)
            selector.register(self._tap, selectors.EVENT_READ, self._take_from_bridge)
            selector.register(self._wire, selectors.EVENT_READ, self._take_from_node)
            due: float | None = None
            while True:
                left = None if due is None else max(0.0, due - time.monotonic())
                for key, _ in selector.select(left):
                    if key.data is None:
                        return
                    key.data()
                due = self._pass_on(time.monotonic())

    def _pass_on(self, now: float) -> float | None:
        times = [self._to_node.pass_on(now), self._from_node.pass_on(now)]
        return min((time for time in times if time is not None), default=None)

    def _take_from_bridge(self) -> None:
        now = time.monotonic()
        with contextlib.suppress(BlockingIOError):
            for _ in range(_BURST):
                self._to_node.take(os.read(self._tap, _LARGEST_FRAME), now)

    def _take_from_node(self) -> None:
        now = time.monotonic()
        # Other errors are told once: of a cable that was pulled (ENETDOWN), or is gone.
        with contextlib.suppress(OSError):
            for _ in range(_BURST):
                self._from_node.take(self._wire.recv(_LARGEST_FRAME), now)


def _wait(worse: Impairment, roll: float) -> float:
    return worse.delay_seconds + roll * worse.jitter_seconds


def _open_tap(name: str) -> int:
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _TAP_FLAGS))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _deafness(tap_name: str, port: str) -> str:
    """Drop what arrives before the hub itself would answer it; packet sockets are asked earlier."""
    hook = f'type filter hook ingress device "{port}" priority 100; policy drop;'
    return f"table netdev {_table(tap_name)} {{ chain arriving {{ {hook} }}; }}\n"


def _table(tap_name: str) -> str:
    return tap_name.replace("-", "_")
