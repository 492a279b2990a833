"""The API server is there, and says next to nothing; or what it grants changes."""

import pytest

from pokepodsd.core.entries import EventKind
from tests.faults.asking import Asking, change_a_pod, meet, reader_pid, wait_for, wait_met
from tests.faults.stage import Stage

# Of `pokepodsd.core.protocol.Timings`: a watch may be silent for 90 s, and delays are up to 60 s.
LONG_SECONDS = 240.0


@pytest.mark.long
@pytest.mark.timeout(600)
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
@pytest.mark.timeout(600)
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
@pytest.mark.timeout(600)
def test_a_head_of_one_byte_a_second(staged: Stage) -> None:
    """No answer ever begins: the reader is replaced, and that is told."""
    asking = Asking.since_now(staged)
    first = reader_pid(staged)
    meet(staged, "slow_head", "any", None, interval_seconds=1.0)
    staged.daemon.wait_entry(EventKind.API_LOST)
    staged.daemon.wait_entry(EventKind.READER_REPLACED, LONG_SECONDS)
    asking.check_load()
    staged.cluster.api.control.clear_faults()
    wait_for(staged, lambda: reader_pid(staged) not in {None, first}, "another reader")
    staged.survived(
        EventKind.API_LOST,
        EventKind.READER_REPLACED,
        EventKind.API_BACK,
        well_seconds=LONG_SECONDS,
    )


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_half_open_connection(staged: Stage) -> None:
    """Packets are dropped both ways, and no FIN comes: noticed without a byte, told, made good."""
    port = staged.cluster.api.port
    staged.here.half_open(port)
    change_a_pod(staged)
    told = staged.daemon.wait_entry(EventKind.API_LOST, LONG_SECONDS)
    assert "poked on" in told["MESSAGE"]
    staged.here.heal(port)
    staged.survived(EventKind.API_LOST, EventKind.API_BACK, well_seconds=LONG_SECONDS)


def test_a_right_that_is_refused_for_a_while(staged: Stage) -> None:
    """403: told once with the missing right, all are poked on, and the grant is told as well."""
    control = staged.cluster.api.control
    asking = Asking.since_now(staged)
    control.change_settings(node_selectors=True)
    control.break_watches()
    told = staged.daemon.wait_entry(EventKind.API_REFUSED)
    assert "Missing right: list and watch pods" in told["MESSAGE"]
    staged.daemon.wait_status(f".*{len(staged.pods)} targets.* own pods only")
    asking.check_load()
    control.change_settings(node_selectors=False)
    staged.daemon.wait_entry(EventKind.API_GRANTED)
    staged.survived(EventKind.API_REFUSED, EventKind.API_GRANTED)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_right_that_is_revoked_and_granted_again(staged: Stage) -> None:
    """403 that lasts: the other nodes' pods are given up, and poked again once they may be read."""
    control = staged.cluster.api.control
    asking = Asking.since_now(staged)
    control.change_settings(node_selectors=True)
    control.break_watches()
    staged.daemon.wait_status(r"(.*\D)?0 targets.* own pods only", LONG_SECONDS)
    # Each check for a grant ends a watch of the own pods, which is opened again.
    asking.check_load("list")
    control.change_settings(node_selectors=False)
    staged.daemon.wait_entry(EventKind.API_GRANTED, LONG_SECONDS)
    staged.survived(
        EventKind.API_REFUSED,
        EventKind.PEER_WITHDRAWN,
        EventKind.API_GRANTED,
        gap_seconds=LONG_SECONDS,
    )
