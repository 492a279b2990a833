"""The real thing for a minute: four nodes, few pods, a fault every four seconds."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demonstration.interrupts import Interrupts
from tests.lab import Process
from tests.soak import report
from tests.soak.churn import Churn
from tests.soak.kinds import table
from tests.soak.run import build, play, running
from tests.soak.schedule import draw
from tests.soak.world import PLACES, Size, World

# A pod dead and one rejected, a tunnel closed, the API server, daemons and a reader killed,
# one hung, rubbish for its state, a flood, and load.
SEED = 164
SIZE = Size(nodes=4, pods=60, interval_seconds=2.0, changes=2.0)
SECONDS = 58.0


@pytest.fixture
def world() -> Iterator[World]:
    with Interrupts() as interrupts:
        made = World(interrupts)
        try:
            yield made
        finally:
            made.close()
    assert not made.find_leftovers()


def test_a_minute_of_faults_leaves_nothing_behind(world: World, tmp_path: Path) -> None:
    """No target is missed, no alarm false, each outage told once and cleared once."""
    churn = Churn(seed=SEED, nodes=SIZE.nodes, pods=SIZE.pods, per_node=PLACES)
    kinds = table(SIZE.interval_seconds)
    plan = draw(kinds, seed=SEED, seconds=SECONDS, nodes=SIZE.nodes, every_seconds=4.0)
    build(world, SIZE, churn, print)
    with running(world, SEED, tmp_path) as run:
        play(run, plan, churn, print)
        found = run.found()
    print(*report.summary(found), sep="\n")
    assert report.lines(found) == []
    assert not found.harness
    assert len(found.faults) == len(plan)
    assert found.due
    assert found.changes


def test_ctrl_c_shows_what_was_found_so_far_and_leaves_nothing(tmp_path: Path) -> None:
    """In the middle of a fault; the exit status is that of the signal."""
    command = [sys.executable, "-m", "tests.soak", "--nodes", "2", "--pods", "20", "--seed", "5"]
    command += ["--interval", "1", "--minutes", "5", "--output", str(tmp_path)]
    with Process(command, cwd=Path(__file__).parents[2]) as soak:
        soak.wait_for_line("all daemons know and reach all pods", 120.0)
        begun = soak.wait_for_line(r"^ +0 s +\S+", 30.0)
        soak.signal(signal.SIGINT)
        assert soak.wait(60.0) == 128 + signal.SIGINT
        said = "\n".join(soak.lines())
    assert begun
    assert "seed 5" in said
    assert "of each daemon" in said
    assert "ended by SIGINT, and cleans up" in said
    assert "clean-up left" not in said
    assert (tmp_path / "results.json").exists()
