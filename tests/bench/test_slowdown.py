"""The benchmarks notice a send path that takes twice the processor time."""

from pathlib import Path

import pytest

from tests.bench.figures import Run, short_of
from tests.bench.profile import measure

SLOWDOWN = Path(__file__).parent / "slowdown"


def missed(folder: Path) -> list[str]:
    """What the short form says was not reached."""
    folder.mkdir()
    results = list(measure(Run(folder=folder, is_short=True)))
    print(results)
    return short_of(results, is_short=True)


def test_a_send_path_at_half_its_speed_is_not_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon as it is reaches all, and the same daemon slowed down misses that path alone.

    What a path takes is held against a plain loop that runs at the same time, and its goal is in
    the middle between once and twice: each is off by a factor of 1.4, where stretches of a busy
    machine differ by 1.2.
    """
    assert missed(tmp_path / "as it is") == []
    monkeypatch.setenv("PYTHONPATH", str(SLOWDOWN))
    (line,) = missed(tmp_path / "slowed")
    assert line.startswith("CPU of the send path a poke")
