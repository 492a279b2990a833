"""Simulated time for the tests of the pace: what is taken in ticks, and how it is spread.

Owns the simulation and its measures. Refuses: to judge.
"""

from dataclasses import dataclass

from pokepodsd.core.bucket import Bucket
from pokepodsd.core.model import MILLISECOND_NS, SECOND_NS, MonotonicNs, TargetId
from pokepodsd.core.pacing import Pacing
from tests.core.builders import T0, at

TICK = 50 * MILLISECOND_NS
WINDOW = 100 * MILLISECOND_NS


@dataclass(frozen=True)
class Poke:
    """One turn that was taken, and when."""

    at: int
    id: TargetId
    opening: bool


def make_pacing(interval: float = 5.0, max_rate: int = 10_000) -> Pacing:
    bucket = Bucket(max_rate=max_rate, now=T0)
    return Pacing(bucket, interval_ns=round(interval * SECOND_NS), now=T0)


def target(number: int) -> TargetId:
    return TargetId(f"t{number}")


def take(pacing: Pacing, now: int) -> list[Poke]:
    pacing.bucket.open(MonotonicNs(now))
    pokes = [Poke(now, turn.id, turn.opening) for turn in pacing.take(MonotonicNs(now))]
    sent(pacing, now)
    return pokes


def sent(pacing: Pacing, now: int) -> None:
    pacing.bucket.sent(MonotonicNs(now))
    pacing.sent(MonotonicNs(now))


def run(pacing: Pacing, start: float, seconds: float) -> list[Poke]:
    """What is taken in ticks over so many seconds."""
    return [
        poke for now in range(at(start), at(start + seconds), TICK) for poke in take(pacing, now)
    ]


def settled(count: int, interval: float = 5.0, max_rate: int = 10_000) -> Pacing:
    """Targets that have answered, after ten seconds."""
    pacing = make_pacing(interval, max_rate)
    for number in range(count):
        pacing.add(target(number))
    for now in range(T0, at(10), TICK):
        for poke in take(pacing, now):
            pacing.settle(poke.id)
    return pacing


def most_in(pokes: list[Poke], window: int) -> int:
    """The most pokes in any window of this length."""
    most, first = 0, 0
    for last, poke in enumerate(pokes):
        while poke.at - pokes[first].at >= window:
            first += 1
        most = max(most, last - first + 1)
    return most


def gaps(pokes: list[Poke]) -> list[int]:
    """The times between two pokes of the same target."""
    before: dict[TargetId, int] = {}
    found = []
    for poke in pokes:
        if poke.id in before:
            found.append(poke.at - before[poke.id])
        before[poke.id] = poke.at
    return found


def exceeds(pokes: list[Poke], token: int, depth: int) -> bool:
    """Whether some window holds more than its own share and the bucket's depth."""
    least = 0
    for index, poke in enumerate(pokes):
        level = index * token - (poke.at - T0)
        least = min(least, level) if index else level
        if level - least + token > depth:
            return True
    return False
