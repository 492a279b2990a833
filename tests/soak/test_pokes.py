"""A pod that is not poked in its time is found, and so is a poke to one that is gone."""

import pytest

from tests.soak.pokes import GONE_NS, Life, PokeBook
from tests.soak.truth import CAUGHT_UP_NS, LEARNT_NS, SECOND_NS, Spell, Truth, close_deaf

POD = "10.244.10.4"
NEW = "10.244.10.5"
ALLOWANCE = 30 * SECOND_NS


def at(seconds: float) -> int:
    return round(seconds * SECOND_NS)


@pytest.fixture
def book() -> PokeBook:
    """One pod, there since the beginning."""
    return PokeBook(
        daemon="node-a",
        truth=Truth(),
        lives={POD: Life(created_ns=at(1))},
        others=frozenset({"192.168.10.11"}),
        allowance_ns=ALLOWANCE,
    )


def poked(book: PokeBook, *seconds: float, address: str = POD) -> None:
    for one in seconds:
        book.saw(address, at(one))
        book.sweep(at(one))


def test_a_pod_that_is_poked_in_its_time_is_well(book: PokeBook) -> None:
    """Nothing is found; and nodes may be poked besides."""
    poked(book, 2, 22, 42, 62)
    poked(book, 63, address="192.168.10.11")
    assert not book.violations
    assert book.longest_ns == at(20)


def test_a_missed_target_is_found_once(book: PokeBook) -> None:
    """While it waits, not only when it is poked at last."""
    poked(book, 2)
    for second in range(3, 90, 5):
        book.sweep(at(second))
    poked(book, 95)
    (found,) = book.violations
    assert POD in found.expected
    assert found.at_ns == at(33)


def test_a_gap_between_two_looks_is_found(book: PokeBook) -> None:
    """The pokes themselves tell."""
    book.saw(POD, at(2))
    book.saw(POD, at(40))
    assert len(book.violations) == 1


def test_a_pod_that_is_never_poked_is_found(book: PokeBook) -> None:
    """It is given time to be learnt of."""
    book.sweep(at(1) + LEARNT_NS + ALLOWANCE - 1)
    assert not book.violations
    book.sweep(at(2) + LEARNT_NS + ALLOWANCE)
    assert len(book.violations) == 1


def test_a_poke_to_a_pod_that_is_gone_is_found(book: PokeBook) -> None:
    """It is given time to be learnt of, too."""
    poked(book, 2)
    book.lives[POD].deleted_ns = at(10)
    book.saw(POD, at(12))
    assert not book.violations
    book.saw(POD, at(10) + LEARNT_NS + GONE_NS + 1)
    assert "gone" in book.violations[0].expected
    book.sweep(at(300))
    assert len(book.violations) == 1


def test_a_poke_to_what_never_was_a_pod_is_found(book: PokeBook) -> None:
    """pokepodsd cannot be made to send elsewhere."""
    book.saw("203.0.113.1", at(5))
    assert "203.0.113.1" in book.violations[0].seen


def test_a_daemon_that_is_away_misses_nothing_until_it_is_back(book: PokeBook) -> None:
    """Then it has the same time as ever."""
    poked(book, 2)
    spell = Spell(fault="daemon-killed node-a", begin_ns=at(10))
    book.truth.absent["node-a"].append(spell)
    book.sweep(at(200))
    spell.end_ns = at(200)
    poked(book, 225)
    assert not book.violations
    book.sweep(at(260))
    assert len(book.violations) == 1


def test_who_cannot_learn_of_a_change_is_given_time_after_the_outage(book: PokeBook) -> None:
    """A new pod, and one that is gone, while the API server is away."""
    book.lives = {**book.lives, NEW: Life(created_ns=at(20))}
    spell = Spell(fault="api-killed", begin_ns=at(15))
    book.truth.deaf["node-a"].append(spell)
    book.lives[POD].deleted_ns = at(16)
    poked(book, 17, 37, 57, 77)
    book.sweep(at(300))
    close_deaf([spell], at(300))
    book.saw(POD, at(300) + CAUGHT_UP_NS - 1)
    book.sweep(at(300) + CAUGHT_UP_NS + ALLOWANCE - 1)
    assert not book.violations
    book.sweep(at(301) + CAUGHT_UP_NS + ALLOWANCE)
    assert [NEW in one.expected for one in book.violations] == [True]


def test_who_pokes_what_was_made_after_the_outage_has_caught_up(book: PokeBook) -> None:
    """So that it is not given more time than it took."""
    spell = Spell(fault="api-killed", begin_ns=at(15))
    book.truth.deaf["node-a"].append(spell)
    book.lives = {**book.lives, NEW: Life(created_ns=at(45))}
    close_deaf([spell], at(40))
    book.saw(NEW, at(46))
    book.lives[POD].deleted_ns = at(20)
    book.saw(POD, at(60))
    assert not book.violations
    book.saw(POD, at(46 + 20 + 6))
    assert len(book.violations) == 1
