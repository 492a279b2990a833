"""Checks the table of beliefs, every transition of it, and the tallies."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.health import LEGAL, HealthBook, Sign, Tally
from pokepodsd.core.model import Family, Health, NodeName, Outcome, OutcomeKind, Target, Transition
from tests.core.builders import T0, at, make_outcome, make_target

A = make_target(1)
NODE_B = NodeName("node-b")


def book_of(*targets: Target) -> HealthBook:
    book = HealthBook()
    for target in targets:
        book.add(target, T0)
    return book


def poke(book: HealthBook, outcome: Outcome, *, fail_after: int = 3) -> Transition | None:
    """One poke that left and ended."""
    if book.get(outcome.probe.target.id) is not None:
        book.sent(outcome.probe)
    return book.judge(outcome, fail_after)


def fail(
    book: HealthBook, sent: float, target: Target = A, *, opening: bool = False, detail: str = ""
) -> Transition | None:
    kind = OutcomeKind.SEND_FAILED if detail else OutcomeKind.TIMED_OUT
    return poke(book, make_outcome(target, kind, sent=sent, opening=opening, detail=detail))


def reply(book: HealthBook, sent: float, target: Target = A) -> Transition | None:
    return poke(book, make_outcome(target, OutcomeKind.REPLIED, sent=sent, lasted=0.01))


def health(book: HealthBook, target: Target = A) -> Health:
    record = book.get(target.id)
    assert record is not None
    return record.health


def counts(book: HealthBook, node: str = NODE_B) -> tuple[int, int, int]:
    tally = book.tally(NodeName(node))
    return tally.targets, tally.doubtful, tally.down


def test_table_is_total() -> None:
    """Every belief has an answer to every sign, and every belief can be reached."""
    assert set(LEGAL) == {(belief, sign) for belief in Health for sign in Sign}
    assert set(LEGAL.values()) == set(Health)


@pytest.mark.parametrize("before", Health)
@pytest.mark.parametrize("sign", Sign)
def test_table_says_what_was_promised(before: Health, sign: Sign) -> None:
    """Up after one reply, down after the last straw, and else as it was."""
    expected = {Sign.REPLY: Health.UP, Sign.LAST_STRAW: Health.DOWN}.get(sign, before)
    assert LEGAL[before, sign] is expected


def test_newcomer_that_answers_is_up() -> None:
    """The first reply is a transition, with no lost poke before it."""
    book = book_of(A)
    changed = reply(book, 2)
    assert changed is not None
    assert (changed.before, changed.after, changed.pokes) == (Health.OPENING, Health.UP, 0)
    assert (changed.since_ns, changed.at_ns) == (T0, at(2.01))
    assert reply(book, 7) is None


def test_target_is_down_after_the_third_failure_in_a_row() -> None:
    """Two are none, a reply in between starts over, and a fourth is no news."""
    book = book_of(A)
    reply(book, 1)
    assert [fail(book, 5), fail(book, 10), reply(book, 15)] == [None] * 3
    assert [fail(book, 20), fail(book, 25)] == [None] * 2
    changed = fail(book, 30)
    assert changed is not None
    assert (changed.before, changed.after, changed.pokes) == (Health.UP, Health.DOWN, 3)
    assert (changed.since_ns, changed.failing_since_ns, changed.at_ns) == (at(1.01), at(20), at(31))
    assert fail(book, 35) is None
    assert health(book) is Health.DOWN


def test_target_is_up_after_one_reply() -> None:
    """An outage lasts from the first lost poke to the answer, not from the verdict about it."""
    book = book_of(A)
    reply(book, 1)
    for sent in (5, 10, 15, 20):
        fail(book, sent)
    changed = reply(book, 25)
    assert changed is not None
    assert (changed.before, changed.after, changed.pokes) == (Health.DOWN, Health.UP, 4)
    assert (changed.since_ns, changed.failing_since_ns) == (at(5), at(5))
    assert [fail(book, 30), fail(book, 35)] == [None] * 2


def test_newcomer_that_never_answers_is_down_after_steady_failures_only() -> None:
    """The first pokes of a newcomer may fail without a word, and count as lost pokes later."""
    book = book_of(A)
    for sent in (0, 0.2, 0.6, 1.4, 3):
        assert fail(book, sent, opening=True) is None
    assert [fail(book, 5), fail(book, 10)] == [None] * 2
    changed = fail(book, 15)
    assert changed is not None
    assert (changed.before, changed.pokes) == (Health.OPENING, 8)
    assert changed.failing_since_ns == T0


def test_newcomer_that_answers_late_says_how_many_pokes_it_took() -> None:
    """The lost pokes are those before the first reply."""
    book = book_of(A)
    fail(book, 0, opening=True)
    fail(book, 0.2, opening=True)
    changed = reply(book, 0.6)
    assert changed is not None
    assert (changed.after, changed.pokes) == (Health.UP, 2)
    assert changed.failing_since_ns == at(0)


@pytest.mark.parametrize("errno_name", ["ENOBUFS", "EAGAIN", "ENOMEM"])
def test_congestion_of_this_host_says_nothing_about_a_target(errno_name: str) -> None:
    """Full queues never bring a target down; another errno does."""
    book = book_of(A)
    for sent in range(20):
        assert fail(book, sent, detail=errno_name) is None
    assert health(book) is Health.OPENING
    assert [fail(book, 30, detail="EPERM"), fail(book, 31, detail="EPERM")] == [None] * 2
    assert fail(book, 32, detail="EPERM") is not None


def test_failures_needed_are_a_setting() -> None:
    """With one, the first failure is the last straw; a lower number holds for the next failure."""
    book = book_of(A)
    reply(book, 1)
    assert poke(book, make_outcome(A, sent=2), fail_after=1) is not None
    other = book_of(A)
    assert [fail(other, 1), fail(other, 2)] == [None] * 2
    assert poke(other, make_outcome(A, sent=3), fail_after=2) is not None


def test_outcome_of_a_withdrawn_target_is_dropped() -> None:
    """A reply that comes after the pod is gone changes nothing."""
    book = book_of(A)
    removed = book.remove(A.id)
    assert removed is not None
    assert removed.target == A
    assert reply(book, 1) is None
    assert book.get(A.id) is None
    assert book.remove(A.id) is None
    assert set(book.counts.values()) == {0}


def test_target_that_moves_takes_its_belief_along() -> None:
    """The tallies follow it to its new node."""
    book = book_of(A)
    for sent in range(3):
        fail(book, sent)
    book.change(make_target(1, node="node-c"))
    assert book.tally(NODE_B) == Tally()
    assert counts(book, "node-c") == (1, 0, 1)
    assert health(book) is Health.DOWN


def test_tally_tells_the_doubtful_from_the_down() -> None:
    """Failing and not yet down is doubtful; lost opening pokes are no doubt."""
    other = make_target(2)
    book = book_of(A, other)
    fail(book, 0, other, opening=True)
    assert counts(book) == (2, 0, 0)
    fail(book, 1)
    assert counts(book) == (2, 1, 0)
    fail(book, 2)
    fail(book, 3)
    fail(book, 4, other)
    assert counts(book) == (2, 1, 1)
    reply(book, 5, other)
    reply(book, 6)
    assert counts(book) == (2, 0, 0)


def test_tally_tells_when_which_family_last_answered_and_who_did_not() -> None:
    """An answer of the node's own address shows nothing of the tunnel to it."""
    other = make_target(2, address="fd00::2")
    own = replace(make_target(3), host="10.0.0.3")
    book = book_of(A, other, own)
    reply(book, 0, own)
    assert book.tally(NODE_B).replied == {}
    assert book.tally(NODE_B).answering.total() == 0
    reply(book, 1, other)
    reply(book, 2)
    fail(book, 3)
    tally = book.tally(NODE_B)
    assert tally.replied == {Family.V6: at(1), Family.V4: at(2)}
    assert (tally.answering, tally.failing) == (Counter({Family.V6: 1}), A)


NUMBERS = st.integers(0, 5)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "move", "reply", "fail", "fail", "fail", "opening"]),
        NUMBERS,
    ),
    max_size=80,
)


class Model:
    """Beliefs by counting failures in a row, beside a book that is told the same."""

    def __init__(self, fail_after: int) -> None:
        self.book = HealthBook()
        self.fail_after = fail_after
        self.beliefs: dict[int, Health] = {}
        self.rows: dict[int, int] = {}
        self.nodes: dict[int, str | None] = {}
        self.heard: dict[str | None, Tally] = {}

    def target(self, number: int) -> Target:
        return make_target(number + 1, node=self.nodes[number])

    def add(self, number: int) -> None:
        self.beliefs[number], self.rows[number], self.nodes[number] = Health.OPENING, 0, "n0"
        self.book.add(self.target(number), T0)

    def remove(self, number: int) -> None:
        self.book.remove(self.target(number).id)
        for held in (self.beliefs, self.rows, self.nodes):
            del held[number]
        self.forget()

    def move(self, number: int) -> None:
        self.nodes[number] = "n1" if self.nodes[number] == "n0" else None
        self.book.change(self.target(number))
        self.forget()

    def forget(self) -> None:
        """What was heard of a node is known as long as it has targets."""
        for node in self.heard.keys() - set(self.nodes.values()):
            del self.heard[node]

    def judge(self, number: int, name: str) -> None:
        before = self.beliefs[number]
        kind = OutcomeKind.REPLIED if name == "reply" else OutcomeKind.TIMED_OUT
        outcome = make_outcome(self.target(number), kind, opening=name == "opening")
        if name == "reply":
            self.beliefs[number], self.rows[number] = Health.UP, 0
        elif name == "fail":
            self.rows[number] += 1
            if self.rows[number] >= self.fail_after:
                self.beliefs[number] = Health.DOWN
        heard = self.heard.setdefault(self.nodes[number], Tally())
        if name == "reply":
            heard.replied = {Family.V4: outcome.probe.sent_ns}
        else:
            heard.failing, heard.failed_ns = outcome.probe.target, outcome.probe.sent_ns
        after = self.beliefs[number]
        changed = poke(self.book, outcome, fail_after=self.fail_after)
        assert (changed is not None) == (after is not before)
        assert changed is None or (changed.before, changed.after) == (before, after)

    def expected_tally(self, node: str | None) -> Tally:
        there = [number for number, where in self.nodes.items() if where == node]
        down = [number for number in there if self.beliefs[number] is Health.DOWN]
        failing = [number for number in there if self.rows[number] and number not in down]
        up = [n for n in there if self.beliefs[n] is Health.UP and n not in failing]
        heard = self.heard.get(node, Tally())
        answering = Counter({Family.V4: len(up)})
        ups = sum(self.beliefs[n] is Health.UP for n in there)
        counts = (len(there), len(failing), len(down), ups)
        return Tally(*counts, heard.replied, answering, heard.failing, heard.failed_ns)


@given(STEPS, st.integers(1, 4))
def test_beliefs_and_tallies_agree_with_a_simple_model(
    steps: list[tuple[str, int]], fail_after: int
) -> None:
    """Failures in a row, counted by hand, give the same beliefs; the tallies add up."""
    model = Model(fail_after)
    for name, number in steps:
        if number not in model.beliefs:
            model.add(number)
        elif name == "remove":
            model.remove(number)
        elif name == "move":
            model.move(number)
        elif name != "add":
            model.judge(number, name)
    counted = Counter(model.beliefs.values())
    assert model.book.counts == {belief: counted[belief] for belief in Health}
    for node in ("n0", "n1", None):
        tally = model.book.tally(NodeName(node) if node else None)
        assert tally == model.expected_tally(node)
