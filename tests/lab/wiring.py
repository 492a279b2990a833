"""Owns what ip(8) and bridge(8) are told to wire the places of a lab. Refuses to run them."""

from collections.abc import Iterable

from tests.lab.place import Hub, Node

# What a Kubernetes node has set (it forwards), and no limit on ICMP errors: the kernel's own
# limits (icmp(7): one a second to one peer) would hide errors of a fast poker.
SYSCTLS: dict[str, int] = {
    "net.ipv4.ip_forward": 1,
    "net.ipv6.conf.all.forwarding": 1,
    "net.ipv4.icmp_ratelimit": 0,
    "net.ipv4.icmp_msgs_per_sec": 1_000_000,
    "net.ipv4.icmp_msgs_burst": 1_000_000,
    "net.ipv6.icmp.ratelimit": 0,
    # Neighbours of pods are asked for from the link-local address, which may not speak while it
    # is checked for duplicates: a second or two.
    "net.ipv6.conf.default.accept_dad": 0,
    # Namespaces inherit the host's, and a strict one would swallow what comes through the tunnel
    # from a peer that is routed past it.
    "net.ipv4.conf.all.rp_filter": 0,
    "net.ipv4.conf.default.rp_filter": 0,
}


def hub_lines(hub: Hub, nodes: Iterable[Node]) -> list[str]:
    lines = [
        "link set lo up",
        # Without snooping, or a bridge may hold back the multicast of neighbour discovery.
        # With an address of its own, which does not change with the bridge's ports.
        f"link add br0 address {hub.hardware_address} type bridge mcast_snooping 0",
        "link set br0 up",
        f"addr add {hub.address}/24 dev br0",
        f"addr add {hub.address6}/64 dev br0 nodad",
    ]
    for node in nodes:
        # The hub is outside of the tunnels.
        if not node.has_tunnel:
            lines.append(f"route add {node.plain_route}")
        lines.append(f"route add {node.plain_route6}")
    return lines


def cable_lines(node: Node) -> list[str]:
    """The cable of a node, to be laid at the hub."""
    port, mac = node.port_interface, node.hardware_address
    return [
        f"link add {port} type veth peer name eth0 address {mac} netns {node.namespace}",
        f"link set {port} master br0 up",
    ]


def node_lines(node: Node, peers: Iterable[Node]) -> list[str]:
    lines = [
        "link set lo up",
        "link set eth0 up",
        f"addr add {node.address}/24 dev eth0",
        f"addr add {node.address6}/64 dev eth0 nodad",
        f"route add local {node.block} dev lo",
        f"route add local {node.block6} dev lo",
    ]
    if node.has_tunnel:
        lines += node.tunnel.encapsulation.device_lines(node.address, node.tunnel.address)
    for peer in peers:
        if node.has_tunnel:
            tunnel = node.tunnel.encapsulation
            lines += tunnel.neighbour_lines(peer.address, peer.tunnel.address)
        lines += [f"route add {node.route_to(peer)}", f"route add {peer.plain_route6}"]
    return lines


def forwarding_lines(node: Node, peers: Iterable[Node]) -> list[str]:
    """What bridge(8) is told in a node."""
    tunnel = node.tunnel.encapsulation
    return [line for peer in peers for line in tunnel.forwarding_lines(peer.address)]
