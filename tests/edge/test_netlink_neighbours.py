"""Checks which neighbours and forwarding entries are told: those that somebody put there."""

import socket
import struct
from collections.abc import Iterator

import pytest

from pokepodsd.core.kernel import Neighbour
from pokepodsd.edge.netlink.learned import leave_out_learned
from tests.edge.kernelview import Namespace, View, namespace
from tests.edge.support import wait_readable
from tests.lab.namespace import inside

NUD_REACHABLE, NUD_FAILED, NUD_PERMANENT = 0x02, 0x20, 0x80
MAC, OTHER_MAC = "66:aa:00:00:00:0d", "66:aa:00:00:00:0e"
NODE = (
    "link add eth0 type veth peer name cable",
    "link set cable up",
    "link set eth0 up",
    "addr add 192.168.7.1/24 dev eth0",
    "link add vxlan.calico type vxlan id 4096 dstport 4789 nolearning dev eth0",
    "link set vxlan.calico up",
    "addr add 10.244.1.0/32 dev vxlan.calico",
)


@pytest.fixture
def node() -> Iterator[Namespace]:
    with namespace() as place:
        place.ip(*NODE)
        yield place


def add_peer(node: Namespace) -> None:
    node.ip(f"neigh replace 10.244.13.0 lladdr {MAC} dev vxlan.calico nud permanent")
    node.run("bridge", "fdb", "add", MAC, "dev", "vxlan.calico", "dst", "192.168.7.9")


def peer(view: View, lladdr: str = MAC, remote: str = "192.168.7.9") -> set[Neighbour]:
    device = view.index("vxlan.calico")
    return {
        Neighbour(device=device, lladdr=lladdr, address="10.244.13.0"),
        Neighbour(device=device, lladdr=lladdr, remote=remote),
    }


def subscribed(node: Namespace) -> socket.socket:
    """A socket that hears of the neighbour table alone (RTNLGRP_NEIGH)."""
    with inside(node.name):
        made = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        made.bind((0, 1 << 2))
    return made


def state_of(message: bytes) -> int:
    """``ndm_state`` of the first message."""
    return int(struct.unpack_from("=H", message, 24)[0])


def test_dump_and_news_say_the_same(node: Namespace) -> None:
    """A peer of flannel or Calico is told in both halves, whether it was there or comes later."""
    with View(node) as early:
        assert early.neighbours == set()
        add_peer(node)
        early.settle()
        with View(node) as late:
            assert early.neighbours == late.neighbours == peer(late)


def test_ipv6_peer(node: Namespace) -> None:
    """The same over IPv6."""
    with View(node) as view:
        node.ip(f"neigh replace fd00:13:: lladdr {MAC} dev vxlan.calico nud permanent")
        view.settle()
        assert [one.address for one in view.neighbours] == ["fd00:13::"]


def test_what_is_learned_is_not_told(node: Namespace) -> None:
    """Entries that come and go with the traffic are no news, of either table."""
    with View(node) as view:
        node.ip(
            f"neigh replace 192.168.7.2 lladdr {MAC} dev eth0 nud reachable",
            f"neigh replace 192.168.7.3 lladdr {MAC} dev eth0 nud noarp",
            "neigh add proxy 192.168.7.4 dev eth0",
        )
        node.run("bridge", "fdb", "add", MAC, "dev", "eth0", "self")
        argv = ["bridge", "fdb", "add", MAC, "dev", "vxlan.calico", "dst", "192.168.7.9", "dynamic"]
        node.run(*argv)
        assert view.settle() == []
    with View(node) as view:
        assert view.neighbours == set()


def test_what_the_kernel_learns_wakes_nobody(node: Namespace) -> None:
    """A neighbour that does not answer is no news, and what a program says of it is some."""
    settings = ("retrans_time_ms=10", "mcast_solicit=1")
    node.run("sysctl", "-qw", *(f"net.ipv4.neigh.eth0.{one}" for one in settings))
    with subscribed(node) as everything, subscribed(node) as wanted:
        leave_out_learned(wanted)
        node.run("sh", "-c", "ping -c1 -W1 192.168.7.8 || true")
        wait_readable(everything)
        assert state_of(everything.recv(4096)) & NUD_FAILED
        node.ip(f"neigh replace 192.168.7.8 lladdr {MAC} dev eth0 nud reachable")
        wait_readable(wanted)
        assert state_of(wanted.recv(4096)) == NUD_REACHABLE
        node.ip(f"neigh replace 192.168.7.8 lladdr {MAC} dev eth0 nud permanent")
        assert state_of(wanted.recv(4096)) == NUD_PERMANENT


@pytest.mark.parametrize("kind", ["permanent", "static"])
def test_entry_by_hand_counts(node: Namespace, kind: str) -> None:
    """Both ways of bridge(8) to put in an entry that stays count."""
    with View(node) as view:
        node.run("bridge", "fdb", "add", MAC, "dev", "vxlan.calico", "dst", "192.168.7.9", kind)
        view.settle()
        assert [one.remote for one in view.neighbours] == ["192.168.7.9"]


def test_peer_moves(node: Namespace) -> None:
    """Another node behind a MAC and another MAC behind an address take the place of the former."""
    add_peer(node)
    with View(node) as view:
        node.run("bridge", "fdb", "replace", MAC, "dev", "vxlan.calico", "dst", "192.168.7.10")
        view.settle()
        assert view.neighbours == peer(view, remote="192.168.7.10")
        node.ip(f"neigh replace 10.244.13.0 lladdr {OTHER_MAC} dev vxlan.calico nud permanent")
        view.settle()
        assert {one.lladdr for one in view.neighbours} == {MAC, OTHER_MAC}
        assert len(view.neighbours) == 2


def test_broadcast_has_several_ends(node: Namespace) -> None:
    """A MAC of all zeros, for what is flooded, may be behind several nodes."""
    with View(node) as view:
        for number in (9, 10):
            zero, remote = "00:00:00:00:00:00", f"192.168.7.{number}"
            node.run("bridge", "fdb", "append", zero, "dev", "vxlan.calico", "dst", remote)
        view.settle()
        assert {one.remote for one in view.neighbours} == {"192.168.7.9", "192.168.7.10"}


@pytest.mark.parametrize(
    "line",
    [
        "neigh del 10.244.13.0 dev vxlan.calico",
        "neigh replace 10.244.13.0 lladdr 66:aa:00:00:00:0d dev vxlan.calico nud stale",
    ],
)
def test_neighbour_goes(node: Namespace, line: str) -> None:
    """An entry that is deleted, or may expire from now on, is gone; its other half is not."""
    add_peer(node)
    with View(node) as view:
        node.ip(line)
        view.settle()
        assert [one.remote for one in view.neighbours] == ["192.168.7.9"]
        node.run("bridge", "fdb", "del", MAC, "dev", "vxlan.calico", "dst", "192.168.7.9")
        view.settle()
        assert view.neighbours == set()


def test_device_goes(node: Namespace) -> None:
    """With the device go its entries."""
    add_peer(node)
    with View(node) as view:
        node.ip("link del vxlan.calico")
        view.settle()
        assert view.neighbours == set()
