"""What grows is found, and what only moves is not."""

import random
from collections.abc import Callable

from tests.soak.leaks import Sample, growth, slope, violations
from tests.soak.truth import SECOND_NS

MB = 1e6
HOUR_NS = 3600 * SECOND_NS


def series(value: Callable[[float], float], *, instance: int = 1) -> list[Sample]:
    """One sample every 10 s, for an hour."""
    return [
        Sample(at_ns=second * SECOND_NS, instance=instance, value=value(second))
        for second in range(0, 3601, 10)
    ]


def leaking(what: str, *samples: list[Sample]) -> list[str]:
    by_daemon = {f"node-{number}": one for number, one in enumerate(samples)}
    return [one.daemon for one in violations({what: by_daemon}, 0, HOUR_NS)]


def test_a_leak_is_found() -> None:
    """One daemon that grows by 10 MB an hour, under noise of its size."""
    dice = random.Random(1)
    flat = series(lambda _: 28 * MB + dice.uniform(0, 2) * MB)
    leak = series(lambda second: 28 * MB + second / 3600 * 10 * MB + dice.uniform(0, 2) * MB)
    assert leaking("daemon RSS", flat, leak, flat) == ["node-1"]


def test_a_small_leak_of_all_is_found() -> None:
    """A record lost with each change of a pod: 1.2 kB, once a second, in every daemon."""
    dice = random.Random(2)
    leaks = [
        series(lambda second: 28 * MB + 1200 * second + dice.uniform(0, 1) * MB) for _ in range(9)
    ]
    assert leaking("daemon RSS", *leaks) == ["most daemons"]


def test_what_grows_first_and_then_stays_is_no_leak() -> None:
    """A reader that has listed all pods once keeps what it needed for it."""
    grown = series(lambda second: min(50.0, 40 + second / 100) * MB)
    assert not leaking("reader RSS", grown, grown)


def test_outliers_are_no_leak() -> None:
    """A descriptor more or less, while a connection is opened."""
    dice = random.Random(3)
    held = series(lambda _: 18 + (dice.random() < 0.2))
    assert not leaking("descriptors", held, held)


def test_a_descriptor_that_is_lost_now_and_then_is_found() -> None:
    """Eight in an hour."""
    held = series(lambda second: 18 + second // 450)
    assert "node-0" in leaking("descriptors", held)


def test_who_was_started_again_says_nothing() -> None:
    """Another process begins anew."""
    samples = series(lambda _: 20 * MB)[:300] + series(lambda _: 40 * MB, instance=2)[300:]
    assert growth(samples, 0, HOUR_NS) is None


def test_the_slope_is_that_of_most_pairs() -> None:
    """As Theil and Sen have it."""
    points = [(float(x), 2.0 * x) for x in range(20)]
    points[7] = (7.0, 1000.0)
    assert slope(points) == 2.0
    assert slope([(0.0, 1.0)]) == 0.0
