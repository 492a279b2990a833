"""The wall clock is stepped: nobody is down for it, and times are told by the clock as it is."""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pokepodsd.core.entries import EventKind
from pokepodsd.edge.control import Client
from tests.cluster import Cluster
from tests.daemon.wire import SECOND_NS, wait_requests_until
from tests.faults.stage import INTERVAL_SECONDS, Stage, stage
from tests.faults.steppedclock import SteppedClock

YEAR_SECONDS = 365 * 24 * 60 * 60
# A reply takes a tick to be noticed, where the kernel's stamp cannot be used.
LONGEST_RTT_SECONDS = 0.5


@pytest.fixture
def clock(tmp_path: Path) -> SteppedClock:
    return SteppedClock(tmp_path)


@pytest.fixture
def staged(cluster: Cluster, clock: SteppedClock) -> Iterator[Stage]:
    """As the package's, with a clock that can be stepped."""
    with stage(cluster, prefix=clock.prefix) as started:
        yield started


def document(staged: Stage) -> list[Mapping[str, Any]]:
    """The lines of a status, all peers and targets."""
    with closing(Client(staged.control)) as client:
        return [*client.stream({"status": {"peers": "all", "targets": "all"}})]


def values(found: Any, *names: str) -> Iterator[Any]:
    """All values of these names, at any depth."""
    if isinstance(found, Mapping):
        for name, value in found.items():
            if name in names and value is not None:
                yield value
            yield from values(value, *names)
    elif isinstance(found, list):
        for one in found:
            yield from values(one, *names)


def wait_turns(staged: Stage, count: int) -> None:
    """Wait until each target was poked so often."""
    until_ns = time.monotonic_ns() + round(count * INTERVAL_SECONDS * SECOND_NS)
    wait_requests_until(staged.capture, until_ns)


def check_times(staged: Stage, ahead_seconds: int, begin: datetime) -> None:
    """Round trips are short and not negative, and all times of the test are since its begin."""
    shown = document(staged)
    trips = [*values(shown, "median_seconds", "worst_seconds")]
    assert trips
    assert all(0 <= one <= LONGEST_RTT_SECONDS for one in trips), trips
    ahead = timedelta(seconds=ahead_seconds)
    now = datetime.now(UTC)
    times = [datetime.fromisoformat(one) for one in values(shown, "since", "started", "at")]
    assert times
    leeway = timedelta(seconds=1)
    assert all(begin + ahead - leeway <= one <= now + ahead + leeway for one in times), times


def test_a_year_forth_and_back(staged: Stage, clock: SteppedClock) -> None:
    """No entry, no lost turn; what is told of times is by the clock as it is then."""
    begin = datetime.now(UTC) - timedelta(seconds=60)
    for ahead_seconds in (YEAR_SECONDS, -YEAR_SECONDS, 0):
        clock.step(ahead_seconds)
        wait_turns(staged, 2)
        check_times(staged, ahead_seconds, begin)
    staged.survived()


@pytest.mark.long
def test_a_new_connection_with_a_wrong_clock(staged: Stage, clock: SteppedClock) -> None:
    """A certificate that is not valid yet by this clock is no reason to lose a target."""
    clock.step(-100 * YEAR_SECONDS)
    staged.cluster.api.kill(save=True)
    staged.daemon.wait_entry(EventKind.API_LOST)
    staged.cluster.api.start()
    lost = len(staged.daemon.told())
    wait_turns(staged, 3)
    assert len(staged.daemon.told()) == lost
    clock.step(0)
    staged.survived(EventKind.API_LOST, EventKind.API_BACK)
