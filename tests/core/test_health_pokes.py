"""Checks the numbers of the pokes: how many were lost, since when, and which still count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.entries import EventKind
from pokepodsd.core.health import HealthBook
from pokepodsd.core.model import Health, NodeName, Outcome, OutcomeKind, Target, Transition
from tests.core.builders import T0, at, make_outcome, make_pod, make_target
from tests.core.world import Answer, World, make_world

A = make_target(1)
NODE_B = NodeName("node-b")


class Line:
    """A book of one target, and the pokes that left for it."""

    def __init__(self, fail_after: int = 3) -> None:
        self.book = HealthBook()
        self.book.add(A, T0)
        self.fail_after = fail_after
        self.out: list[Outcome] = []

    def send(self, when: float, *, opening: bool = False) -> int:
        """A poke leaves; its number among all, from 0 on."""
        outcome = make_outcome(A, sent=when, opening=opening)
        self.out.append(outcome)
        self.book.sent(outcome.probe)
        return len(self.out) - 1

    def end(self, number: int, when: float, *, replied: bool) -> Transition | None:
        outcome = Outcome(
            probe=self.out[number].probe,
            kind=OutcomeKind.REPLIED if replied else OutcomeKind.TIMED_OUT,
            at_ns=at(when),
            rtt_ns=1_000 if replied else None,
        )
        return self.book.judge(outcome, self.fail_after)

    def lose(self, *times: float) -> Transition:
        """Pokes that leave at these times and are lost; the last of them is the last straw."""
        found = [self.end(self.send(when), when + 1, replied=False) for when in times]
        assert found[:-1] == [None] * (len(found) - 1)
        assert found[-1] is not None
        return found[-1]

    @property
    def health(self) -> Health:
        record = self.book.get(A.id)
        assert record is not None
        return record.health


def answers_from(number: int) -> Answer:
    """A network whose first answer is to the poke of this number."""
    seen: list[Target] = []

    def answer(target: Target) -> str:
        seen.append(target)
        return "reply" if len(seen) >= number else "silence"

    return answer


def answers_only(number: int) -> Answer:
    """A network that answers the poke of this number and no other."""
    first = answers_from(number)
    given: list[str] = []

    def answer(target: Target) -> str:
        word = "silence" if given else first(target)
        given.extend([word] if word == "reply" else [])
        return word

    return answer


def started(answer: Answer) -> World:
    world = make_world(answer)
    world.take_list(make_pod())
    return world


@pytest.mark.parametrize(
    ("number", "lost"), [(2, "1 lost poke in"), (3, "2 lost pokes in"), (4, "3 lost pokes in")]
)
def test_opening_says_how_many_pokes_were_lost(number: int, lost: str) -> None:
    """Also where the lost ones have not timed out yet when the first answer comes."""
    world = started(answers_from(number))
    world.run(4)
    (entry,) = world.entries
    assert entry.kind is EventKind.TARGET_OPENED
    assert lost in entry.text


def test_pokes_before_the_last_answer_are_no_part_of_a_failure() -> None:
    """A newcomer that answered its third poke and no more: three pokes were lost, not five."""
    world = started(answers_only(3))
    world.run(40)
    opened, down = world.entries
    assert (opened.kind, down.kind) == (EventKind.TARGET_OPENED, EventKind.TARGET_DOWN)
    assert "timed out; 3 pokes in 11s" in down.text


def test_pokes_are_counted_since_the_last_answered_one() -> None:
    """Those that were lost before an answer, and the answered one, are not counted again."""
    line = Line()
    for when in (0, 5, 10):
        line.send(when)
    line.end(0, 1, replied=False)
    line.end(2, 11, replied=True)
    assert line.lose(15, 20, 25).pokes == 3


def test_pokes_under_way_when_an_answer_comes_are_counted_if_they_are_lost() -> None:
    """One was lost before the answer; the two that left after the answered one are lost later."""
    line = Line()
    for when in (0, 0.2, 0.4, 0.6):
        line.send(when, opening=True)
    changed = line.end(1, 0.7, replied=True)
    assert changed is not None
    assert changed.pokes == 1
    assert line.lose(5, 10, 15).pokes == 5


def test_answers_to_pokes_that_overlap_are_each_taken_off_once() -> None:
    """Three are under way, two are answered, and the third is lost: it is the first of four."""
    line = Line()
    for when in (0, 0.2, 0.4):
        line.send(when, opening=True)
    line.end(0, 0.5, replied=True)
    line.end(1, 0.7, replied=True)
    assert line.lose(5, 10, 15).pokes == 4


@pytest.mark.parametrize("fail_after", [1, 3])
def test_failures_of_pokes_before_the_answered_one_are_no_failures(fail_after: int) -> None:
    """Overtaken by an answer to a later poke, they say nothing of the target as it is now."""
    line = Line(fail_after)
    for when in range(4):
        line.send(when)
    line.end(3, 4, replied=True)
    assert [line.end(number, 5, replied=False) for number in range(3)] == [None] * 3
    assert line.health is Health.UP
    tally = line.book.tally(NODE_B)
    assert (tally.targets, tally.doubtful, tally.down, tally.answering.total()) == (1, 0, 0, 1)


def test_failure_of_a_poke_after_the_answered_one_counts() -> None:
    """Whether it left before or after the answer came."""
    line = Line(fail_after=2)
    for when in (0, 0.1):
        line.send(when)
    line.end(0, 0.2, replied=True)
    assert line.end(1, 1.1, replied=False) is None
    line.send(5)
    changed = line.end(2, 6, replied=False)
    assert changed is not None
    assert (changed.after, changed.pokes) == (Health.DOWN, 2)


def test_late_answers_out_of_their_order_do_not_revive_old_failures() -> None:
    """An answer to an earlier poke than the last answered one moves nothing back."""
    line = Line(fail_after=1)
    for when in range(3):
        line.send(when)
    line.end(2, 3, replied=True)
    assert line.end(0, 3.1, replied=True) is None
    assert line.end(1, 3.2, replied=False) is None
    assert line.health is Health.UP


ENDS = st.lists(
    st.tuples(st.sampled_from(["send", "send", "reply", "fail"]), st.integers(0, 2)),
    min_size=6,
    max_size=40,
)


@given(ENDS, st.integers(1, 3))
def test_failures_count_in_a_row_and_only_after_the_last_answered_poke(
    steps: list[tuple[str, int]], fail_after: int
) -> None:
    """Whatever the order in which pokes leave and end: beliefs, numbers and doubt by hand."""
    line = Line(fail_after)
    open_numbers: list[int] = []
    last_answered, row, belief = -1, 0, Health.OPENING
    for when, (name, index) in enumerate(steps):
        if name == "send":
            open_numbers.append(line.send(when))
        elif open_numbers:
            number = open_numbers.pop(index % len(open_numbers))
            changed = line.end(number, when, replied=name == "reply")
            if changed is not None and number > last_answered:
                assert changed.pokes == number - last_answered - (name == "reply")
            if name == "reply":
                row, belief = 0, Health.UP
                last_answered = max(last_answered, number)
            elif number > last_answered:
                row += 1
                belief = Health.DOWN if row >= fail_after else belief
            assert line.health is belief
        doubtful = bool(row) and belief is not Health.DOWN
        assert line.book.tally(NODE_B).doubtful == doubtful


def test_failing_since_is_when_the_first_lost_poke_left() -> None:
    """And not when one left that was answered, or lost before the answer."""
    line = Line()
    for when in (0, 5):
        line.send(when)
    line.end(0, 1, replied=False)
    line.end(1, 5.1, replied=True)
    assert line.lose(10, 15, 20).failing_since_ns == at(10)


def test_failing_since_is_no_earlier_than_the_last_answered_poke() -> None:
    """Of one that left while the answer was under way, to within that answer's round trip."""
    line = Line()
    for when in (0, 0.2, 0.4):
        line.send(when, opening=True)
    line.end(1, 0.5, replied=True)
    assert at(0.4) <= line.lose(5, 10, 15).failing_since_ns <= at(0.5)
