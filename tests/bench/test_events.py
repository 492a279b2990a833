"""How the cost of an event is worked out, and that events come at their rate."""

import time

from tests.bench.events import FAST, drive, figure


def test_cost_is_what_is_above_the_quiet_stretch_beside_it() -> None:
    """Both processes, in microseconds an event, pair by pair."""
    quiet = [{"daemon": 10e6, "reader": 0.0, "events": 0.0}] * 2
    runs = [
        {"daemon": 20e6, "reader": 5e6, "events": 100.0},
        {"daemon": 30e6, "reader": 5e6, "events": 100.0},
    ]
    assert figure("a change", FAST, quiet, runs).ours == [150.0, 250.0]


def test_events_are_driven_at_their_rate() -> None:
    """As many as the stretch is long, and none sooner than its time."""
    times: list[float] = []
    begin = time.monotonic()
    assert drive(lambda: times.append(time.monotonic()), 200, 0.2) == 40 == len(times)
    assert all(at - begin >= number / 200 for number, at in enumerate(times))


def test_nothing_is_driven_for_as_long() -> None:
    """The quiet stretch."""
    begin = time.monotonic()
    assert drive(None, 200, 0.1) == 0
    assert time.monotonic() - begin >= 0.1
