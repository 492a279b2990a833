"""What Prometheus tells of real daemons on real tunnels: each scene fires one alert, and ends.

Daemons run on two of three nodes.
"""

import signal
import time
from collections.abc import Iterator

import pytest

from tests.cluster import Daemon
from tests.daemon.journalled import during, filtered
from tests.daemon.scene import three_nodes
from tests.prometheus.watch import PATIENCE_SECONDS, Watch


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    """One for all scenes, each of which undoes what it did."""
    with three_nodes(tmp_path_factory.mktemp("cluster")) as cluster:
        here, _, beside = cluster.lab.nodes
        watch = Watch(cluster, tmp_path_factory.mktemp("prometheus") / "scratch", (here, beside))
        with watch.prometheus, watch.daemon(watch.beside):
            yield watch


@pytest.fixture
def daemon(stage: Watch) -> Iterator[Daemon]:
    """The daemon of one scene, with all peers well."""
    with stage.daemon(stage.here) as started:
        stage.wait_well()
        yield started


@pytest.fixture
def watch(stage: Watch, daemon: Daemon) -> Iterator[Watch]:
    """A scene ends with all well."""
    yield stage
    stage.wait_well()


def test_a_broken_tunnel_is_one_alert_of_both_nodes(watch: Watch) -> None:
    """The peer takes nothing from a tunnel: one alert that names it, until it takes all again."""
    with filtered(watch.there):
        watch.wait_alone(
            {
                "alertname": "PokepodsdTunnelBroken",
                "peer": "node-b",
                "address": watch.there.address,
                "layer": "tunnel",
            }
        )
        (texts,) = watch.prometheus.texts("PokepodsdTunnelBroken")
    assert "as seen by node-a, node-c, 2 in all" in texts["description"]
    assert " since 20" in texts["description"]


def test_a_node_without_its_cable_is_unreachable(watch: Watch) -> None:
    """One alert that names the node and not its tunnel."""
    with during(watch.there.link_down, watch.there.link_up):
        watch.wait_alone({"alertname": "PokepodsdNodeUnreachable", "peer": "node-b"})


def test_a_cut_off_node_is_one_alert_and_blames_nobody(watch: Watch) -> None:
    """Its own cable: it says so, and what its peers say of it and what it lacks is not told."""
    with during(watch.here.link_down, watch.here.link_up):
        watch.wait_alone(
            {
                "alertname": "PokepodsdNodeCutOff",
                "node": "node-a",
                "instance": watch.instance(watch.here),
            }
        )


def test_an_api_server_that_is_gone_is_one_alert(watch: Watch) -> None:
    """Silent to both, told once, until it answers again."""
    api = watch.cluster.api
    with during(lambda: api.kill(save=True), api.start):
        watch.wait_alone({"alertname": "PokepodsdApiSilent", "layer": "api"})
        (texts,) = watch.prometheus.texts("PokepodsdApiSilent")
    assert "on 2 of 2 nodes" in texts["summary"]


def gone(watch: Watch) -> dict[str, str]:
    """The alert about the scene's daemon."""
    instance = watch.instance(watch.here)
    return {"alertname": "PokepodsdDaemonGone", "node": "node-a", "instance": instance}


def test_a_killed_daemon_is_gone_until_the_next_one_starts(stage: Watch) -> None:
    """SIGKILL: its exporter ends with it, and the scrape fails."""
    with stage.daemon(stage.here) as daemon:
        stage.wait_well()
        daemon.process.kill()
        stage.wait_alone(gone(stage))
    with stage.daemon(stage.here):
        stage.wait_well()


def test_a_daemon_that_stands_still_is_gone_until_it_goes_on(watch: Watch, daemon: Daemon) -> None:
    """SIGSTOP: its exporter lives, does not hear from it, and says so."""
    daemon.process.stop()
    try:
        watch.wait_alone(gone(watch))
    finally:
        daemon.process.cont()


def test_a_daemon_that_stood_still_for_a_moment_is_late(stage: Watch) -> None:
    """A second and more: told with the node's name, until a daemon that is not late is there.

    The same one shows it in its gauge for a minute.
    """
    with stage.daemon(stage.here) as daemon:
        stage.wait_well()
        daemon.process.stop()
        # How long it stands still is what is to be seen.
        time.sleep(1.5)
        daemon.process.cont()
        stage.wait_alone({"alertname": "PokepodsdLoopLate", "node": "node-a"})
    with stage.daemon(stage.here):
        stage.wait_well()


def test_a_refused_reload_is_told(watch: Watch, daemon: Daemon) -> None:
    """A configuration that is not valid, and then one that is."""
    good = watch.cluster.folder / f"{watch.here.name}.toml"
    text = good.read_text(encoding="utf-8")
    good.write_text("[poke]\ninterval = 'soon'\n", encoding="utf-8")
    try:
        daemon.process.signal(signal.SIGHUP)
        watch.wait_alone({"alertname": "PokepodsdReloadRefused", "node": "node-a"})
    finally:
        good.write_text(text, encoding="utf-8")
        daemon.process.signal(signal.SIGHUP)


@pytest.mark.parametrize("layer", ["tunnel", "underlay", "pod"])
def test_round_trips_are_native_histograms(watch: Watch, layer: str) -> None:
    """A quantile comes from a histogram without a bucket that anybody chose."""
    rate = f'rate(pokepodsd_rtt_seconds{{layer="{layer}"}}[1m])'
    seconds = watch.prometheus.value(f"max(histogram_quantile(0.99, {rate})) > 0", PATIENCE_SECONDS)
    # The time-out of a poke; an answer that is later counts as none.
    assert 0 < seconds <= 0.5 * 2 ** (1 / 8)
