"""Datagrams of the kernel's as the fixtures of the route tests have their contents, and more.

Owns the encoding of what `ip -j` printed into rtnetlink's messages.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from socket import AF_INET, AF_INET6
from typing import Any, Final

from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.ndmsg import ndmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from pokepodsd.edge.netlink.messages import Type

_FIXTURES: Final = Path(__file__).parents[1] / "core" / "routes"
_MULTI: Final = 2
_BRIDGE: Final = 7
_PERMANENT: Final = 0x80
_UNICAST, _BLACKHOLE = 1, 6
_MAIN: Final = 254


def datagrams() -> Iterator[bytes]:
    """One for each fixture and kind of message, and all of a fixture in one."""
    for path in sorted(_FIXTURES.glob("*.json")):
        told = json.loads(path.read_text())
        links = [_link(one) for one in told["ip -j -d link"]]
        indexes = {one["ifname"]: one["ifindex"] for one in told["ip -j -d link"]}
        routes = [
            _route(one, indexes)
            for name, family in told.items()
            if "route" in name
            for one in family
        ]
        yield from (links[-1], routes[0], routes[-1])
        yield b"".join(links + routes)
    yield _neighbour(4, "10.244.13.0", "02:00:00:00:00:01", AF_INET)
    yield _neighbour(4, "192.168.10.13", "02:00:00:00:00:01", _BRIDGE)
    yield _several_hops()
    yield _message(rtmsg(), Type.DONE, {})
    yield bytes.fromhex("240000000200000000000000000000000100000014000000120001030000000000000000")


def _link(one: Mapping[str, Any]) -> bytes:
    flags = 1 if "UP" in one["flags"] else 0
    flags |= 0x10000 if "LOWER_UP" in one["flags"] else 0
    attributes: list[Any] = [("IFLA_IFNAME", one["ifname"])]
    if kind := one.get("linkinfo", {}).get("info_kind"):
        attributes.append(("IFLA_LINKINFO", {"attrs": [("IFLA_INFO_KIND", kind)]}))
    fields = {"index": one["ifindex"], "flags": flags, "attrs": attributes}
    return _message(ifinfmsg(), Type.NEWLINK, fields)


def _route(one: Mapping[str, Any], indexes: Mapping[str, int]) -> bytes:
    prefix, _, length = one["dst"].partition("/")
    is_v6 = ":" in prefix or ":" in one.get("gateway", "")
    attributes: list[Any] = [("RTA_TABLE", _MAIN)]
    if prefix != "default":
        attributes.append(("RTA_DST", prefix))
    if "gateway" in one:
        attributes.append(("RTA_GATEWAY", one["gateway"]))
    if one.get("dev") in indexes:
        attributes.append(("RTA_OIF", indexes[one["dev"]]))
    fields = {
        "family": AF_INET6 if is_v6 else AF_INET,
        "dst_len": int(length or (0 if prefix == "default" else 128 if is_v6 else 32)),
        "table": _MAIN,
        "type": _BLACKHOLE if one.get("type") == "blackhole" else _UNICAST,
        "attrs": attributes,
    }
    return _message(rtmsg(), Type.NEWROUTE, fields)


def _several_hops() -> bytes:
    hops = [{"hops": 0, "oif": index, "attrs": [("RTA_GATEWAY", "10.0.0.1")]} for index in (4, 5)]
    fields = {
        "family": AF_INET,
        "dst_len": 24,
        "table": _MAIN,
        "type": _UNICAST,
        "attrs": [("RTA_DST", "10.9.0.0"), ("RTA_MULTIPATH", hops)],
    }
    return _message(rtmsg(), Type.NEWROUTE, fields)


def _neighbour(device: int, address: str, lladdr: str, family: int) -> bytes:
    attributes = [("NDA_DST", address), ("NDA_LLADDR", lladdr)]
    fields = {"family": family, "ifindex": device, "state": _PERMANENT, "attrs": attributes}
    return _message(ndmsg(), Type.NEWNEIGH, fields)


def _message(body: Any, kind: Type, fields: Mapping[str, Any]) -> bytes:
    for name, value in fields.items():
        body[name] = value
    body["header"]["type"] = kind
    body["header"]["flags"] = _MULTI
    body.encode()
    return bytes(body.data)
