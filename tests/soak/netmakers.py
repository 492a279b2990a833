"""How each fault of the network is made and undone, with what it makes untrue.

Owns which daemons cannot reach what meanwhile.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from tests.lab import Node, TunnelFilter
from tests.lab.launch import ip_batch
from tests.soak.makers import Maker
from tests.soak.schedule import Planned
from tests.soak.world import Making, World


@contextmanager
def link_down(world: World, making: Making, planned: Planned) -> Iterator[None]:
    """A node's cable is pulled."""
    node = world.nodes[planned.nodes[0]]
    _cuts_off(world, making, node)
    making.deafens(node.name)
    node.link_down()
    making.made()
    yield
    making.undoing()
    node.link_up()


@contextmanager
def interface_bounced(world: World, making: Making, planned: Planned) -> Iterator[None]:
    """A node's interface goes down, with its routes, and is up again at once."""
    node = world.nodes[planned.nodes[0]]
    _cuts_off(world, making, node)
    making.deafens(node.name)
    ip_batch(node.namespace, [f"link set {node.interface} down"])
    ip_batch(
        node.namespace,
        [
            f"link set {node.interface} up",
            f"addr replace {node.address6}/64 dev {node.interface} nodad",
            *(f"route replace {p.plain_route6}" for p in world.nodes if p is not node),
        ],
    )
    yield


@contextmanager
def tunnel_closed(world: World, making: Making, planned: Planned) -> Iterator[None]:
    """A node takes nothing that its peers wrapped."""
    node = world.nodes[planned.nodes[0]]
    _cuts_off(world, making, node)
    node.tunnel.set_filter(TunnelFilter.CLOSED)
    making.made()
    yield
    making.undoing()
    node.tunnel.set_filter(TunnelFilter.STATEFUL)


@contextmanager
def pair_refused(world: World, making: Making, planned: Planned) -> Iterator[None]:
    """A node takes nothing of what one peer wrapped: neither reaches the other."""
    here, there = (world.nodes[index] for index in planned.nodes)
    making.cuts(here.name, f"peer/{there.name}", node=there.name)
    making.cuts(there.name, f"peer/{here.name}", node=here.name)
    here.tunnel.refuse(there.address)
    making.made()
    yield
    making.undoing()
    here.tunnel.take(there.address)


@contextmanager
def neighbours_flushed(world: World, making: Making, planned: Planned) -> Iterator[None]:
    """A node forgets the hardware addresses of all."""
    node = world.nodes[planned.nodes[0]]
    ip_batch(node.namespace, [f"neigh flush dev {node.interface}"])
    yield


@contextmanager
def pod_dead(world: World, making: Making, planned: Planned) -> Iterator[None]:
    """One pod is silent."""
    with _pod_lost(world, making, planned, Node.kill_address):
        yield


@contextmanager
def pod_rejected(world: World, making: Making, planned: Planned) -> Iterator[None]:
    """Its node says that a pod cannot be reached."""
    with _pod_lost(world, making, planned, Node.reject_address):
        yield


@contextmanager
def _pod_lost(
    world: World, making: Making, planned: Planned, lose: Callable[[Node, str], None]
) -> Iterator[None]:
    node = world.nodes[planned.nodes[0]]
    address = node.pod_address(planned.pod)
    _kills_pod(world, making, node, address)
    lose(node, address)
    making.made()
    yield
    making.undoing()
    node.revive_address(address)


@contextmanager
def forged_flood(world: World, making: Making, planned: Planned) -> Iterator[None]:
    """A node sends a peer echo replies that nobody asked for, in the names of its pods."""
    here, there = (world.nodes[index] for index in planned.nodes)
    sources = [here.pod_address(number) for number in range(1, 51)]
    flood = subprocess.Popen(
        here.command(sys.executable, "-m", "tests.soak.flood", there.address, *sources),
        start_new_session=True,
    )
    try:
        yield
    finally:
        flood.kill()
        flood.wait()


def _cuts_off(world: World, making: Making, node: Node) -> None:
    """The node reaches no peer, and no peer the node."""
    for one in world.nodes:
        if one is node:
            making.cuts(node.name, "self", node="")
        else:
            making.cuts(one.name, f"peer/{node.name}", node=node.name)


def _kills_pod(world: World, making: Making, node: Node, address: str) -> None:
    for one in world.nodes:
        making.cuts(one.name, f"pod/{address}", node=node.name)


NETWORK: Final[Mapping[str, Maker]] = {
    "link-down": link_down,
    "interface-bounced": interface_bounced,
    "tunnel-closed": tunnel_closed,
    "pair-refused": pair_refused,
    "neighbours-flushed": neighbours_flushed,
    "pod-dead": pod_dead,
    "pod-rejected": pod_rejected,
    "forged-flood": forged_flood,
}
