"""What the daemon writes to the journal, through its native socket."""

from pokepodsd.core.entries import EventKind
from tests.cluster import Cluster
from tests.daemon.journalled import daemon_under_a_journal, during, fields, kinds
from tests.lab import Node

TABLES = {
    "poke": {"interval": "1s", "timeout": "500ms"},
    "tunnels": {"interval": "1s"},
}


def test_entries_carry_their_fields_and_ids(cluster: Cluster, here: Node, there: Node) -> None:
    """Who, what and how long, as fields that journalctl filters by; nothing on stderr."""
    cluster.make_pods(there, 3)
    with daemon_under_a_journal(cluster, here, TABLES) as daemon:
        started = daemon.wait_entry(EventKind.STARTED)
        assert "pods every 1s" in started["MESSAGE"]
        assert started["SYSLOG_IDENTIFIER"] == "pokepodsd"
        daemon.settle("1 peer: 1 ok; 3 targets: 3 up")
        with during(there.kill_address, there.revive_address, there.pod_address(2)):
            down = daemon.wait_entry(EventKind.TARGET_DOWN)
        up = daemon.wait_entry(EventKind.TARGET_UP)
        assert kinds(daemon.finish()) == ["TARGET_DOWN", "TARGET_UP"]
    who = {"NAMESPACE": "shop", "POD": "node-b-2", "NODE": "node-b"}
    who["ADDRESS"] = there.pod_address(2)
    assert fields(down).items() >= {**who, "STATE": "down", "OUTCOME": "timed out"}.items()
    assert fields(up).items() >= {**who, "STATE": "up"}.items()
    assert (down["PRIORITY"], up["PRIORITY"]) == ("4", "5")
    assert int(fields(up)["RTT_USEC"]) < 500_000


def test_pods_of_one_node_that_fail_together_are_one_entry(
    cluster: Cluster, here: Node, there: Node
) -> None:
    """Ten of a node's thirty pods die at once: one entry with the count, and one for their end."""
    cluster.make_pods(there, 30)
    dead = [there.pod_address(number) for number in range(1, 11)]
    with daemon_under_a_journal(cluster, here, TABLES) as daemon:
        daemon.settle("1 peer: 1 ok; 30 targets: 30 up")
        with during(there.kill_address, there.revive_address, *dead):
            down = daemon.wait_entry(EventKind.TARGET_DOWN)
        up = daemon.wait_entry(EventKind.TARGET_UP)
        assert kinds(daemon.finish()) == ["TARGET_DOWN", "TARGET_UP"]
    for entry in (down, up):
        assert fields(entry).items() >= {"COUNT": "10", "NODE": "node-b"}.items()
        assert "10 targets on node-b, for example shop/node-b-" in entry["MESSAGE"]
    assert "20 of the 30 targets on node-b are not down" in down["MESSAGE"]


def test_a_node_whose_pods_all_fail_is_one_entry_about_the_node(
    cluster: Cluster, here: Node, there: Node
) -> None:
    """A node that vanishes is a verdict on the node, and nothing is said of its thirty pods.

    The kernel shows no tunnel here: the node is known by its pods, as the API tells them.
    """
    cluster.make_pods(there, 30)
    with daemon_under_a_journal(cluster, here, TABLES) as daemon:
        daemon.settle("1 peer: 1 ok; 30 targets: 30 up")
        with during(there.link_down, there.link_up):
            down = daemon.wait_entry(EventKind.NODE_UNREACHABLE)
            daemon.wait_status("1 peer: 1 node unreachable; 30 targets: 0 up, 30 down")
        daemon.wait_entry(EventKind.PEER_BACK)
        daemon.wait_status("1 peer: 1 ok; 30 targets: 30 up")
        assert kinds(daemon.finish()) == ["NODE_UNREACHABLE", "PEER_BACK"]
    wanted = {"NODE": "node-b", "PEER": there.address, "VERDICT": "node unreachable"}
    assert fields(down).items() >= wanted.items()
