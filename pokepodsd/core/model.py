"""The vocabulary that every stage shares.

Owns the types that travel between stages, and nothing that acts on them. Times on the monotonic
clock are `MonotonicNs`, times on the wall clock `WallNs`, durations are plain integers whose
names end in ``_ns``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple, NewType, assert_never

Uid = NewType("Uid", str)
NodeName = NewType("NodeName", str)
TargetId = NewType("TargetId", str)
MonotonicNs = NewType("MonotonicNs", int)
WallNs = NewType("WallNs", int)
Draw = Callable[[], int]
"""Makes the cookie of one probe: 64 bits that nobody can guess."""

SECOND_NS = 1_000_000_000
MILLISECOND_NS = 1_000_000


class Closed(Enum):
    """A closed set of single members, hashed by identity.

    `Enum` hashes by name in Python, which costs as much as seven look-ups in a dictionary, and
    every poke makes a dozen of them.
    """

    __hash__ = object.__hash__


class Family(Closed):
    """The address family, by the IP version number."""

    V4 = 4
    V6 = 6

    @classmethod
    def of(cls, address: str) -> "Family":
        """The family of a text that is known to be an address."""
        return cls.V6 if ":" in address else cls.V4


class Layer(Closed):
    """What a poke crosses: the nodes' own network, the tunnel on it, or all the way to a pod."""

    UNDERLAY = "underlay"
    TUNNEL = "tunnel"
    POD = "pod"


class Scope(Enum):
    """How much of the cluster the API server lets these credentials see."""

    CLUSTER = "cluster"
    NODE = "node"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """What is kept of a Pod object; ``created`` is its RFC 3339 text, which sorts by time."""

    uid: Uid
    namespace: str
    name: str
    node: NodeName | None
    phase: str
    ready: bool
    terminating: bool
    host_network: bool
    host: str
    """The node's own address (``status.hostIP``), "" if it is not told."""
    created: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One address to poke, and what it belongs to: a pod, a tunnel or a node.

    A pod's identity is its uid with the address: names and addresses alone are both reused. A
    tunnel's ``name`` is its device, and ``host`` the node's own address where it is known; both
    have no uid and no namespace.
    """

    id: TargetId
    uid: Uid = Uid("")
    namespace: str = ""
    name: str = ""
    node: NodeName | None
    address: str
    family: Family
    created: str = ""
    host: str = ""
    layer: Layer = Layer.POD

    def __str__(self) -> str:
        match self.layer:
            case Layer.POD:
                where = f" on {self.node}" if self.node else ""
                return f"{self.namespace}/{self.name} ({self.address}){where}"
            case Layer.TUNNEL:
                return f"the tunnel {self.name} to {self.node or self.host} ({self.address})"
            case Layer.UNDERLAY:
                return f"the node {self.node or ''} ({self.address})"
            case _:
                assert_never(self.layer)


class Skip(Enum):
    """Why a pod, or one of its addresses, is not poked."""

    NO_ADDRESS = "it has no address yet"
    NAMESPACE = "its namespace is left out by the configuration"
    HOST_NETWORK = "it is on the host network"
    FINISHED = "it has finished"
    TERMINATING = "it is being deleted"
    READY = "it is ready, and skip_ready is set"
    OWN_NODE = "it is on this node, and own_pods is off"
    NOT_A_POD_ADDRESS = "its address is no pod's business"
    OWN_ADDRESS = "its address is one of this host's own"
    NO_SOCKET = "this host has no socket of its address family"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A pod's address (or the pod, where ``address`` is empty) that is not poked, and why."""

    uid: Uid
    address: str
    reason: Skip


@dataclass(slots=True, kw_only=True)
class Probe:
    """One echo request in flight.

    Not frozen: one is made for every packet, and the wall clock is read after it is made, right
    before the kernel gets the packet. ``mark`` is what its reply repeats of the packet, ``ordinal``
    its number among the probes to its target.
    """

    target: Target
    sequence: int
    serial: int
    opening: bool
    sent_ns: MonotonicNs
    mark: bytes = b""
    ordinal: int = 0
    sent_wall_ns: WallNs = WallNs(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One ICMP socket as the core sees it: its echo identifier, and what its datagrams hold."""

    family: Family
    identifier: int
    has_ip_header: bool


class Datagram(NamedTuple):
    """What a socket received, and when by the kernel's own stamp.

    ``ttl`` is the hop limit that it arrived with, where the socket was asked to tell it.
    """

    family: Family
    data: bytes
    source: str
    stamp_ns: WallNs
    ttl: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IcmpError:
    """An ICMP error, what it quotes from the quoted ICMP header on, and to whom that was sent."""

    family: Family
    quoted: bytes
    destination: str
    type: int
    code: int
    reporter: str


class OutcomeKind(Closed):
    """How a poke ended: each probe ends in exactly one of these."""

    REPLIED = "replied"
    TIMED_OUT = "timed out"
    REJECTED = "rejected"
    SEND_FAILED = "send failed"


OVERRUN: Final = "receive buffer overrun"
"""The detail of an Outcome whose reply may be among those that found no room here."""
_WANTS_OF_ROOM: Final = frozenset({"ENOBUFS", "EAGAIN", "ENOMEM", OVERRUN})


class Outcome(NamedTuple):
    """The end of one probe; a tuple, since one is made for every packet.

    ``detail`` names the ICMP error (RFC 792, RFC 4443) or the errno; ``reporter`` is the address
    that sent the ICMP error; ``rtt_ns`` is there for a reply only.
    """

    probe: Probe
    kind: OutcomeKind
    at_ns: MonotonicNs
    rtt_ns: int | None = None
    detail: str = ""
    reporter: str = ""

    @property
    def name(self) -> str:
        """Short text for a journal entry: ``timed out``, ``host unreachable``, ``EPERM``."""
        return self.detail or self.kind.value

    @property
    def is_for_want_of_room(self) -> bool:
        """Whether this host's full queues or buffers explain it: it says nothing of the target."""
        return self.detail in _WANTS_OF_ROOM


class Health(Closed):
    """What is believed about one target."""

    OPENING = "opening"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A belief that changed.

    ``since_ns`` is when the belief before began, ``failing_since_ns`` when the first poke left
    that was not answered, ``pokes`` how many were not.
    """

    target: Target
    before: Health
    after: Health
    at_ns: MonotonicNs
    since_ns: MonotonicNs
    failing_since_ns: MonotonicNs
    pokes: int
    outcome: Outcome


class Send(NamedTuple):
    """The effect that puts one echo request on the wire."""

    probe: Probe
    packet: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The state of the daemon at one moment, as STATUS= and the operator's commands show it."""

    targets: int
    peers: Mapping[str, int]
    is_cut_off: bool
    opened: int
    up: int
    down: int
    opening: int
    api: str
    interval_ns: int
    sent: int
    received: int
    strays: Mapping[str, int]

    def __str__(self) -> str:
        number = sum(self.peers.values())
        peers = "1 peer" if number == 1 else f"{number} peers"
        # What was believed of each before says nothing while this node is cut off.
        if self.peers and not self.is_cut_off:
            peers += ": " + ", ".join(f"{n} {name}" for name, n in sorted(self.peers.items()))
        is_cut_off = "this node is cut off; " if self.is_cut_off else ""
        return (
            f"{is_cut_off}{peers}; {self.targets} targets: {self.up} up, {self.down} down, "
            f"{self.opening} opening; API: {self.api}"
        )
