"""Owns building and removing the lab: its namespaces, cables, addresses and routes.

Refuses to touch namespaces that it did not make, but for those of labs whose process is dead.
"""

import contextlib
import ipaddress
import itertools
import os
import re
from pathlib import Path
from typing import Self

from tests.lab.errors import LabError
from tests.lab.launch import ip_batch, ip_batches
from tests.lab.namespace import DIRECTORY
from tests.lab.place import Hub, Node, Place
from tests.lab.ready import wait_until_reachable

NAME = re.compile(r"poke-(?P<pid>\d+)-\d+-[a-z-]+")
COUNTER = itertools.count()

FIRST = 10
# 192.168.10.0/24 has room for .10 to .254.
MOST_NODES = 245
POD_NETWORK = ipaddress.IPv4Network("10.244.0.0/14")

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
}


class Lab:
    """A cluster of nodes around a hub, on one machine, for the time of a `with` block."""

    def __init__(self, nodes: int = 3, *, pod_prefix: int = 24) -> None:
        if not 1 <= nodes <= MOST_NODES:
            raise LabError(f"a lab has 1 to {MOST_NODES} nodes, not {nodes}")
        prefix = f"poke-{os.getpid()}-{next(COUNTER)}"
        self.hub = Hub(
            name="hub",
            namespace=f"{prefix}-hub",
            address="192.168.10.1",
            address6="fd00:192:168:10::1",
            interface="br0",
        )
        self.nodes = [_node(prefix, self.hub, index, pod_prefix) for index in range(nodes)]
        self._exits = contextlib.ExitStack()

    def __enter__(self) -> Self:
        remove_leftovers()
        with contextlib.ExitStack() as exits:
            exits.callback(self._remove)
            self._build()
            self._exits = exits.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._exits.close()

    @property
    def places(self) -> list[Place]:
        return [self.hub, *self.nodes]

    def node(self, name: str) -> Node:
        for node in self.nodes:
            if node.name == name:
                return node
        raise LabError(f"no {name!r} among {self.nodes}")

    def _build(self) -> None:
        ip_batch(None, [f"netns add {place.namespace}" for place in self.places])
        for place in self.places:
            # Before there are devices, because they inherit the defaults when they are made.
            for name, value in SYSCTLS.items():
                place.set_sysctl(name, value)
        ip_batch(self.hub.namespace, _hub_lines(self.hub, self.nodes))
        routes = {node.name: _route_lines(node) for node in self.nodes}
        ip_batches([(node.namespace, _node_lines(node, routes)) for node in self.nodes])
        addresses = [address for node in self.nodes for address in (node.address, node.address6)]
        wait_until_reachable(self.hub.namespace, addresses)

    def _remove(self) -> None:
        for place in self.places:
            place.kill_started()
        _delete([p.namespace for p in self.places if (DIRECTORY / p.namespace).exists()])


def remove_leftovers() -> None:
    """Remove the namespaces of labs whose process is gone."""
    names = [path.name for path in DIRECTORY.glob("poke-*")]
    matches = [match for name in names if (match := NAME.fullmatch(name))]
    dead = [m[0] for m in matches if not Path("/proc", m["pid"]).exists()]
    try:
        _delete(dead)
    except LabError:
        # Another process that starts at the same time may have been first.
        if any((DIRECTORY / name).exists() for name in dead):
            raise


def _delete(namespaces: list[str]) -> None:
    if namespaces:
        ip_batch(None, [f"netns del {name}" for name in namespaces])


def _node(prefix: str, hub: Hub, index: int, pod_prefix: int) -> Node:
    number = FIRST + index
    letters = _letters(index)
    return Node(
        name=f"node-{letters}",
        namespace=f"{prefix}-node-{letters}",
        address=f"192.168.10.{number}",
        address6=f"fd00:192:168:10::{number}",
        interface="eth0",
        block=_block(number, pod_prefix),
        # The decimal number as hexadecimal digits, so that both families read alike.
        block6=ipaddress.IPv6Network(f"fd00:10:244:{number}::/64"),
        hub=hub,
        port_interface=f"port-{letters}",
    )


def _letters(index: int) -> str:
    """Return a, b, ... z, aa, ab, ..."""
    last = chr(ord("a") + index % 26)
    return last if index < 26 else _letters(index // 26 - 1) + last


def _block(number: int, prefix: int) -> ipaddress.IPv4Network:
    """Return the block of this number: 10.244.NUMBER.0/24, or as many blocks of another size."""
    start = int(POD_NETWORK.network_address) + number * 2 ** (32 - prefix)
    block = ipaddress.IPv4Network((start, prefix))
    if not block.subnet_of(POD_NETWORK):
        raise LabError(f"no room for block {number} of /{prefix} in {POD_NETWORK}")
    return block


def _hub_lines(hub: Hub, nodes: list[Node]) -> list[str]:
    lines = [
        "link set lo up",
        # Without snooping, or a bridge may hold back the multicast of neighbour discovery.
        "link add br0 type bridge mcast_snooping 0",
        "link set br0 up",
        f"addr add {hub.address}/24 dev br0",
        f"addr add {hub.address6}/64 dev br0 nodad",
    ]
    for node in nodes:
        port = node.port_interface
        lines += [
            f"link add {port} type veth peer name eth0 netns {node.namespace}",
            f"link set {port} master br0 up",
            *_route_lines(node),
        ]
    return lines


def _node_lines(node: Node, routes: dict[str, list[str]]) -> list[str]:
    return [
        "link set lo up",
        "link set eth0 up",
        f"addr add {node.address}/24 dev eth0",
        f"addr add {node.address6}/64 dev eth0 nodad",
        f"route add local {node.block} dev lo",
        f"route add local {node.block6} dev lo",
        *(line for name, lines in routes.items() if name != node.name for line in lines),
    ]


def _route_lines(node: Node) -> list[str]:
    return [
        f"route add {node.block} via {node.address}",
        f"route add {node.block6} via {node.address6}",
    ]
