"""What the daemon writes to the journal, through its native socket."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pokepodsd.core.model import EventKind
from tests.cluster import Cluster
from tests.lab import JournalSocket, Node, Process

# A /run of its own, with the test's socket where journald's is; stderr is what JOURNAL_STREAM says.
WRAPPER = """
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal &&
mount --bind "$0" /run/systemd/journal &&
export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) && exec "$@"
"""


@contextmanager
def daemon_under_a_journal(
    cluster: Cluster, here: Node, folder: Path
) -> Iterator[tuple[JournalSocket, Process]]:
    """A daemon that finds a journal as systemd's services do."""
    folder.mkdir()
    tables = {"poke": {"interval": "1s", "timeout": "500ms"}}
    config = cluster.write_config(here, tables)
    command = here.command("unshare", "--mount", "sh", "-c", WRAPPER, str(folder), sys.executable)
    arguments = ["-m", "pokepodsd", "--config", str(config), "run"]
    with (
        JournalSocket(folder / "socket") as journal,
        Process([*command, *arguments], env=dict(os.environ)) as process,
    ):
        yield journal, process


def test_entries_carry_their_fields_and_ids(
    cluster: Cluster, here: Node, there: Node, tmp_path: Path
) -> None:
    """Who, what and how long, as fields that journalctl filters by; nothing on stderr."""
    cluster.make_pods(there, 3)
    with daemon_under_a_journal(cluster, here, tmp_path / "journal") as (journal, process):
        started = journal.wait_for(lambda entry: "pokes every 1s" in entry["MESSAGE"], 20.0)
        assert started["MESSAGE_ID"] == EventKind.STARTED.value
        assert started["SYSLOG_IDENTIFIER"] == "pokepodsd"
        there.kill_address(there.pod_address(2))
        down = journal.wait_for(
            lambda entry: entry["MESSAGE_ID"] == EventKind.TARGET_DOWN.value, 20.0
        )
        there.revive_address(there.pod_address(2))
        up = journal.wait_for(lambda entry: entry["MESSAGE_ID"] == EventKind.TARGET_UP.value, 20.0)
        process.terminate()
        assert process.wait() == 0
        assert process.lines() == []
    who = {
        "POKEPODSD_NAMESPACE": "shop",
        "POKEPODSD_POD": "node-b-2",
        "POKEPODSD_NODE": "node-b",
        "POKEPODSD_ADDRESS": there.pod_address(2),
    }
    assert (
        down.items()
        >= {
            **who,
            "POKEPODSD_STATE": "down",
            "POKEPODSD_OUTCOME": "timed out",
            "PRIORITY": "4",
        }.items()
    )
    assert up.items() >= {**who, "POKEPODSD_STATE": "up", "PRIORITY": "5"}.items()
    assert int(up["POKEPODSD_RTT_USEC"]) < 500_000


def test_pods_of_one_node_that_fail_together_are_one_entry(
    cluster: Cluster, here: Node, there: Node, tmp_path: Path
) -> None:
    """A node that vanishes is one entry with the count, not one for each of its pods."""
    cluster.make_pods(there, 30)
    with daemon_under_a_journal(cluster, here, tmp_path / "journal") as (journal, process):
        journal.wait_for(lambda entry: "pokes every 1s" in entry["MESSAGE"], 20.0)
        cluster.api.control.wait_watches(1)
        there.link_down()
        down = journal.wait_for(
            lambda entry: entry["MESSAGE_ID"] == EventKind.TARGET_DOWN.value, 30.0
        )
        there.link_up()
        journal.wait_for(lambda entry: entry["MESSAGE_ID"] == EventKind.TARGET_UP.value, 30.0)
        process.terminate()
        process.wait()
        told = [one for one in journal.entries if one["MESSAGE_ID"] == down["MESSAGE_ID"]]
    assert down["POKEPODSD_COUNT"] == "30"
    assert down["POKEPODSD_NODE"] == "node-b"
    assert "none of the 30 targets on node-b answers" in down["MESSAGE"]
    assert len(told) == 1
