"""What this node's condition says, and when it is written."""

import itertools
from collections.abc import Sequence

import pytest

from pokepodsd.core.condition import Condition, Outlook
from pokepodsd.core.errands import LONGEST_TEXT, ConditionReport, Status
from pokepodsd.core.model import SECOND_NS, WallNs
from tests.core.builders import T0, WALL0, at

B, C = ("node-b (10.9.0.2)", "tunnel broken"), ("node-c (10.9.0.3)", "node unreachable")


def outlook(
    faults: Sequence[tuple[str, str]] = (),
    *,
    peers: int = 2,
    opening: int = 0,
    is_cut_off: bool = False,
) -> Outlook:
    return Outlook(peers=peers, opening=opening, is_cut_off=is_cut_off, faults=tuple(faults))


def wall(seconds: float) -> WallNs:
    return WallNs(WALL0 + round(seconds * SECOND_NS))


class Run:
    """One daemon's condition, looked at each second."""

    def __init__(self, *, roll: float = 0.0) -> None:
        self.condition = Condition(T0, lambda: roll)
        self.written: list[tuple[int, ConditionReport]] = []

    def stay(self, seen: Outlook, since: int, until: int) -> list[tuple[int, Status]]:
        """How things are from second to second; what was written meanwhile."""
        before = len(self.written)
        for second in range(since, until):
            self.condition.look(seen, at(second), wall(second))
            if (report := self.condition.due(at(second))) is not None:
                self.written.append((second, report))
        return [(second, report.status) for second, report in self.written[before:]]


def test_well_is_said_once_and_then_every_five_minutes() -> None:
    """A heartbeat of the same status, with the time since when it is so."""
    run = Run()
    assert run.stay(outlook(), 0, 1000) == [(n, Status.TRUE) for n in (0, 300, 600, 900)]
    reports = {report for _, report in run.written}
    assert len(reports) == 1
    (report,) = reports
    assert (report.reason, report.since_ns) == ("PeersReachable", wall(0))


def test_nothing_is_said_before_the_first_verdicts() -> None:
    """While peers are still being asked, and a minute at most."""
    run = Run()
    assert run.stay(outlook(opening=1), 0, 10) == []
    assert run.stay(outlook(), 10, 12) == [(10, Status.TRUE)]
    slow = Run()
    assert slow.stay(outlook(opening=1), 0, 100) == [(60, Status.TRUE)]
    alone = Run()
    assert alone.stay(outlook(peers=0), 0, 100) == [(60, Status.TRUE)]
    assert alone.written[0][1].reason == "NoPeers"
    ill = Run()
    assert ill.stay(outlook([B], opening=1), 0, 5) == [(0, Status.FALSE)]


def test_fault_is_said_when_it_begins_and_when_it_ends() -> None:
    run = Run()
    run.stay(outlook(), 0, 100)
    assert run.stay(outlook([B]), 100, 200) == [(100, Status.FALSE)]
    assert run.stay(outlook(), 200, 300) == [(200, Status.TRUE)]
    fault, well = (report for _, report in run.written[-2:])
    assert fault.text == "1 peer not reachable from this node: node-b (10.9.0.2) (tunnel broken)"
    assert (fault.reason, fault.since_ns) == ("PeersNotReachable", wall(100))
    assert well.since_ns == wall(200)


@pytest.mark.parametrize(
    ("count", "end"), [(3, "n2 (x)"), (4, "n2 (x) and 1 more"), (5000, "97 more")]
)
def test_three_peers_are_named(count: int, end: str) -> None:
    """And how many there are."""
    run = Run()
    run.stay(outlook([(f"n{n}", "x") for n in range(count)], peers=count), 0, 1)
    ((_, report),) = run.written
    assert report.text.startswith(f"{count} peers not reachable from this node: n0 (x), n1 (x), n")
    assert report.text.endswith(end)
    assert len(report.text.encode()) <= LONGEST_TEXT


def test_cut_off_names_no_peer() -> None:
    run = Run()
    run.stay(outlook([B, C], is_cut_off=True), 0, 1)
    ((_, report),) = run.written
    assert (report.status, report.reason) == (Status.FALSE, "NodeCutOff")
    assert "node-b" not in report.text


def test_other_names_are_written_once_a_minute() -> None:
    """The status is the same: the text may wait."""
    run = Run()
    run.stay(outlook([B]), 0, 10)
    assert run.stay(outlook([B, C]), 10, 100) == [(60, Status.FALSE)]
    assert "node-c" in run.written[-1][1].text
    assert {report.since_ns for _, report in run.written} == {wall(0)}


def test_flapping_is_written_every_ten_seconds_at_most() -> None:
    run = Run()
    for second in range(0, 600, 2):
        run.stay(outlook([B] if second % 4 else ()), second, second + 2)
    times = [second for second, _ in run.written]
    assert len(times) > 5
    assert all(after - before >= 10 for before, after in itertools.pairwise(times))


def test_fault_that_is_over_before_it_was_written_is_not() -> None:
    """In a large cluster a node waits up to 10 ms a peer: 50 s for 5,000."""
    run = Run(roll=1.0)
    assert run.stay(outlook(peers=5000), 0, 60) == [(50, Status.TRUE)]
    assert run.stay(outlook([B], peers=5000), 100, 140) == []
    assert run.stay(outlook(peers=5000), 140, 349) == []
    assert run.stay(outlook(peers=5000), 349, 360) == [(350, Status.TRUE)]
    assert {report.since_ns for _, report in run.written} == {wall(0)}


def test_what_changes_all_the_time_is_written_all_the_same() -> None:
    """A new name each second does not put off what waits."""
    run = Run(roll=1.0)
    for second in range(60):
        run.stay(outlook([(f"n{second}", "x")], peers=3000), second, second + 1)
    assert [second for second, _ in run.written] == [30]


def test_nothing_that_a_joining_node_changes_is_in_a_healthy_text() -> None:
    """5,000 nodes do not write because one more is there."""
    run = Run()
    run.stay(outlook(peers=2), 0, 10)
    assert run.stay(outlook(peers=3), 10, 20) == []


def test_end_is_unknown_until_it_is_written() -> None:
    run = Run()
    assert not run.condition.is_on_the_node
    run.stay(outlook(), 0, 1)
    run.condition.written("True")
    assert run.condition.is_on_the_node
    last = run.condition.end(wall(7))
    assert (last.status, last.since_ns) == (Status.UNKNOWN, wall(7))
    assert not run.condition.is_ended
    run.condition.written("True")
    assert not run.condition.is_ended
    run.condition.written("Unknown")
    assert run.condition.is_ended
    assert run.condition.next_due() is None


def test_another_reader_is_told_what_its_predecessor_did_not_write() -> None:
    """And not what it wrote."""
    run = Run()
    run.condition.repeat(at(0))
    run.stay(outlook(), 0, 1)
    run.condition.repeat(at(5))
    assert run.stay(outlook(), 5, 10) == [(5, Status.TRUE)]
    run.condition.written("True")
    run.condition.repeat(at(20))
    assert run.stay(outlook(), 20, 30) == []


def test_a_name_is_harmless_in_the_message() -> None:
    """kubectl writes a condition's message on a terminal as it is."""
    run = Run()
    run.stay(outlook([("node\x1b[2J\n\u202eb (10.9.0.2)", "tunnel broken")]), 0, 10)
    (_, report) = run.written[-1]
    assert "node\\x1b[2J\\n\\u202eb (10.9.0.2) (tunnel broken)" in report.text
