"""A pod that is out for trouble: what becomes of its own pokes is its affair, and no other's."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import pytest

from pokepodsd.core.entries import EventKind
from tests.faults.attacker import Liar, lying, strays, wait_rounds
from tests.faults.stage import Stage
from tests.lab import Echo, packet_of

BAD: Final = 4
# Longer than two ticks, so that what came before an answer was read before it; and longer than
# poke.timeout.
SLOW_SECONDS, TOO_SLOW_SECONDS = 0.15, 0.8
ROUNDS: Final = 5


@contextmanager
def taken_over(stage: Stage, *numbers: int) -> Iterator[None]:
    """For the time of the block the kernel does not answer for these pods: the liar may."""
    addresses = [stage.there.pod_address(number) for number in numbers]
    stage.there.kill_address(*addresses)
    try:
        yield
    finally:
        stage.there.revive_address(*addresses)


def test_a_pod_that_answers_slowly_and_twice_is_up(staged: Stage) -> None:
    """Slower than a tick, and several times: one reply counts, and the others are counted."""
    address = staged.there.pod_address(BAD)

    def answer(liar: Liar, request: Echo) -> None:
        if request.destination == address:
            for late in (1.0, 1.2, 1.4):
                liar.answer_later(request, SLOW_SECONDS * late)

    with lying(staged.there, answer), taken_over(staged, BAD):
        wait_rounds(staged, BAD, ROUNDS)
        counted = strays(staged)
    assert counted["duplicate"] >= ROUNDS
    staged.survived()


@pytest.mark.long
def test_a_pod_that_answers_too_late_is_down_itself(staged: Stage) -> None:
    """And nothing else is; its late replies are counted."""
    address = staged.there.pod_address(BAD)

    def answer(liar: Liar, request: Echo) -> None:
        if request.destination == address:
            liar.answer_later(request, TOO_SLOW_SECONDS)

    with lying(staged.there, answer), taken_over(staged, BAD):
        told = staged.daemon.wait_entry(EventKind.TARGET_DOWN)
        wait_rounds(staged, BAD, ROUNDS)
        counted = strays(staged)
    assert address in told["MESSAGE"]
    assert counted["late"] >= ROUNDS
    staged.survived(EventKind.TARGET_DOWN, EventKind.TARGET_UP)


def test_icmp_errors_of_a_pod_reject_no_other(staged: Stage) -> None:
    """Before each pod answers, an error about it comes in the name of a router: it quotes the
    header alone, as RFC 792 allows, the pod's own poke made out to the other, and the other's with
    the cookie of its own. Each would count, were it believed: no reply is there yet.
    """
    own = staged.there.pod_address(BAD)
    read: list[Echo] = []

    def reject(liar: Liar, request: Echo) -> None:
        liar.answer_later(request, SLOW_SECONDS)
        if request.destination == own:
            read.append(request)
        elif read:
            mine, victim = read[-1], request.destination
            mixed = request.payload[:8] + mine.payload[8:]
            for lie in (
                packet_of(request)[:28],
                packet_of(replace(mine, destination=victim)),
                packet_of(replace(request, payload=mixed)),
            ):
                liar.forger.error(
                    source=staged.there.address,
                    destination=request.source,
                    icmp_type=3,
                    code=1,
                    original=lie,
                )

    with lying(staged.there, reject), taken_over(staged, *staged.pods):
        wait_rounds(staged, BAD, ROUNDS)
        counted = strays(staged)
    others = len(staged.pods) - 1
    # Where the liar is slow with some of its lies, the daemon has not read them all yet.
    assert counted["payload is not ours"] >= ROUNDS * others
    assert counted["source is not the target"] + counted["sequence not in flight"] >= others
    staged.survived()


@pytest.mark.long
def test_an_error_of_a_router_is_believed_about_its_own_packet_alone(staged: Stage) -> None:
    """Who has a poke in his hands may reject it: that one target is down, with who said so."""
    address = staged.there.pod_address(BAD)

    def reject(liar: Liar, request: Echo) -> None:
        if request.destination == address:
            liar.forger.error(
                source=staged.there.address,
                destination=request.source,
                icmp_type=3,
                code=13,
                original=packet_of(request),
            )

    with lying(staged.there, reject), taken_over(staged, BAD):
        told = staged.daemon.wait_entry(EventKind.TARGET_DOWN)
    assert address in told["MESSAGE"]
    assert "communication prohibited" in told["MESSAGE"]
    assert staged.there.address in told["MESSAGE"]
    staged.survived(EventKind.TARGET_DOWN, EventKind.TARGET_UP)
