"""Checks the comparison: what it plans, what it judges, how it ends; and, small, that it holds."""

import dataclasses
import itertools
import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.edge.support import run_unprivileged
from tests.lab import Process
from tests.rollout import report, schedule, timings
from tests.rollout.legs import LEGS, LOOP_NAME, NOTHING_NAME, POKEPODSD_NAME, TUNNELS_ONLY_NAME
from tests.rollout.measurement import Result
from tests.rollout.timings import PAUSES, TRY
from tests.test_demo import _traces as traces

COMMAND = (sys.executable, "-m", "tests.laboratory")
STARTS = 30
# Four legs of about half a minute each.
LONGEST_SECONDS = 300.0


class TestSchedule:
    """What rolls out when."""

    @pytest.mark.parametrize(("nodes", "starts"), [(2, 1), (3, 30), (3, 200), (20, 200)])
    def test_there_are_as_many_pods_as_wanted(self, nodes: int, starts: int) -> None:
        """Never fewer, and less than a roll-out more."""
        rollouts = schedule.plan(nodes, starts, seed=1)
        count = sum(len(rollout.pods) for rollout in rollouts)
        assert starts <= count < starts + schedule.PODS

    def test_seed_decides_all(self) -> None:
        """The same gives the same, and another something else."""
        assert schedule.plan(3, 50, seed=1) == schedule.plan(3, 50, seed=1)
        assert schedule.plan(3, 50, seed=1) != schedule.plan(3, 50, seed=2)

    @pytest.mark.parametrize("nodes", [2, 3, 20])
    def test_no_two_pods_share_an_address(self, nodes: int) -> None:
        """Not with those that they replace, nor with the pods that stand all the time."""
        running: set[tuple[int, int]] = set()
        rollouts = schedule.plan(nodes, 500, seed=3)
        for rollout in rollouts:
            new = {(pod.node, pod.number) for pod in rollout.pods}
            assert len(new) == len(rollout.pods)
            assert not running & new
            running = (running | new) - {(pod.node, pod.number) for pod in rollout.replaced}
        assert all(schedule.DEAD_POD < number <= schedule.LAST_POD for _, number in running)
        assert running == {(pod.node, pod.number) for pod in schedule.remaining(rollouts)}

    def test_what_a_pod_needs_is_on_another_node(self) -> None:
        """Or it would need no tunnel."""
        for rollout in schedule.plan(3, 200, seed=1):
            assert rollout.store not in {pod.node for pod in rollout.pods}

    def test_rollout_is_over_before_the_next(self) -> None:
        """However long its pods try."""
        longest = (len(PAUSES) + 1) * TRY.seconds + sum(pause.seconds for pause in PAUSES)
        times = [rollout.at_seconds for rollout in schedule.plan(3, 200, seed=1)]
        assert min(after - at for at, after in itertools.pairwise(times)) > longest


def result(name: str, came_up: int, packets: float) -> Result:
    is_open = name != NOTHING_NAME
    return Result(
        name=name,
        what="",
        starts=1000,
        came_up=came_up,
        open_after_boot_seconds=0.5 if is_open else None,
        open_after_flushes_seconds=[0.5, 0.7] if is_open else [None],
        packets_a_minute=packets,
        patience_seconds=10.0,
    )


RESULTS = {
    NOTHING_NAME: result(NOTHING_NAME, 600, 0.0),
    LOOP_NAME: result(LOOP_NAME, 990, 90.0),
    TUNNELS_ONLY_NAME: result(TUNNELS_ONLY_NAME, 1000, 8.0),
    POKEPODSD_NAME: result(POKEPODSD_NAME, 1000, 190.0),
}

BROKEN: list[tuple[str, dict[str, Any], str]] = [
    (NOTHING_NAME, {"came_up": 900}, "not clearly less than the 99 %"),
    (NOTHING_NAME, {"open_after_boot_seconds": 3.0}, "nobody had poked"),
    (LOOP_NAME, {"came_up": 700}, "not clearly less than the 70 %"),
    (LOOP_NAME, {"open_after_boot_seconds": None}, "not every pair was open after the boot"),
    (LOOP_NAME, {"packets_a_minute": 8.0}, "as many packets"),
    (TUNNELS_ONLY_NAME, {"came_up": 999}, "tunnels only: only 99.9 %"),
    (POKEPODSD_NAME, {"came_up": 999}, "pokepodsd: only 99.9 %"),
    (POKEPODSD_NAME, {"open_after_flushes_seconds": [0.5, None]}, "open again after a flush"),
]


class TestRelations:
    """What must come true."""

    def test_good_results_break_none(self) -> None:
        """Whatever the times are."""
        assert list(report.broken_relations(list(RESULTS.values()))) == []

    @pytest.mark.parametrize(("name", "change", "told"), BROKEN)
    def test_each_is_told(self, name: str, change: dict[str, Any], told: str) -> None:
        """In one line, with the leg."""
        changed = RESULTS | {name: dataclasses.replace(RESULTS[name], **change)}
        assert any(told in one for one in report.broken_relations(list(changed.values())))

    def test_rate_is_never_rounded_up(self) -> None:
        """100 % means all of them."""
        nearly = dataclasses.replace(RESULTS[LOOP_NAME], starts=3000, came_up=2999)
        assert report.rate_text(nearly) == "99.9 %"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run to its end."""

    status: int
    out: str
    err: str
    told: dict[str, Any]
    left: list[str]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder, told = tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("told") / "lab.json"
    command = (*COMMAND, "--starts", str(STARTS), "--json", str(told))
    with Process(command, env=os.environ | {"TMPDIR": str(folder)}) as process:
        status = process.wait(LONGEST_SECONDS)
        return Run(
            status=status,
            out="\n".join(process.lines("stdout")),
            err="\n".join(process.lines("stderr")),
            told=json.loads(told.read_text()),
            left=traces(process.pid, folder),
        )


@pytest.mark.timeout(LONGEST_SECONDS)
class TestSmallRun:
    """Three nodes, few pods."""

    def test_relations_hold(self, run: Run) -> None:
        """Status 0, no complaint, and nothing is left."""
        assert (run.status, run.err, run.left) == (0, "", [])

    def test_rates(self, run: Run) -> None:
        """Clearly failing with nothing; all pods with pokepodsd, in both modes."""
        legs = {leg["name"]: leg for leg in run.told["legs"]}
        assert list(legs) == [leg.name for leg in LEGS]
        assert len({leg["starts"] for leg in legs.values()}) == 1
        assert legs[NOTHING_NAME]["starts"] >= STARTS
        assert legs[NOTHING_NAME]["rate"] < legs[LOOP_NAME]["rate"] - report.CLEARLY
        assert legs[TUNNELS_ONLY_NAME]["rate"] == legs[POKEPODSD_NAME]["rate"] == 1.0
        assert run.told["broken"] == []

    def test_table_shows_each_leg(self, run: Run) -> None:
        """With its rate, its times and its packets; and nothing is longer than a line."""
        for name in (LOOP_NAME, TUNNELS_ONLY_NAME, POKEPODSD_NAME):
            row = rf"│ {name} +│ +\d+ │ +\d+ │ +[\d.]+ % │ +[\d.]+ s │ +[\d.]+ s │ +\d+ │"
            assert re.search(row, run.out)
        row = rf"│ {NOTHING_NAME} +│ +\d+ │ +\d+ │ +[\d.]+ % │ +never │ +never │ +0 │"
        assert re.search(row, run.out)
        assert max(map(len, run.out.splitlines())) <= 100

    def test_it_says_what_is_quicker_than_on_a_cluster(self, run: Run) -> None:
        """Every time, with both of its values."""
        for span in timings.ALL:
            assert span.what.split(" (")[0] in run.out
        assert re.search(r"tunnels.interval +│ +30 s │ +3 s │", run.out)


@pytest.mark.parametrize(
    "options", [("--nodes", "1"), ("--nodes", "21"), ("--nodes", "x"), ("--starts", "0")]
)
def test_wrong_usage(options: tuple[str, str]) -> None:
    """Told with what is allowed; status 2."""
    with Process((*COMMAND, *options)) as process:
        assert process.wait() == 2
        assert options[1] in process.lines("stderr")[-1]


def test_another_user_is_told_in_one_line() -> None:
    """Without root it makes nothing, and ends with 77."""
    done = run_unprivileged(COMMAND)
    assert (done.returncode, done.stdout) == (77, "")
    (line,) = done.stderr.splitlines()
    assert "root" in line


@pytest.fixture
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Process, Path]]:
    """A run that has begun, and its folder."""
    folder = tmp_path_factory.mktemp("cut")
    environment = os.environ | {"TMPDIR": str(folder)}
    with Process((*COMMAND, "--starts", "1"), env=environment) as process:
        yield process, folder


def test_control_c_cleans_up(started: tuple[Process, Path]) -> None:
    """While loops run on the nodes: it says so, ends with 130, and leaves nothing."""
    process, folder = started
    process.wait_for_line(f"^{LOOP_NAME}:", 60)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(20) == 128 + signal.SIGINT
    assert any("SIGINT" in line for line in process.lines("stderr"))
    assert traces(process.pid, folder) == []
