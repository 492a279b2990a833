"""Faults of this node's own network: its links, addresses, routes and queues."""

from pokepodsd.core.entries import EventKind
from tests.cluster import Cluster
from tests.daemon.journalled import fields
from tests.faults.exertion import Exertion, pokes
from tests.faults.stage import PODS, Stage, stage
from tests.lab import Node
from tests.lab.launch import ip_batch, nft

# 20 pods every second and the node's own address, with the bursts of a fault.
MOST_A_SECOND = 3 * PODS
FULL = ("tc", "qdisc", "replace", "dev", "eth0", "root", "pfifo", "limit", "0")
ROOMY = ("tc", "qdisc", "del", "dev", "eth0", "root")


def routes(here: Node, there: Node) -> list[str]:
    """What a network plugin lays again."""
    return [f"route replace {here.route_to(there)}"]


def test_a_link_that_is_renamed(staged: Stage) -> None:
    """No poke is lost by it, and nothing is told."""
    ip_batch(staged.here.namespace, ["link set eth0 name uplink0"])
    staged.survived()
    assert staged.here.run("ip", "-o", "link", "show", "uplink0").stdout


def test_a_link_that_is_set_down_and_up(cluster: Cluster) -> None:
    """With its routes gone no poke leaves; when they are back, all is well at once."""
    here, there = cluster.lab.nodes
    with stage(cluster, captured_at=there) as staged:
        began = Exertion.of(staged)
        ip_batch(here.namespace, ["link set eth0 down"])
        told = staged.daemon.wait_entry(EventKind.NODE_UNREACHABLE)
        began.check_calm(staged, MOST_A_SECOND)
        ip_batch(here.namespace, ["link set eth0 up", *routes(here, there)])
        staged.daemon.wait_entry(EventKind.PEER_BACK, 15.0)
        assert pokes(staged)["send_errors"].keys() == {"ENETUNREACH"}
        assert "this host does not send (ENETUNREACH): check its" in told["MESSAGE"]
        staged.survived(EventKind.NODE_UNREACHABLE, EventKind.PEER_BACK, gap_seconds=30.0)


def test_an_address_that_is_changed(staged: Stage) -> None:
    """The pokes go on from the new one, and are answered there."""
    here, there = staged.here, staged.there
    other = "192.168.10.200"
    lines = [f"addr del {here.address}/24 dev eth0", f"addr add {other}/24 dev eth0"]
    ip_batch(here.namespace, [*lines, *routes(here, there)])
    staged.capture.wait_for(lambda echo: echo.source == other)
    staged.survived()


def test_a_default_route_that_is_lost(staged: Stage) -> None:
    """The peer's pods, which it leads to: the kernel's error, and whose work the route is."""
    here, there = staged.here, staged.there
    ip_batch(here.namespace, [f"route add default via {there.address}", f"route del {there.block}"])
    assert pokes(staged)["send_errors"] == {}
    began = Exertion.of(staged)
    ip_batch(here.namespace, ["route del default"])
    told = staged.daemon.wait_entry(EventKind.TUNNEL_BROKEN)
    began.check_calm(staged, MOST_A_SECOND)
    ip_batch(here.namespace, [f"route add default via {there.address}"])
    assert "this host has no route to " in told["MESSAGE"]
    staged.survived(EventKind.TUNNEL_BROKEN, EventKind.PEER_BACK, gap_seconds=30.0)


def test_a_queue_that_is_full(staged: Stage) -> None:
    """No poke leaves (ENOBUFS), nor an ARP request: this host is told, and no target is down."""
    staged.here.run(*FULL)
    began = Exertion.of(staged)
    short = staged.daemon.wait_entry(EventKind.ROOM_SHORT)
    began.check_calm(staged, MOST_A_SECOND)
    assert pokes(staged)["send_errors"].keys() == {"ENOBUFS"}
    # By now the neighbour's entry has been asked for, in vain.
    staged.here.run("ip", "neigh", "flush", "all")
    Exertion.of(staged)
    staged.here.run(*ROOMY)
    staged.daemon.wait_entry(EventKind.ROOM_BACK)
    assert "could not be sent (ENOBUFS); no target is blamed" in short["MESSAGE"]
    assert fields(short)["VERDICT"] == "self"
    staged.survived(EventKind.ROOM_SHORT, EventKind.ROOM_BACK, gap_seconds=40.0)


def test_a_connection_tracking_that_is_full(staged: Stage) -> None:
    """What it knows goes on; what is new is refused (EPERM), and it is this host that is told."""
    table = (
        "table inet full { chain leaving { type filter hook output priority mangle; "
        f"meta l4proto icmp ct state new ct count over {PODS // 2} drop; }}; }}\n"
    )
    nft(staged.here.namespace, table)
    staged.here.flush_conntrack()
    down = staged.daemon.wait_entry(EventKind.TARGET_DOWN)
    nft(staged.here.namespace, "delete table inet full\n")
    assert pokes(staged)["send_errors"].keys() == {"EPERM"}
    assert "this host could not send to it: EPERM" in down["MESSAGE"]
    assert "it is this host that does not send" in down["MESSAGE"]
    staged.survived(EventKind.TARGET_DOWN, EventKind.TARGET_UP, gap_seconds=30.0)
