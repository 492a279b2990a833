"""The table of stages names what there is, and knows a stack's stage."""

from importlib import import_module

import pytest

from tests.bench.stages import ASLEEP, REST, STAGES, count, stage_of, table

NAMES = [name for _, names in STAGES.values() for name in names]
LOOP = ("<module> (pokepodsd:8)", "Daemon.run (pokepodsd/daemon.py:87)")
TURN = (*LOOP, "Daemon._turn (pokepodsd/daemon.py:120)")
SENDING = (*TURN, "send (pokepodsd/exchange.py:68)")


@pytest.mark.parametrize("name", [*NAMES, ASLEEP])
def test_every_function_of_the_table_exists(name: str) -> None:
    """Who renames or moves one changes the table: its stage would vanish from the report."""
    module, _, path = name.partition(":")
    found: object = import_module(f"pokepodsd.{module}")
    for part in path.split("."):
        found = getattr(found, part)
    assert callable(found)


def test_no_function_begins_two_stages() -> None:
    assert len(NAMES) == len(set(NAMES))


@pytest.mark.parametrize(
    ("frames", "stage"),
    [
        ((), REST),
        (TURN, REST),
        (SENDING, "send"),
        ((*SENDING, "Engine.due (pokepodsd/core/engine.py:165)"), "pacing"),
        ((*SENDING, "IcmpSocket.send (/a/b/pokepodsd/edge/icmp/sockets.py:89)"), "send"),
        ((*TURN, "Daemon._wait (pokepodsd/daemon.py:9)", "select (selectors.py:451)"), "wait"),
        ((*TURN, "send (elsewhere/exchange.py:68)"), REST),
    ],
)
def test_the_innermost_function_that_begins_a_stage_decides(
    frames: tuple[str, ...], stage: str
) -> None:
    """What it calls beyond counts with it, also where that is the standard library's."""
    assert stage_of(frames) == stage


def test_samples_are_counted_by_stage_without_sleep_and_shown_as_shares() -> None:
    asleep = (
        *TURN,
        "Daemon._wait (pokepodsd/daemon.py:9)",
        "Wakeup.wait (pokepodsd/edge/wakeup.py:9)",
    )
    folded = f"{';'.join(SENDING)} 30\n{';'.join(TURN)} 10\n{';'.join(asleep)} 900\n"
    samples = count(folded)
    assert samples == {"send": 30, REST: 10}
    shown = table(samples, 40_000)
    assert "send           75.0%     30,000" in shown
    assert "40 samples" in shown
