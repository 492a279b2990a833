"""Owns how Calico wraps packets between nodes: its devices and what leads into them.

Refuses to run anything: these are lines for ip(8) and bridge(8), and a match for nft(8).
"""

import enum
import ipaddress

IPIP_DEVICE = "tunl0"


class Encapsulation(enum.Enum):
    """What the pod packets between two nodes travel in."""

    IPIP = "ipip"
    VXLAN = "vxlan"

    @property
    def device(self) -> str:
        return {Encapsulation.IPIP: IPIP_DEVICE, Encapsulation.VXLAN: "vxlan.calico"}[self]

    @property
    def match(self) -> str:
        """What tells the outer packets from all others, in the words of nft."""
        return {Encapsulation.IPIP: "ip protocol 4", Encapsulation.VXLAN: "udp dport 4789"}[self]

    def device_lines(self, node_address: str, tunnel_address: str) -> list[str]:
        """What makes the device of a node ready; that of IP-in-IP exists already."""
        device = self.device
        made, mtu = [], 1480
        if self is Encapsulation.VXLAN:
            mtu = 1450
            made = [
                f"link add {device} address {_mac(node_address)} type vxlan id 4096 "
                f"local {node_address} dev eth0 dstport 4789 nolearning"
            ]
        return [
            *made,
            f"link set {device} mtu {mtu} txqueuelen 10000 up",
            f"addr add {tunnel_address}/32 dev {device}",
        ]

    def route(self, block: ipaddress.IPv4Network, node_address: str, tunnel_address: str) -> str:
        """The route to the block of another node, with its addresses."""
        if self is Encapsulation.IPIP:
            return f"{block} via {node_address} dev {self.device} onlink proto bird"
        return f"{block} via {tunnel_address} dev {self.device} onlink"

    def neighbour_lines(self, node_address: str, tunnel_address: str) -> list[str]:
        """What ip(8) is told of another node."""
        if self is Encapsulation.IPIP:
            return []
        mac = _mac(node_address)
        return [f"neigh add {tunnel_address} lladdr {mac} dev {self.device} nud permanent"]

    def forwarding_lines(self, node_address: str) -> list[str]:
        """What bridge(8) is told of another node."""
        if self is Encapsulation.IPIP:
            return []
        return [f"fdb add {_mac(node_address)} dev {self.device} dst {node_address}"]


def _mac(node_address: str) -> str:
    """Return the same for the same node, so that its peers still know it when it was rebuilt."""
    return "66:00:" + ipaddress.IPv4Address(node_address).packed.hex(":")
