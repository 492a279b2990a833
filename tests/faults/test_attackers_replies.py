"""Forged replies and forged ICMP errors: who did not see a poke cannot answer it, nor reject it."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from pokepodsd.core.entries import EventKind
from tests.faults.attacker import Liar, lying, strays
from tests.faults.stage import Stage
from tests.lab import Echo, Kind

DICE = random.Random(7)
DEAD, OTHER = 3, 4
GUESSES = 3


@contextmanager
def dead(stage: Stage, number: int) -> Iterator[None]:
    """For the time of the block a pod takes nothing, and the daemon is to say so."""
    address = stage.there.pod_address(number)
    stage.there.kill_address(address)
    try:
        told = stage.daemon.wait_entry(EventKind.TARGET_DOWN)
        assert f"node-b-{number} ({address})" in told["MESSAGE"]
        yield
    finally:
        stage.there.revive_address(address)


def replied(stage: Stage, address: str) -> list[Echo]:
    """The genuine replies of a target, with what they repeat of their requests."""
    echoes = stage.capture.snapshot()
    return [one for one in echoes if one.kind is Kind.REPLY and one.source == address]


def test_guessed_replies_do_not_raise_the_dead(staged: Stage) -> None:
    """Not with the right identifier, sequence, serial and source: the cookie is 64 random bits."""
    address = staged.there.pod_address(DEAD)

    def guess(liar: Liar, request: Echo) -> None:
        if request.destination == address:
            for _ in range(GUESSES):
                cookie = DICE.randbytes(8)
                liar.forger.answer(replace(request, payload=request.payload[:8] + cookie))
            liar.forger.answer(replace(request, identifier=request.identifier ^ 1))

    with lying(staged.there, guess), dead(staged, DEAD):
        counted = strays(staged)
    # Three pokes at least were lost, each with so many guesses; those of another identifier never
    # came as far as the daemon.
    assert counted["payload is not ours"] >= 3 * GUESSES
    assert counted["identifier of another process"] == 0
    staged.survived(EventKind.TARGET_DOWN, EventKind.TARGET_UP)


def test_old_replies_do_not_raise_the_dead(staged: Stage) -> None:
    """A genuine reply is played again, as it was, and with the sequence of now."""
    address = staged.there.pod_address(DEAD)
    old = replied(staged, address)

    def replay(liar: Liar, request: Echo) -> None:
        if request.destination == address:
            for one in old:
                answered = replace(one, source=one.destination, destination=one.source)
                liar.forger.answer(answered)
                liar.forger.answer(replace(answered, sequence=request.sequence))

    with lying(staged.there, replay), dead(staged, DEAD):
        counted = strays(staged)
    assert counted["duplicate"] > 0
    assert counted["sequence not in flight"] + counted["payload is not ours"] > 0
    staged.survived(EventKind.TARGET_DOWN, EventKind.TARGET_UP)


def test_a_right_answer_from_a_wrong_address_does_not_raise_the_dead(staged: Stage) -> None:
    """Somebody on the way answers a poke exactly, but for the source."""
    address, other = staged.there.pod_address(DEAD), staged.there.pod_address(OTHER)

    def answer(liar: Liar, request: Echo) -> None:
        if request.destination == address:
            liar.forger.answer(replace(request, destination=other))

    with lying(staged.there, answer), dead(staged, DEAD):
        counted = strays(staged)
    assert counted["source is not the target"] >= 3
    staged.survived(EventKind.TARGET_DOWN, EventKind.TARGET_UP)


def test_a_pod_knows_nothing_of_the_pokes_of_others(staged: Stage) -> None:
    """A pod reads its own poke and answers for a dead one, from that one's address: whatever it
    takes of its own poke, and it may know all the rest.
    """
    address, own = staged.there.pod_address(DEAD), staged.there.pod_address(OTHER)
    read: list[bytes] = []

    def answer(liar: Liar, request: Echo) -> None:
        if request.destination == own:
            read.append(request.payload)
        elif request.destination == address and read:
            liar.forger.answer(replace(request, payload=read[-1]))
            liar.forger.answer(replace(request, payload=request.payload[:8] + read[-1][8:]))

    with lying(staged.there, answer), dead(staged, DEAD):
        counted = strays(staged)
    assert counted["payload is not ours"] >= 2
    staged.survived(EventKind.TARGET_DOWN, EventKind.TARGET_UP)
