"""Checks the exporter with a real Prometheus that scrapes it: both kinds of histograms arrive."""

import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pokepodsd.core.entries import EventKind
from tests.edge.exporting import PATIENCE_SECONDS, Daemon, free_place, running, wait_until

CONFIG = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: pokepodsd
    static_configs: [{{targets: ["{listen}"]}}]
"""


class Prometheus:
    """A server that answers queries."""

    def __init__(self, place: str) -> None:
        self._url = f"http://{place}/api/v1/query"

    def query(self, text: str) -> list[Any]:
        """The instant vector of a query; nothing while it is not up."""
        try:
            asked = urllib.parse.urlencode({"query": text})
            with urllib.request.urlopen(f"{self._url}?{asked}", timeout=PATIENCE_SECONDS) as found:
                return list(json.load(found)["data"]["result"])
        except (urllib.error.URLError, ConnectionError):
            return []

    def value(self, text: str) -> float:
        """The one value of a query, once there is one."""
        found: list[Any] = []

        def has_come() -> bool:
            found[:] = self.query(text)
            return bool(found)

        wait_until(has_come, text)
        (one,) = found
        return float(one["value"][1])


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
    place = free_place()
    config = tmp_path / "prometheus.yml"
    config.write_text(CONFIG.format(listen=daemon.config.listen), encoding="utf-8")
    command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}"]
    command += [f"--web.listen-address={place}", "--log.level=error"]
    if request.param == "native":
        command.append("--enable-feature=native-histograms")
    with subprocess.Popen(command) as process:
        try:
            yield Prometheus(place)
        finally:
            process.terminate()


def test_a_scrape(daemon: Daemon, prometheus: Prometheus, request: pytest.FixtureRequest) -> None:
    """Every series arrives, and a quantile can be had: of all buckets where they are native, of
    those at powers of two where they are not.
    """
    assert prometheus.value('up{job="pokepodsd"}') == 1
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
