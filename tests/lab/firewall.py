"""Owns the packet filters of the lab: who is silent, who rejects, what may not leave.

Refuses filters by connection state; the tables stand only once they are first needed, so that
a lab without faults measures a kernel without hooks.
"""

import enum
import ipaddress
from collections.abc import Iterable

from tests.lab.errors import LabError
from tests.lab.launch import nft


class Rejection(enum.Enum):
    """An ICMP error by nft's name for it, the same for IPv4 and IPv6.

    HOST is 3/1 (ICMPv6 1/3), NETWORK 3/0 (1/0), PORT 3/3 (1/4), PROHIBITED 3/13 (1/1).
    """

    HOST = "host-unreachable"
    NETWORK = "no-route"
    PORT = "port-unreachable"
    PROHIBITED = "admin-prohibited"

    @property
    def chain(self) -> str:
        return self.value.replace("-", "_")


# Prerouting, not input: there the packet has no local route yet, so that the kernel sends the
# error from the node's address, as a router does, and not from that of the missing pod.
TABLE = """
table inet lab {
  map fate4 { type ipv4_addr : verdict; flags interval; }
  map fate6 { type ipv6_addr : verdict; flags interval; }
  set muted4 { type ipv4_addr; flags interval; }
  set muted6 { type ipv6_addr; flags interval; }
  set unasked4 { type ipv4_addr; flags interval; }
  set unasked6 { type ipv6_addr; flags interval; }
REJECTIONS
  chain arriving {
    type filter hook prerouting priority raw;
    icmp type echo-request ip daddr @unasked4 drop
    icmpv6 type echo-request ip6 daddr @unasked6 drop
    ip daddr vmap @fate4
    ip6 daddr vmap @fate6
  }
  chain leaving {
    type filter hook output priority filter;
    icmp type echo-request ip daddr @muted4 drop
    icmpv6 type echo-request ip6 daddr @muted6 drop
  }
}
""".replace(
    "REJECTIONS",
    "\n".join(f"  chain {r.chain} {{ reject with icmpx type {r.value}; }}" for r in Rejection),
)


class Firewall:
    """The filter of one namespace."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._stands = False
        self._fates: dict[str, str] = {}

    def kill(self, addresses: Iterable[str]) -> None:
        self._set_fates({_element(address): "drop" for address in addresses})

    def reject(self, addresses: Iterable[str], kind: Rejection) -> None:
        self._set_fates({_element(address): f"goto {kind.chain}" for address in addresses})

    def revive(self, addresses: Iterable[str]) -> None:
        names = {_element(address) for address in addresses}
        unknown = names - self._fates.keys()
        if unknown:
            raise LabError(f"neither killed nor rejected in {self._namespace}: {unknown}")
        self._replace_fates({n: fate for n, fate in self._fates.items() if n not in names})

    def mute(self, destination: str | None) -> None:
        self._apply(_lines("add", "muted", _destinations(destination)))

    def unmute(self, destination: str | None) -> None:
        self._apply(_lines("delete", "muted", _destinations(destination)))

    def swallow_pings(self, addresses: Iterable[str]) -> None:
        self._apply(_lines("add", "unasked", [_element(address) for address in addresses]))

    def allow_pings(self, addresses: Iterable[str]) -> None:
        self._apply(_lines("delete", "unasked", [_element(address) for address in addresses]))

    def _set_fates(self, fates: dict[str, str]) -> None:
        self._replace_fates(self._fates | fates)

    def _replace_fates(self, fates: dict[str, str]) -> None:
        # All anew in one transaction: nft takes seconds to delete thousands from an interval map.
        empty = ["flush map inet lab fate4", "flush map inet lab fate6"]
        elements = [f"{name} : {verdict}" for name, verdict in fates.items()]
        self._apply(empty + _lines("add", "fate", elements))
        self._fates = fates

    def _apply(self, lines: list[str]) -> None:
        head = [] if self._stands else [TABLE]
        nft(self._namespace, "\n".join(head + lines) + "\n")
        self._stands = True


class CableFilter:
    """Loses TCP of chosen ports on the cable of one node, both ways.

    It hangs on the hub's end of the cable: a drop in the node's own output hook would be told
    to the sender as EPERM, and silence is the point.
    """

    def __init__(self, hub_namespace: str, port_interface: str) -> None:
        self._namespace = hub_namespace
        self._interface = port_interface
        self._table = port_interface.replace("-", "_")
        self._stands = False

    def lose(self, port: int) -> None:
        head = "" if self._stands else self._definition()
        nft(self._namespace, f"{head}add element netdev {self._table} lost {{ {port} }}\n")
        self._stands = True

    def restore(self, port: int) -> None:
        if not self._stands:
            raise LabError(f"nothing is lost on {self._interface}")
        nft(self._namespace, f"delete element netdev {self._table} lost {{ {port} }}\n")

    def remove(self) -> None:
        """Lose nothing any more. The cable itself may be gone by now."""
        if self._stands:
            nft(self._namespace, f"delete table netdev {self._table}\n")
            self._stands = False

    def _definition(self) -> str:
        chains = "".join(
            f'chain {way} {{ type filter hook {way} device "{self._interface}" priority 0; '
            "tcp dport @lost drop; tcp sport @lost drop; }\n"
            for way in ("ingress", "egress")
        )
        return f"table netdev {self._table} {{\nset lost {{ type inet_service; }}\n{chains}}}\n"


def _element(address: str) -> str:
    network = ipaddress.ip_network(address)
    is_single = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if is_single else str(network)


def _destinations(destination: str | None) -> list[str]:
    return ["0.0.0.0/0", "::/0"] if destination is None else [_element(destination)]


def _lines(verb: str, table: str, elements: list[str]) -> list[str]:
    """Return one command a family; an element is an address, perhaps with its verdict."""
    families: dict[int, list[str]] = {4: [], 6: []}
    for element in elements:
        address = element.split(" ")[0]
        families[6 if ":" in address else 4].append(element)
    return [
        f"{verb} element inet lab {table}{family} {{ {', '.join(members)} }}"
        for family, members in families.items()
        if members
    ]
