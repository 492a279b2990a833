"""Checks what the benchmark of large clusters calls late."""

import pytest

from tests.bench.large import autogroup_nice, lateness_ns

MS = 1_000_000


def ticks(*begins_ms: int) -> list[int]:
    """Ten pokes in a row at each of these times."""
    return [begin * MS + number * 10_000 for begin in begins_ms for number in range(10)]


def test_ticks_explain_themselves() -> None:
    """Pokes that leave every 50 ms are in time, however many leave together."""
    assert lateness_ns(ticks(0, 50, 100, 150)) == 0


def test_late_tick_is_late_by_what_is_missing() -> None:
    """A loop that comes back 80 ms after its tick is as late, but for the space of a turn."""
    late = lateness_ns(ticks(0, 50, 180, 230, 280, 330, 380))
    assert late / MS == pytest.approx(80, abs=6)


@pytest.mark.parametrize("times", [[], [5]])
def test_too_few_pokes_say_nothing(times: list[int]) -> None:
    """Without a gap there is no lateness."""
    assert lateness_ns(times) == 0


@pytest.mark.parametrize(("text", "nice"), [("/autogroup-24606 nice -5\n", "-5"), ("", None)])
def test_a_process_need_not_be_in_a_group_of_its_session(text: str, nice: str | None) -> None:
    """What never left the machine's first session has none: what the kernel shows is empty."""
    assert autogroup_nice(text) == nice
