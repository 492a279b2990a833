"""The vocabulary that every stage shares.

Owns the types that travel between stages, and nothing that acts on them. Times on the monotonic
clock are `MonotonicNs`, times on the wall clock `WallNs`, durations are plain integers whose
names end in ``_ns``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NewType

Uid = NewType("Uid", str)
NodeName = NewType("NodeName", str)
TargetId = NewType("TargetId", str)
MonotonicNs = NewType("MonotonicNs", int)
WallNs = NewType("WallNs", int)

SECOND_NS = 1_000_000_000
MILLISECOND_NS = 1_000_000


class Family(Enum):
    """The address family, by the IP version number."""

    V4 = 4
    V6 = 6


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
    created: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One address to poke, and the pod that it belongs to.

    Identity is the pod's uid with the address: names and addresses alone are both reused.
    """

    id: TargetId
    uid: Uid
    namespace: str
    name: str
    node: NodeName | None
    address: str
    family: Family
    created: str

    def __str__(self) -> str:
        where = f" on {self.node}" if self.node else ""
        return f"{self.namespace}/{self.name} ({self.address}){where}"


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
    before the kernel gets the packet. ``ordinal`` is its number among the probes to its target.
    """

    target: Target
    sequence: int
    serial: int
    opening: bool
    sent_ns: MonotonicNs
    ordinal: int = 0
    sent_wall_ns: WallNs = WallNs(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One ICMP socket as the core sees it: its echo identifier, and what its datagrams hold."""

    family: Family
    identifier: int
    has_ip_header: bool


@dataclass(slots=True, kw_only=True)
class Datagram:
    """What a socket received, and when by the kernel's own stamp; not frozen for its cost."""

    family: Family
    data: bytes
    source: str
    stamp_ns: WallNs


@dataclass(frozen=True, slots=True, kw_only=True)
class IcmpError:
    """An ICMP error, what it quotes from the quoted ICMP header on, and to whom that was sent."""

    family: Family
    quoted: bytes
    destination: str
    type: int
    code: int
    reporter: str


class OutcomeKind(Enum):
    """How a poke ended: each probe ends in exactly one of these."""

    REPLIED = "replied"
    TIMED_OUT = "timed out"
    REJECTED = "rejected"
    SEND_FAILED = "send failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of one probe.

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


class Health(Enum):
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


class Level(Enum):
    """Severity of a journal entry, as syslog's priority (RFC 5424, section 6.2.1)."""

    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFO = 6
    DEBUG = 7


class EventKind(Enum):
    """Each kind of journal entry with its fixed MESSAGE_ID (systemd.journal-fields(7))."""

    STARTED = "ab31753741c74715a2b17ce72b4e24f1"
    STOPPED = "f4b8d312bee94bdaaa46d79606defd5c"
    CONFIG_RELOADED = "a7b86ca0d9524424b5a273ebd6bb9fe2"
    CONFIG_REFUSED = "967112237a8942ba87d618ce7dbb1d80"
    TARGET_DOWN = "b5984684bb5545d0a38f6fc8fac939a2"
    TARGET_UP = "878a75e87ec14ef497e901b047716f72"
    TARGET_OPENED = "8fd1eb9a2464463e8e40cfe5cc42d0b8"
    TARGET_WITHDRAWN = "4266c8a63dfb46b992551ed511e8862d"
    POKE_ANSWERED = "acbbb9e8439448129de7e1f7c4302d91"
    POKE_FAILED = "76c7d4679c994836b62c873d4152879c"
    INTERVAL_STRETCHED = "88ed1d04477d4e1486c8d8a30846c0c3"
    INTERVAL_RESTORED = "567a07a3d73847599961051fd9041ab8"
    API_LOST = "901a633f62e54c08b4f2156c4c76c241"
    API_BACK = "9cbaed280b96410b9b647c8d83bb1064"
    API_REFUSED = "d045007d7cce4902b08f5539ea74df9a"
    API_GRANTED = "bcd693dd32f94d6c8d00bfdec6800c11"
    POD_IGNORED = "8d8ea1ee99b34d2dbfea29f3f0f8a30d"
    READER_REPLACED = "5eaf82144819435a8fa9100b75053ccc"
    STATE_SET_ASIDE = "3a53c6a7822846d2bafc0bbe58dd2496"
    STATE_NOT_SAVED = "4b6f11310f384e04a12225b7bd7a568a"
    LOOP_STUCK = "aacf8605b2ae42bea22785dccecb8289"
    ENTRIES_LOST = "ee7d3e7ecfa74af6ac13b2943d47cba2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One journal entry; ``fields`` are named without the ``POKEPODSD_`` prefix."""

    kind: EventKind
    level: Level
    text: str
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """The effect that puts one echo request on the wire."""

    probe: Probe
    packet: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The state of the daemon at one moment, as STATUS= and the operator's commands show it."""

    targets: int
    up: int
    down: int
    opening: int
    api: str
    interval_ns: int
    sent: int
    received: int
    strays: Mapping[str, int]

    def __str__(self) -> str:
        return (
            f"{self.targets} targets: {self.up} up, {self.down} down, {self.opening} opening; "
            f"API: {self.api}"
        )
