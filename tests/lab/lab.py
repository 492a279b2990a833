"""Owns building and removing the lab: its places, in their order, and its address plan.

Refuses to touch namespaces that it did not make, but for those of labs whose process is dead.
"""

import contextlib
import ipaddress
import itertools
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.lab.digger import Digger
from tests.lab.encapsulation import Encapsulation
from tests.lab.errors import LabError
from tests.lab.launch import bridge_batches, ip_batch, ip_batches
from tests.lab.namespace import DIRECTORY
from tests.lab.place import Hub, Node, Place
from tests.lab.ready import wait_until_reachable
from tests.lab.tunnel import Tunnel
from tests.lab.wiring import SYSCTLS, cable_lines, forwarding_lines, hub_lines, node_lines

NAME = re.compile(r"poke-(?P<pid>\d+)-\d+-[a-z-]+")
COUNTER = itertools.count()

FIRST = 10
# 192.168.10.0/24 has room for .10 to .254.
MOST_NODES = 245
POD_NETWORK = ipaddress.IPv4Network("10.244.0.0/14")


class Lab:
    """A cluster of nodes around a hub, on one machine, for the time of a `with` block."""

    def __init__(
        self,
        nodes: int = 3,
        *,
        pod_prefix: int | None = None,
        tunnels: Encapsulation | None = None,
        generic_timeout_seconds: int | None = None,
        pod_port: int = 8080,
    ) -> None:
        """Plan a lab, with plain routes between the nodes or with tunnels.

        A block is a /24, or with tunnels a /26 as Calico's, whose pods answer TCP on the port as
        well. The timeout is how long the connection tracking remembers IP-in-IP (600 s).
        """
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
        size = pod_prefix or (24 if tunnels is None else 26)
        self.nodes = [_node(prefix, self.hub, index, size, tunnels) for index in range(nodes)]
        self._digger = None
        if tunnels is not None:
            blocks = {str(node.block): node.address for node in self.nodes}
            self._digger = Digger(blocks, tunnels, generic_timeout_seconds, pod_port)
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

    def tear_down(self, node: Node) -> None:
        """Make a node disappear with all that it knew; what the test runs on it loses its network.

        Its peers keep their routes to it.
        """
        if self._digger is not None:
            self._digger.fill_in(node)
        node.kill_started()
        ip_batch(self.hub.namespace, [f"link del {node.port_interface}"])
        _delete([node.namespace])
        node.forget_faults()

    def rebuild(self, node: Node) -> None:
        """Put back a node that was torn down, with the same addresses and no memory."""
        self._build_nodes([node])

    def flush_conntrack(self) -> None:
        """Make all nodes forget all connections, which shuts all tunnels."""
        for node in self.nodes:
            node.flush_conntrack()

    def _build(self) -> None:
        if self._digger is not None:
            self._digger.start()
        _add([self.hub])
        ip_batch(self.hub.namespace, hub_lines(self.hub, self.nodes))
        self._build_nodes(self.nodes)

    def _build_nodes(self, nodes: list[Node]) -> None:
        _add(nodes)
        ip_batch(self.hub.namespace, [line for node in nodes for line in cable_lines(node)])
        if self._digger is not None:
            self._digger.dig(nodes)
        ip_batches([(node.namespace, node_lines(node, self._peers(node))) for node in nodes])
        bridge_batches(
            [(n.namespace, forwarding_lines(n, self._peers(n))) for n in nodes if n.has_tunnel]
        )
        addresses = [address for node in nodes for address in (node.address, node.address6)]
        wait_until_reachable(self.hub.namespace, addresses)

    def _peers(self, node: Node) -> list[Node]:
        return [peer for peer in self.nodes if peer is not node]

    def _remove(self) -> None:
        # First, because it holds the namespaces.
        if self._digger is not None:
            self._digger.close()
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


def _add(places: Sequence[Place]) -> None:
    ip_batch(None, [f"netns add {place.namespace}" for place in places])
    for place in places:
        # Before there are devices, because they inherit the defaults when they are made.
        for name, value in SYSCTLS.items():
            place.set_sysctl(name, value)


def _delete(namespaces: list[str]) -> None:
    if namespaces:
        ip_batch(None, [f"netns del {name}" for name in namespaces])


def _node(
    prefix: str, hub: Hub, index: int, pod_prefix: int, tunnels: Encapsulation | None
) -> Node:
    number = FIRST + index
    letters = _letters(index)
    namespace = f"{prefix}-node-{letters}"
    address = f"192.168.10.{number}"
    block = _block(number, pod_prefix)
    tunnel = None
    if tunnels is not None:
        tunnel = Tunnel(
            namespace=namespace,
            node_address=address,
            address=str(block[0]),
            encapsulation=tunnels,
        )
    return Node(
        name=f"node-{letters}",
        namespace=namespace,
        address=address,
        address6=f"fd00:192:168:10::{number}",
        interface="eth0",
        block=block,
        # The decimal number as hexadecimal digits, so that both families read alike.
        block6=ipaddress.IPv6Network(f"fd00:10:244:{number}::/64"),
        hub=hub,
        port_interface=f"port-{letters}",
        tunnel=tunnel,
    )


def _letters(index: int) -> str:
    """Return a, b, ... z, aa, ab, ..."""
    last = chr(ord("a") + index % 26)
    return last if index < 26 else _letters(index // 26 - 1) + last


def _block(number: int, prefix: int) -> ipaddress.IPv4Network:
    """Return the block of this number: 10.244.NUMBER.0, or as many blocks of a larger size."""
    start = int(POD_NETWORK.network_address) + number * 2 ** max(32 - prefix, 8)
    block = ipaddress.IPv4Network((start, prefix))
    if not block.subnet_of(POD_NETWORK):
        raise LabError(f"no room for block {number} of /{prefix} in {POD_NETWORK}")
    return block
