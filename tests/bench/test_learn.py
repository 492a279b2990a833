"""That both ways of learning the pods are measured, and compared pair by pair."""

from pathlib import Path

import pytest

from tests.apiserver.client import ApiServer
from tests.bench.figures import Goal
from tests.bench.learn import TYPED, figure, full_server, learn


def test_costs_are_of_one_run_each() -> None:
    """Ours beside the typed list's, in the unit of the figure."""
    learnt = {"ours": [{"cpu_ns": 1_000_000_000}], TYPED: [{"cpu_ns": 8_000_000_000}]}
    one = figure("CPU", "s", learnt, "cpu_ns", 1e9, goal=Goal(most=0.2, of=TYPED))
    assert (one.ours, one.peers, one.ratios(TYPED)) == ([1.0], {TYPED: [8.0]}, [0.125])


@pytest.mark.parametrize("way", ["reader", "typed"])
def test_either_way_learns_all_pods_and_is_charged_for_it(tmp_path: Path, way: str) -> None:
    """A way that learnt less, or that another process paid for, would look cheap."""
    with ApiServer(tmp_path / "api") as api:
        learnt = learn(way, full_server(api, tmp_path), tmp_path)
    assert learnt["cpu_ns"] > 5_000_000
    assert learnt["peak_bytes"] > 500_000
