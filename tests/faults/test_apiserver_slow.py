"""The API server is there, and says next to nothing; or what it grants changes."""

import pytest

from pokepodsd.core.entries import EventKind
from tests.faults.asking import Asking, change_a_pod, meet, reader_pid, wait_for, wait_met
from tests.faults.stage import Stage

# What `pokepodsd.core.protocol.Timings` gives a watch that says nothing, and what comes after.
SILENCE_SECONDS = 90
LONG_SECONDS = 240.0


@pytest.mark.long
def test_a_list_of_one_byte_a_second(staged: Stage) -> None:
    """It is given up after half a minute, and asked for again ever less often."""
    asking = Asking.since_now(staged)
    meet(staged, "trickle", "list", None, interval_seconds=1.0)
    staged.daemon.wait_entry(EventKind.API_LOST)
    wait_met(staged, asking, "trickle", 2)
    asking.check_load()
    staged.cluster.api.control.clear_faults()
    staged.survived(EventKind.API_LOST, EventKind.API_BACK, well_seconds=LONG_SECONDS)


@pytest.mark.long
def test_a_watch_of_one_byte_a_second(staged: Stage) -> None:
    """Bytes are no events: the watch is begun anew, and what changed is known."""
    asking = Asking.since_now(staged)
    meet(staged, "trickle", "watch", interval_seconds=1.0)
    wait_met(staged, asking, "trickle")
    change_a_pod(staged)
    staged.wait_well(seconds=LONG_SECONDS)
    asking.check_load()
    staged.survived()


@pytest.mark.long
def test_a_head_of_one_byte_a_second(staged: Stage) -> None:
    """No answer ever begins: the reader is replaced, and that is told."""
    asking = Asking.since_now(staged)
    first = reader_pid(staged)
    meet(staged, "slow_head", "any", None, interval_seconds=1.0)
    staged.daemon.wait_entry(EventKind.API_LOST)
    staged.daemon.wait_entry(EventKind.READER_REPLACED, LONG_SECONDS)
    asking.check_load()
    staged.cluster.api.control.clear_faults()
    wait_for(staged, lambda: reader_pid(staged) != first, "another reader")
    staged.survived(
        EventKind.API_LOST,
        EventKind.READER_REPLACED,
        EventKind.API_BACK,
        well_seconds=LONG_SECONDS,
    )


@pytest.mark.long
def test_a_half_open_connection(staged: Stage) -> None:
    """Packets are dropped both ways, and no FIN comes: noticed without a byte, told, made good."""
    port = staged.cluster.api.port
    staged.here.half_open(port)
    change_a_pod(staged)
    told = staged.daemon.wait_entry(EventKind.API_LOST, LONG_SECONDS)
    assert "poked on" in told["MESSAGE"]
    staged.here.heal(port)
    staged.survived(EventKind.API_LOST, EventKind.API_BACK, well_seconds=LONG_SECONDS)


@pytest.mark.long
def test_a_right_that_is_revoked_and_granted_again(staged: Stage) -> None:
    """403: the other nodes' pods are poked on until the refusal lasts, and again after a grant."""
    control = staged.cluster.api.control
    pods = {*staged.pods}
    asking = Asking.since_now(staged)
    control.change_settings(node_selectors=True)
    control.break_watches()
    staged.daemon.wait_entry(EventKind.API_REFUSED, LONG_SECONDS)
    staged.daemon.wait_status(r".*0 targets.* own pods only", LONG_SECONDS)
    asking.check_load()
    control.change_settings(node_selectors=False)
    staged.daemon.wait_entry(EventKind.API_GRANTED, LONG_SECONDS)
    staged.pods = pods
    staged.survived(EventKind.API_REFUSED, EventKind.API_GRANTED, gap_seconds=LONG_SECONDS)
