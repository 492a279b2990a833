"""Which entries become Events: the same again, many at once, and storms."""

import itertools
from collections import Counter

import pytest

from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.errands import LONGEST_TEXT, EventReport
from pokepodsd.core.model import SECOND_NS, MonotonicNs, WallNs
from pokepodsd.core.reports import BURST, EventReports
from tests.core.builders import T0, WALL0, at

WARNINGS = {EventKind.TUNNEL_BROKEN, EventKind.NODE_UNREACHABLE, EventKind.NODE_CUT_OFF}


def told(
    peer: str = "10.9.0.2",
    kind: EventKind = EventKind.TUNNEL_BROKEN,
    level: Level | None = None,
    text: str = "the tunnel is broken",
) -> Entry:
    default = Level.WARNING if kind in WARNINGS else Level.NOTICE
    fields = {"PEER": peer} if peer else {}
    return Entry(kind=kind, level=level or default, text=text, fields=fields)


def wall(seconds: float) -> WallNs:
    return WallNs(WALL0 + round(seconds * SECOND_NS))


class Run:
    """One node's reports, in time."""

    def __init__(self, *, peers: int = 0, roll: float = 1.0) -> None:
        self.events = EventReports(lambda: roll)
        self.peers = peers
        self.written: list[tuple[float, EventReport]] = []

    def tell(self, seconds: float, entry: Entry) -> None:
        self.events.take(entry, self.peers, at(seconds), wall(seconds))
        self.advance(seconds)

    def advance(self, seconds: float) -> list[EventReport]:
        """Write what is due by then, as the daemon does when it is woken."""
        before = len(self.written)
        while (due := self.events.next_due()) is not None and due <= at(seconds):
            moment = max(due, MonotonicNs(T0))
            self.written += [((moment - T0) / SECOND_NS, one) for one in self.events.due(moment)]
        return [one for _, one in self.written[before:]]


@pytest.mark.parametrize(
    ("kind", "reason", "is_warning"),
    [
        (EventKind.TUNNEL_BROKEN, "PokePodsTunnelBroken", True),
        (EventKind.NODE_UNREACHABLE, "PokePodsNodeUnreachable", True),
        (EventKind.NODE_CUT_OFF, "PokePodsNodeCutOff", True),
        (EventKind.PEER_BACK, "PokePodsPeerReachable", False),
        (EventKind.NODE_BACK, "PokePodsNodeReachable", False),
    ],
)
def test_verdicts_are_reported(kind: EventKind, reason: str, is_warning: bool) -> None:
    """Each change of a verdict, with the journal's text, once."""
    run = Run()
    run.tell(0, told(kind=kind, text="what the journal says"))
    ((_, event),) = run.written
    assert (event.reason, event.is_warning, event.is_new) == (reason, is_warning, True)
    assert (event.text, event.count) == ("what the journal says", 1)
    assert event.first_ns == event.last_ns == wall(0)
    assert run.advance(10_000) == []


@pytest.mark.parametrize(
    "kind", [kind for kind in EventKind if kind not in {*WARNINGS, EventKind.PEER_BACK}]
)
def test_what_is_no_verdict_is_not_reported(kind: EventKind) -> None:
    """Pods, pace, the API server and the daemon itself are the journal's alone."""
    if kind is not EventKind.NODE_BACK:
        run = Run()
        run.tell(0, told(kind=kind, level=Level.WARNING))
        assert (run.written, run.events.next_due()) == ([], None)


@pytest.mark.parametrize("kind", [EventKind.TUNNEL_BROKEN, EventKind.PEER_BACK])
def test_what_is_no_alarm_is_not_reported(kind: EventKind) -> None:
    """A node that is cordoned, and one that answers pings again, are told at info."""
    run = Run()
    run.tell(0, told(kind=kind, level=Level.INFO))
    assert run.written == []


def test_same_again_is_counted() -> None:
    """Within ten minutes of the last time, the same reason and peer is a new count and time."""
    run = Run()
    for seconds in (0, 300, 800):
        run.tell(seconds, told(text=f"broken at {seconds}"))
    first, second, third = (one for _, one in run.written)
    assert [one.is_new for one in (first, second, third)] == [True, False, False]
    assert [one.count for one in (first, second, third)] == [1, 2, 3]
    assert {one.first_ns for one in (first, second, third)} == {wall(0)}
    assert [one.last_ns for one in (first, second, third)] == [wall(0), wall(300), wall(800)]
    assert {one.text for one in (first, second, third)} == {"broken at 0"}


def test_same_after_ten_minutes_is_another() -> None:
    run = Run()
    run.tell(0, told())
    run.tell(601, told())
    assert [(one.is_new, one.count, one.first_ns) for _, one in run.written] == [
        (True, 1, wall(0)),
        (True, 1, wall(601)),
    ]


def test_other_peer_or_reason_is_another() -> None:
    run = Run()
    for entry in (told("a"), told("b"), told("a", EventKind.PEER_BACK), told("a")):
        run.tell(1, entry)
    assert [one.is_new for _, one in run.written] == [True, True, True, False]
    assert len({one.first_ns for _, one in run.written}) == 3


def test_no_two_have_one_name() -> None:
    """Events of one moment, or of a wall clock that went back, differ in the time that names
    them.
    """
    run = Run()
    for number, seconds in enumerate((5, 5, 5, 3)):
        run.events.take(told(str(number)), 0, at(number), wall(seconds))
    assert len({one.first_ns for one in run.advance(10)}) == 4


def test_many_within_a_minute_are_told_in_one() -> None:
    """Of 25 different ones ten are written, and the rest in one at the end of its minute."""
    run = Run()
    for number in range(25):
        run.tell(number / 10, told(f"10.9.0.{number}", text=f"peer {number} is broken"))
    assert len(run.written) == 10
    (fold,) = run.advance(62)
    assert fold.text == "peer 10 is broken; and 14 more changes within a minute"
    assert (fold.count, fold.is_new, fold.is_warning) == (15, True, True)
    assert (fold.first_ns, fold.last_ns) == (wall(1.0), wall(2.4))
    run.tell(70, told("10.9.9.9"))
    assert run.written[-1][1].text == "the tunnel is broken"


def test_fold_shows_an_alarm_and_is_not_too_long() -> None:
    """A recovery is no example where there is an alarm; the number survives the cut."""
    run = Run()
    for number in range(10):
        run.tell(0, told(str(number)))
    run.tell(1, told("x", EventKind.PEER_BACK))
    run.tell(2, told("y", text="\u00e9" * LONGEST_TEXT))
    (fold,) = run.advance(100)
    assert fold.is_warning
    assert fold.text.endswith("...; and 1 more change within a minute")
    assert len(fold.text.encode()) <= LONGEST_TEXT


def test_single_rest_is_told_as_it_is() -> None:
    run = Run()
    for number in range(11):
        run.tell(0, told(str(number), text=f"peer {number}"))
    assert [one.text for one in run.advance(100)] == ["peer 10"]


def test_flapping_peer_runs_out_of_writes() -> None:
    """As with client-go: 25 at once, and one in five minutes after that; counts stay right."""
    run = Run()
    for number in range(1000):
        kind = EventKind.TUNNEL_BROKEN if number % 2 else EventKind.PEER_BACK
        run.tell(number * 10, told(kind=kind))
    times = [seconds for seconds, _ in run.written]
    assert times[BURST - 1] <= 300
    late = [seconds for seconds in times if seconds > 600]
    assert all(after - before >= 299 for before, after in itertools.pairwise(late))
    assert len(times) <= BURST + 10_000 // 300 + 1
    run.advance(11_000)
    assert {one.reason: one.count for _, one in run.written[-2:]} == {
        "PokePodsTunnelBroken": 500,
        "PokePodsPeerReachable": 500,
    }


def test_what_waits_ten_minutes_for_a_write_is_given_up() -> None:
    """Of five a minute too many: late ones are counted, and the newest are written all the same."""
    run = Run()
    for number in range(150):
        run.tell(number * 12, told(str(number)))
    run.advance(10_000)
    assert 0 < run.events.left_out < 150
    assert run.events.left_out + len(run.written) == 150
    assert all(moment - (one.last_ns - WALL0) / SECOND_NS <= 600 for moment, one in run.written)
    assert all(one.is_new for _, one in run.written)


@pytest.mark.parametrize(("peers", "seconds"), [(0, 0.0), (2, 0.02), (100, 1.0), (5000, 50.0)])
def test_wait_grows_with_the_cluster(peers: int, seconds: float) -> None:
    """10 ms a peer at most, by the dice; what happens meanwhile goes out with it."""
    run = Run(peers=peers)
    run.tell(0, told("a"))
    run.tell(seconds / 2, told("b"))
    run.advance(200)
    assert {moment for moment, _ in run.written} == {seconds}
    none = Run(peers=peers, roll=0.0)
    none.tell(0, told("a"))
    assert [moment for moment, _ in none.written] == [0.0]


def test_one_dead_node_of_five_thousand() -> None:
    """All others report it: once each, and together no more than 120 in any second."""
    moments: Counter[int] = Counter()
    nodes = 4999
    for number in range(nodes):
        run = Run(peers=nodes, roll=number / nodes)
        run.tell(0, told("10.9.0.2", EventKind.NODE_UNREACHABLE))
        run.advance(3600)
        assert len(run.written) == 1
        moments[int(run.written[0][0])] += 1
    assert max(moments.values()) <= 120
    assert max(moments) <= 50


def test_half_of_five_thousand_at_once() -> None:
    """This node tells 2,500 peers in eleven writes, and that they are back in no more."""
    run = Run(peers=5000, roll=0.1)
    for kind, moment in ((EventKind.NODE_UNREACHABLE, 0), (EventKind.PEER_BACK, 300)):
        for number in range(2500):
            run.tell(moment, told(str(number), kind))
    run.advance(3600)
    assert len(run.written) == 22
    folds = [one for _, one in run.written if "more changes" in one.text]
    assert [one.count for one in folds] == [2490, 2490]


def test_what_is_remembered_is_bounded() -> None:
    """A day of another peer each second: no more than ten minutes of it is kept."""
    run = Run()
    for number in range(20_000):
        run.tell(number, told(str(number)))
    assert len(run.events._known) <= 120
