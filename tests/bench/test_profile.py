"""The profile is of the real daemon, and leaves next to nothing unexplained."""

from pathlib import Path

from tests.bench.spying import spy
from tests.bench.stages import REST, count
from tests.bench.steady import INTERVAL_SECONDS, ground


def test_nearly_all_of_the_time_falls_in_a_named_stage(tmp_path: Path) -> None:
    """19 in 20 samples of a daemon at 2,000/s; each stage that a poke passes is among them."""
    pods = 2_000 * INTERVAL_SECONDS
    with ground(tmp_path / "ground", pods=pods) as standing, standing.daemon() as daemon:
        standing.wait_steady(daemon)
        samples = count(spy(daemon.process.pid, 10, tmp_path))
    print(samples)
    assert samples[REST] <= samples.total() / 20
    passed = ("receive", "match", "judge", "statistics", "pacing", "probe", "send")
    assert all(samples[stage] for stage in passed)
    # Sleep is no sample: it would be four in five.
    assert samples["wait"] <= samples.total() / 5
