"""Each alert in a real Prometheus: it fires on what an exporter says, alone, and resolves.

Every time in the rules is shorter by `FACTOR`: 10 minutes are 5 seconds.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from tests.prometheus.exporter import Exporter, Report, Unwell
from tests.prometheus.server import Prometheus
from tests.prometheus.shipped import write_hurried

FACTOR = 120
NODES = 3


class Scene:
    """Three nodes, a node_exporter with a textfile, and the Prometheus that scrapes them."""

    def __init__(self, prometheus: Prometheus, nodes: list[Exporter], textfile: Exporter) -> None:
        self.prometheus = prometheus
        self.nodes = nodes
        self.textfile = textfile

    def change(self, number: int, **changes: object) -> None:
        """Have a node report something else from the next scrape on."""
        node = self.nodes[number]
        node.report = replace(node.report, **changes)  # type: ignore[arg-type]

    def peer(self, number: int, verdict: str) -> Unwell:
        """A node as its peers see it."""
        report = self.nodes[number].report
        return Unwell(peer=report.node, address=report.address, verdict=verdict)


def report(number: int) -> Report:
    """That of a node that is well, and sees only such."""
    return Report(node=f"node-{'abcdefgh'[number]}", address=f"192.168.10.{10 + number}")


def file_report() -> Report:
    """That of a fourth node, from a file that stays fresh for an hour."""
    return replace(report(NODES), textfile_mtime=time.time() + 3600)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One for all scenes: each ends with nothing firing."""
    folder = tmp_path_factory.mktemp("prometheus")
    write_hurried(folder / "rules.yaml", FACTOR)
    with ExitStack() as stack:
        nodes = [stack.enter_context(Exporter(report(number))) for number in range(NODES)]
        textfile = stack.enter_context(Exporter(file_report()))
        targets = {"pokepodsd": [node.place for node in nodes], "node": [textfile.place]}
        prometheus = Prometheus(folder / "data", targets, rules=folder / "rules.yaml")
        yield Scene(stack.enter_context(prometheus), nodes, textfile)


@pytest.fixture
def scene(stage: Scene) -> Iterator[Scene]:
    stage.prometheus.wait_query(f"count(up == 1) == {NODES + 1}")
    stage.prometheus.wait_firing([])
    yield stage
    for number, node in enumerate(stage.nodes):
        node.report, node.is_silent = report(number), False
    stage.textfile.report = file_report()
    stage.prometheus.wait_firing([])


@pytest.mark.parametrize(
    ("verdict", "alert", "layer"),
    [
        ("tunnel_broken", "PokepodsdTunnelBroken", "tunnel"),
        ("node_unreachable", "PokepodsdNodeUnreachable", "underlay"),
    ],
)
def test_a_peer_that_two_nodes_miss_is_one_alert(
    scene: Scene, verdict: str, alert: str, layer: str
) -> None:
    """It names the peer, how many see it and who, and what to do."""
    for number in (0, 1):
        scene.change(number, unwell=(scene.peer(2, verdict),))
    labels = {"alertname": alert, "peer": "node-c", "address": "192.168.10.12", "layer": layer}
    scene.prometheus.wait_firing([labels])
    (texts,) = scene.prometheus.texts(alert)
    assert "from 2 of 3 nodes" in texts["summary"]
    assert "as seen by node-a, node-b, 2 in all" in texts["description"]
    assert " since 20" in texts["description"]
    assert "pokepodsd trace node-c" in texts["description"]


def test_a_node_that_is_cut_off_is_one_alert(scene: Scene) -> None:
    """Its peers blame it and it misses the API server: told once, and as its own fault."""
    scene.change(2, is_cut_off=True, is_api_up=False)
    for number in (0, 1):
        scene.change(number, unwell=(scene.peer(2, "node_unreachable"),))
    scene.prometheus.wait_firing([{"alertname": "PokepodsdNodeCutOff", "node": "node-c"}])


def test_a_rack_is_one_alert(scene: Scene) -> None:
    """Six peers at once."""
    rack = tuple(
        Unwell(peer=f"rack-{number}", address=f"192.168.20.{number}", verdict="node_unreachable")
        for number in range(6)
    )
    scene.change(0, unwell=rack)
    scene.prometheus.wait_firing([{"alertname": "PokepodsdManyNodesFaulty"}])
    (texts,) = scene.prometheus.texts("PokepodsdManyNodesFaulty")
    assert "rack-0 (192.168.20.0), rack-1 (192.168.20.1), " in texts["description"]


def test_a_silent_exporter_is_a_daemon_that_is_gone(scene: Scene) -> None:
    """HTTP 503, as the exporter says it while the daemon does not answer."""
    scene.nodes[1].is_silent = True
    instance = scene.nodes[1].place
    gone = {"alertname": "PokepodsdDaemonGone", "node": "node-b", "instance": instance}
    scene.prometheus.wait_firing([gone])


def test_a_dead_node_is_no_daemon_that_is_gone_besides(scene: Scene) -> None:
    """The scrape fails, and its peers cannot reach it: one alert."""
    scene.nodes[1].is_silent = True
    scene.change(0, unwell=(scene.peer(1, "node_unreachable"),))
    scene.prometheus.wait_firing([{"alertname": "PokepodsdNodeUnreachable", "peer": "node-b"}])


def test_an_old_textfile_is_a_daemon_that_is_gone(scene: Scene) -> None:
    """What still stands in it is not believed."""
    old = scene.textfile.report
    sick = Unwell(peer="node-a", address="192.168.10.10", verdict="tunnel_broken")
    scene.textfile.report = replace(old, textfile_mtime=time.time() - 600, unwell=(sick,))
    gone = {"alertname": "PokepodsdDaemonGone", "node": "node-d", "job": "node"}
    scene.prometheus.wait_firing([gone])


def test_an_api_server_that_is_silent_to_all_is_one_alert(scene: Scene) -> None:
    """With how many nodes miss it."""
    for number in range(NODES):
        scene.change(number, is_api_up=False)
    scene.prometheus.wait_firing([{"alertname": "PokepodsdApiSilent", "job": "pokepodsd"}])
    (texts,) = scene.prometheus.texts("PokepodsdApiSilent")
    assert "on 3 of 3 nodes" in texts["summary"]


@pytest.mark.parametrize(
    ("changes", "labels"),
    [
        ({"loop_lag_seconds": 1.5}, {"alertname": "PokepodsdLoopLate"}),
        ({"refused_rate": 50.0}, {"alertname": "PokepodsdPokesNotSent", "errno": "EPERM"}),
        ({"refused_reloads": 1}, {"alertname": "PokepodsdReloadRefused", "severity": "info"}),
    ],
    ids=["loop late", "pokes not sent", "reload refused"],
)
def test_trouble_of_one_daemon_names_its_node(
    scene: Scene, changes: dict[str, float], labels: dict[str, str]
) -> None:
    """The node by its name, whatever the address that is scraped."""
    scene.change(0, **changes)
    scene.prometheus.wait_firing([{**labels, "node": "node-a"}])
