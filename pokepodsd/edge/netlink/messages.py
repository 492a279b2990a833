"""Messages of rtnetlink(7), as bytes and as the words of `core.kernel`.

The only module that knows `pyroute2`. Owns neither socket nor memory, and judges nothing: what a
message leaves open is for `holdings`.
"""

import struct
from collections.abc import Iterator
from enum import IntEnum
from socket import AF_INET, AF_INET6
from typing import Any, ClassVar, NamedTuple

from pyroute2.netlink import (
    NLM_F_DUMP,
    NLM_F_DUMP_INTR,
    NLM_F_MULTI,
    NLM_F_REPLACE,
    NLM_F_REQUEST,
)
from pyroute2.netlink.marshal import Marshal
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import IFF_LOWER_UP, IFF_UP, ifinfmsg
from pyroute2.netlink.rtnl.ndmsg import NUD_NOARP, NUD_PERMANENT, ndmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from pokepodsd.core.kernel import Counters, Hop, Link, Neighbour, Route, RouteType
from pokepodsd.core.model import Family

# What the kernel puts into one datagram of a dump at most is half of it (netlink_recvmsg).
DATAGRAM_SIZE = 64 * 1024

# linux/socket.h; linux/rtnetlink.h.
_AF_UNSPEC, _AF_BRIDGE = 0, 7
_RT_TABLE_LOCAL = 255
_RTM_F_CLONED = 0x200
_RTEXT_FILTER_SKIP_STATS = 1 << 3

_HEADER = struct.Struct("=IHHII")
_FAMILIES = {AF_INET: Family.V4, AF_INET6: Family.V6}
_BITS = {Family.V4: 32, Family.V6: 128}
_EVERYTHING = {Family.V4: "0.0.0.0", Family.V6: "::"}  # noqa: S104
# RTN_ of linux/rtnetlink.h.
_TYPES = {
    1: RouteType.UNICAST,
    2: RouteType.LOCAL,
    6: RouteType.BLACKHOLE,
    7: RouteType.UNREACHABLE,
    8: RouteType.PROHIBIT,
}
# Of these IPv6 says that they lead to the loopback device.
_HOPLESS = {RouteType.BLACKHOLE, RouteType.UNREACHABLE, RouteType.PROHIBIT}

Body = Any
"""A message as pyroute2 has it. Its attributes are decoded when they are asked for."""

NeighbourKey = tuple[int, str, str]


class Type(IntEnum):
    """What a message is about (linux/netlink.h, linux/rtnetlink.h)."""

    ERROR = 2
    DONE = 3
    NEWLINK = 16
    DELLINK = 17
    GETLINK = 18
    NEWADDR = 20
    DELADDR = 21
    NEWROUTE = 24
    DELROUTE = 25
    GETROUTE = 26
    NEWNEIGH = 28
    DELNEIGH = 29
    GETNEIGH = 30
    NEWNEXTHOP = 104
    DELNEXTHOP = 105


class Message(NamedTuple):
    """One netlink message; ``error`` is an errno, or 0."""

    type: int
    flags: int
    error: int
    body: Body

    @property
    def is_of_dump(self) -> bool:
        """Whether it is part of an answer to us, rather than news."""
        return bool(self.flags & NLM_F_MULTI)

    @property
    def is_of_broken_dump(self) -> bool:
        """Whether things changed while they were dumped, so that some may be missing."""
        return self.is_of_dump and bool(self.flags & NLM_F_DUMP_INTR)

    @property
    def replaces(self) -> bool:
        """Whether it says that the thing stands in the place of another."""
        return bool(self.flags & NLM_F_REPLACE)


class _Marshal(Marshal):  # type: ignore[misc]
    """Without traffic control, which is most of what pyroute2's own one for rtnetlink imports."""

    msg_map: ClassVar[dict[int, type]] = {
        **dict.fromkeys((Type.NEWLINK, Type.DELLINK, Type.GETLINK), ifinfmsg),
        **dict.fromkeys((Type.NEWADDR, Type.DELADDR), ifaddrmsg),
        **dict.fromkeys((Type.NEWROUTE, Type.DELROUTE, Type.GETROUTE), rtmsg),
        **dict.fromkeys((Type.NEWNEIGH, Type.DELNEIGH, Type.GETNEIGH), ndmsg),
    }


def parse(data: bytes) -> Iterator[Message]:
    """The messages of one datagram, one after the other as they are asked for."""
    for body in _Marshal().parse(data):
        header = body["header"]
        error = abs(body["error"]) if header["type"] == Type.ERROR else 0
        if header["type"] == Type.DONE:
            # A dump that failed midway says so at its end (netlink_dump_done).
            (result,) = struct.unpack_from("=i", body.data, body.offset + _HEADER.size)
            error = max(0, -result)
        yield Message(header["type"], header["flags"], error, body)


def dump_requests() -> list[bytes]:
    """What to ask for all there is, one after the other.

    Links come first. Their dump waits for the lock under which the kernel changes its tables, and
    a change is told before it is done: what is asked next is asked after it.
    """
    links = ifinfmsg()
    links["attrs"] = [("IFLA_EXT_MASK", _RTEXT_FILTER_SKIP_STATS)]
    questions: list[tuple[Body, int, int]] = [(links, _AF_UNSPEC, Type.GETLINK)]
    questions += [(rtmsg(), family, Type.GETROUTE) for family in _FAMILIES]
    questions += [(ndmsg(), family, Type.GETNEIGH) for family in (_AF_UNSPEC, _AF_BRIDGE)]
    return [_request(body, family, type_, NLM_F_DUMP) for body, family, type_ in questions]


def route_request(address: str) -> bytes:
    """Ask for the route to an address."""
    question = rtmsg()
    is_v6 = ":" in address
    question["dst_len"] = 128 if is_v6 else 32
    question["attrs"] = [("RTA_DST", address)]
    return _request(question, AF_INET6 if is_v6 else AF_INET, Type.GETROUTE)


def link_request(device: str | int) -> bytes:
    """Ask for the link of a name or an index."""
    question = ifinfmsg()
    if isinstance(device, int):
        question["index"] = device
    else:
        question["attrs"] = [("IFLA_IFNAME", device)]
    return _request(question, _AF_UNSPEC, Type.GETLINK)


def link_of(body: Body) -> Link | None:
    """The link; None for what a bridge says of its ports in messages of the same type.

    Such a message says that a port has left, in the type that else says that a link is gone.
    """
    if body["family"] != _AF_UNSPEC:
        return None
    attributes = _attributes(body)
    name, information = attributes["IFLA_IFNAME"].value, attributes.get("IFLA_LINKINFO")
    return Link(
        index=body["index"],
        # It may be no UTF-8: the kernel takes any bytes.
        name=name if isinstance(name, str) else name.decode(errors="backslashreplace"),
        kind=(information and information.value.get_attr("IFLA_INFO_KIND")) or "",
        is_up=bool(body["flags"] & IFF_UP),
        has_carrier=bool(body["flags"] & IFF_LOWER_UP),
    )


def counters_of(body: Body) -> Counters:
    """What a link has sent and received."""
    numbers = _attributes(body)["IFLA_STATS64"].value
    return Counters(sent=numbers["tx_packets"], received=numbers["rx_packets"])


def route_of(body: Body) -> Route | None:
    """The route; None for those of the local table, of the cache, and for a source prefix only.

    Two routes that differ in the source prefix alone would be taken for one.
    """
    attributes = _attributes(body)
    family = _FAMILIES.get(body["family"])
    table = _value(attributes, "RTA_TABLE", body["table"])
    if family is None or table == _RT_TABLE_LOCAL or body["flags"] & _RTM_F_CLONED:
        return None
    if body["src_len"]:
        return None
    if body["dst_len"] > _BITS[family]:
        raise ValueError(f"a prefix of {body['dst_len']} bits")
    type_ = _TYPES.get(body["type"], RouteType.OTHER)
    prefix = _value(attributes, "RTA_DST", _EVERYTHING[family])
    return Route(
        family=family,
        table=table,
        destination=f"{prefix}/{body['dst_len']}",
        type=type_,
        hops=() if type_ in _HOPLESS else _hops(attributes),
        priority=_value(attributes, "RTA_PRIORITY", 0),
        tos=body["tos"],
    )


def hop_of(body: Body) -> Hop:
    """Where the route to an address leads (the answer to `route_request`)."""
    return _hop(_attributes(body))


def source_of(body: Body) -> str | None:
    """The address that packets on this route are sent from."""
    source: str | None = _value(_attributes(body), "RTA_PREFSRC", None)
    return source


def neighbour_of(body: Body) -> tuple[NeighbourKey, Neighbour | None] | None:
    """Which entry it is, and what it says now: None if nothing that lasts.

    Entries that were put in by hand are permanent; those of flannel and Calico are
    (flannel pkg/backend/vxlan/device.go, felix/dataplane/linux/vxlan_mgr.go: NUD_PERMANENT). What
    is learned comes and goes with the traffic. NUD_NOARP is by hand in a forwarding table
    (bridge(8), "static"), but in the neighbour table it is what the kernel makes of every address
    behind a device without ARP (arp_constructor).
    """
    attributes = _attributes(body)
    device, address = body["ifindex"], _value(attributes, "NDA_DST", None)
    lladdr = _value(attributes, "NDA_LLADDR", None)
    if address is None or (lladdr is None and body["family"] == _AF_BRIDGE):
        return None
    if body["family"] == _AF_BRIDGE:
        lasts = body["state"] & (NUD_PERMANENT | NUD_NOARP)
        # One MAC is behind one node, but for broadcast (vxlan_fdb_update_existing).
        is_shared = bool(int(lladdr[:2], 16) & 1) or lladdr == "00:00:00:00:00:00"
        entry = Neighbour(device=device, lladdr=lladdr, remote=address) if lasts else None
        return (device, lladdr, address if is_shared else ""), entry
    lasts = body["state"] & NUD_PERMANENT and lladdr
    entry = Neighbour(device=device, lladdr=lladdr, address=address) if lasts else None
    return (device, "", address), entry


def _request(body: Body, family: int, type_: int, flags: int = 0) -> bytes:
    body["family"] = family
    body["header"]["type"] = type_
    body["header"]["flags"] = NLM_F_REQUEST | flags
    body.encode()
    return bytes(body.data)


def _attributes(body: Body) -> dict[str, Any]:
    """The attributes by name, not decoded yet; pyroute2's own look-up walks the list each time."""
    return {slot.name: slot for slot in body["attrs"]}


def _value(attributes: dict[str, Any], name: str, default: Any) -> Any:
    slot = attributes.get(name)
    value = default if slot is None else slot.value
    if isinstance(value, bytes):
        # What is neither an address nor text is left as it is by pyroute2.
        raise ValueError(f"{name} of {len(value)} bytes")  # noqa: TRY004
    return value


def _hops(attributes: dict[str, Any]) -> tuple[Hop, ...]:
    if (several := attributes.get("RTA_MULTIPATH")) is not None:
        return tuple(_hop(_attributes(one), one["oif"]) for one in several.value)
    return (_hop(attributes),) if "RTA_OIF" in attributes else ()


def _hop(attributes: dict[str, Any], device: int | None = None) -> Hop:
    if device is None:
        device = attributes["RTA_OIF"].value
    gateway = _value(attributes, "RTA_GATEWAY", None)
    if gateway is None and "RTA_VIA" in attributes:
        gateway = attributes["RTA_VIA"].value["addr"]
    return Hop(device=device, gateway=gateway)
