"""Checks the exporter with a real Prometheus that scrapes it: both kinds of histograms arrive."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pokepodsd.core.entries import EventKind
from tests.edge.exporting import PATIENCE_SECONDS, Daemon, free_place, running, wait_until
from tests.prometheus.server import Prometheus


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    listen = free_place()
    with running(listen) as made:
        wait_until(lambda: made.texts(EventKind.METRICS_AVAILABLE), "it serves")
        yield made


@pytest.fixture(params=["native", "classic"])
def prometheus(
    request: pytest.FixtureRequest, daemon: Daemon, tmp_path: Path
) -> Iterator[Prometheus]:
    """One that takes native histograms, and one that does not."""
    with Prometheus(
        tmp_path,
        {"pokepodsd": [daemon.config.listen]},
        interval="1s",
        has_native_histograms=request.param == "native",
    ) as started:
        yield started


def test_a_scrape(daemon: Daemon, prometheus: Prometheus, request: pytest.FixtureRequest) -> None:
    """Every series arrives, and a quantile can be had: of all buckets where they are native, of
    those at powers of two where they are not.
    """
    prometheus.wait_query('up{job="pokepodsd"} == 1')
    assert prometheus.value('pokepodsd_peers{verdict="ok"}') == 5_000
    assert prometheus.value("count({__name__=~'pokepodsd_.*'})") > 50
    selector = '{layer="pod"}'
    if "native" in request.node.name:
        assert prometheus.value(f"histogram_count(pokepodsd_rtt_seconds{selector})") == 16
        half = prometheus.value(f"histogram_quantile(0.5, pokepodsd_rtt_seconds{selector})")
        # The 8th of 16 is in the bucket of -80.
        assert 2 ** (-81 / 8) <= half <= 2**-10
    else:
        assert prometheus.value(f"pokepodsd_rtt_seconds_count{selector}") == 16
        half = prometheus.value(f"histogram_quantile(0.5, pokepodsd_rtt_seconds_bucket{selector})")
        assert 2**-11 <= half <= 2**-10
    before = len(daemon.asked)
    wait_until(lambda: len(daemon.asked) > before + 1, "it scrapes on")
    assert time.time() - prometheus.value("max(timestamp(pokepodsd_pods_known))") < PATIENCE_SECONDS
