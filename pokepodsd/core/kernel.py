"""What the kernel says of this host's links, routes and neighbours, and of one tunnel of it.

Owns the words for it, as rtnetlink(7) has them, and nothing that reads or judges them.
"""

from dataclasses import dataclass
from enum import Enum
from typing import NewType

from pokepodsd.core.model import Family

TunnelId = NewType("TunnelId", str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A network device; ``kind`` is IFLA_INFO_KIND (``ipip``, ``vxlan``), "" for hardware.

    ``is_up`` is IFF_UP; ``has_carrier`` is IFF_LOWER_UP.
    """

    index: int
    name: str
    kind: str
    is_up: bool
    has_carrier: bool


class RouteType(Enum):
    """What a route does with a packet: RTN_UNICAST forwards it, the others do not."""

    UNICAST = "unicast"
    LOCAL = "local"
    BLACKHOLE = "blackhole"
    UNREACHABLE = "unreachable"
    PROHIBIT = "prohibit"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One next hop; ``gateway`` is None where the destination is on the link itself."""

    device: int
    gateway: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route; ``destination`` is a prefix such as ``10.244.13.0/26``.

    A route is the same as another by table, destination, type of service and priority (that is
    what the kernel keeps one of), whatever its hops are: see `key`.
    """

    family: Family
    table: int
    destination: str
    type: RouteType
    hops: tuple[Hop, ...] = ()
    priority: int = 0
    tos: int = 0

    @property
    def key(self) -> tuple[int, str, int, int]:
        """What tells it from other routes."""
        return (self.table, self.destination, self.priority, self.tos)


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """An entry that tells who is behind a tunnel address.

    Of the neighbour table (``address`` and ``lladdr``: the peer's tunnel address has this MAC) or
    of a VXLAN's forwarding table (``lladdr`` and ``remote``: this MAC is behind that node).
    """

    device: int
    lladdr: str
    address: str | None = None
    remote: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DumpBegun:
    """All that there is follows; what is not named before `DumpEnded` does not exist any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DumpEnded:
    """All that there was at its beginning has been told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkChanged:
    """A link is new or different."""

    link: Link


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRemoved:
    """A link is gone; its routes went with it, which the kernel does not tell one by one."""

    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteChanged:
    """A route is new, or replaces the one of the same key."""

    route: Route


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRemoved:
    """A route is gone."""

    route: Route


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourChanged:
    """A neighbour is new or different."""

    neighbour: Neighbour


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourRemoved:
    """A neighbour is gone."""

    neighbour: Neighbour


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressesChanged:
    """An address of this host came or went."""


KernelEvent = (
    DumpBegun
    | DumpEnded
    | LinkChanged
    | LinkRemoved
    | RouteChanged
    | RouteRemoved
    | NeighbourChanged
    | NeighbourRemoved
    | AddressesChanged
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnel:
    """One way into another node's pods: routes through one tunnel device to one far end.

    ``blocks`` are the prefixes behind it, sorted; ``addresses`` those of the far side that may be
    poked, the likeliest to answer first; ``underlay`` the far node's own address, where the
    kernel knows it (IP-in-IP: the gateway; VXLAN: by the forwarding table).
    """

    id: TunnelId
    family: Family
    device: str
    kind: str
    gateway: str | None
    blocks: tuple[str, ...]
    addresses: tuple[str, ...]
    underlay: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """Packets that a device sent and received since it exists (IFLA_STATS64)."""

    sent: int
    received: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteAnswer:
    """The kernel's route for one address (RTM_GETROUTE); ``device`` None: there is no route.

    ``error`` is the errno's name where there is none: ENETUNREACH, EHOSTUNREACH, EINVAL for a
    blackhole.
    """

    device: str | None
    kind: str = ""
    gateway: str | None = None
    source: str | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConntrackEntry:
    """What connection tracking keeps of this host's protocol-4 flow to a node.

    ``is_unreplied`` is the flag UNREPLIED: nothing ever came back.
    """

    is_unreplied: bool
    seconds_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the kernel says about one tunnel at one moment; None for what it does not say."""

    route: RouteAnswer | None = None
    counters: Counters | None = None
    conntrack: ConntrackEntry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspect:
    """The effect that asks the kernel about the way to ``address``, which is behind ``node``."""

    peer: str
    address: str
    device: str
    node: str | None
    with_conntrack: bool
