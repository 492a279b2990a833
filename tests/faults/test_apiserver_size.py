"""The API server says more than anybody could hold: how much of it is held."""

import pytest

from pokepodsd.core.entries import EventKind
from tests.faults.asking import Asking, bounded_reader, change_a_pod, meet, met_and_past, wait_met
from tests.faults.stage import Stage

LONG_LINE = 200 * 1024 * 1024
BOMB = 1024 * 1024 * 1024
# The unit may have 384 MB before the kernel slows it down, with all its processes together.
LINE_MB = 20.0
BODY_MB = 50.0
# A page that is too large is asked for in quarters, each at once: 125, 31, 7, 1 instead of 500.
SMALLER_PAGES = 4


def test_a_line_that_is_too_long(staged: Stage) -> None:
    """200 MB without a newline, and no end at all: the watch is given up, and begun anew."""
    with bounded_reader(staged, LINE_MB):
        met_and_past(staged, "huge_line", "watch", size=LONG_LINE)
        met_and_past(staged, "endless_line", "watch")
    staged.survived()


def test_gzip_that_unpacks_to_far_more(staged: Stage) -> None:
    """1 MB that is 1 GB, and gzip that does not end: given up long before that, and told."""
    asking = Asking.since_now(staged)
    with bounded_reader(staged, BODY_MB):
        staged.cluster.api.control.add_fault("gzip_bomb", "list", size=BOMB)
        meet(staged, "gzip_endless", "list", None)
        told = staged.daemon.wait_entry(EventKind.API_LOST)
        assert "the answer is larger than" in told["MESSAGE"]
        wait_met(staged, asking, "gzip_bomb")
        wait_met(staged, asking, "gzip_endless", 2)
        asking.check_load(more=SMALLER_PAGES)
        staged.cluster.api.control.clear_faults()
        staged.wait_well()
    staged.survived(EventKind.API_LOST, EventKind.API_BACK)


@pytest.mark.long
@pytest.mark.parametrize(
    ("fault", "size"),
    [("endless_line", 0), ("huge_line", LONG_LINE), ("gzip_cut", 0), ("gzip_bomb", BOMB)],
)
def test_a_list_that_cannot_be_read(staged: Stage, fault: str, size: int) -> None:
    """A body without an end, one of 200 MB, gzip that breaks off: what is held stays small."""
    asking = Asking.since_now(staged)
    with bounded_reader(staged, BODY_MB):
        meet(staged, fault, "list", None, size=size)
        change_a_pod(staged)
        staged.daemon.wait_entry(EventKind.API_LOST)
        asking.check_load(more=SMALLER_PAGES)
        staged.cluster.api.control.clear_faults()
        staged.wait_well()
    staged.survived(EventKind.API_LOST, EventKind.API_BACK)
