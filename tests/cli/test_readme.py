"""README's samples of `check` and `status` against what the commands print in the lab.

Owns that their form is that of the program: the same labels, headings and kinds of rows in the same
order. Refuses any value in them.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import COMMAND
from tests.cli.terminal import Terminal
from tests.cluster import Cluster, Tables, pod_on
from tests.daemon.nodes import register
from tests.lab import Encapsulation, TunnelFilter

README = Path(__file__).parents[2] / "README.md"
TABLES: Tables = {"tunnels": {"interval": "1s"}, "poke": {"interval": "1s"}}
PODS = 4
# What a host has where systemd runs, or where the daemon's unit is installed.
OF_THE_UNIT = {"service", "enabled", "unit file", "watchdog"}


def sample(command: str) -> str:
    """The block of output that follows the one which ends with the command."""
    text = README.read_text(encoding="utf-8")
    begin = text.index(f"pokepodsd {command}\n```\n")
    return text[begin:].split("```\n")[2]


def names(page: str) -> list[str]:
    """What was checked, in its order."""
    found = re.findall(r"^(?:ok|warning|failed|skipped) +([^:]+):\s", page, re.MULTILINE)
    return [name for name in found if name not in OF_THE_UNIT]


def form(page: str) -> list[str]:
    """The page without its values, wherever its lines end: a word for each number."""
    text = re.sub(r"[<>]?\d[\d.,:]*", "0", page)
    text = re.sub(r"\b0 (?:s|min|h)\b", "0 s", text)
    return text.replace("shop/web-c0", "shop/POD").split()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """As the sample's: three nodes with four pods each, of which the last is dead."""
    folder = tmp_path_factory.mktemp("readme")
    with Cluster(folder, nodes=3, tunnels=Encapsulation.IPIP) as built:
        for node in built.lab.nodes:
            letter = node.name.removeprefix("node-")
            built.api.control.make_pods(
                {**pod_on(node, number), "name": f"web-{letter}{number}"}
                for number in range(1, PODS + 1)
            )
            built.write_config(node, TABLES)
        # A Node that is not there would excuse that its tunnel is broken.
        register(built, *built.lab.nodes)
        last = built.lab.nodes[-1]
        last.kill_address(last.pod_address(PODS))
        yield built


def page(cluster: Cluster, command: str) -> tuple[int, str]:
    """The exit status, and what a person sees on a terminal of 80 columns."""
    here = cluster.lab.nodes[0]
    config = str(cluster.folder / f"{here.name}.toml")
    socket = str(cluster.runtime_folder(here) / "control.sock")
    argv = here.command(*COMMAND, "--config", config, command, "--socket", socket)
    with Terminal(argv, columns=80) as terminal:
        return terminal.wait(), terminal.text


def test_the_sample_of_check(cluster: Cluster) -> None:
    """The same things are looked at, in this order, and a last line counts them."""
    status, shown = page(cluster, "check")
    assert status == 0, shown
    assert names(sample("check")) == names(shown)
    for text in (sample("check"), shown):
        assert re.fullmatch(r"\d+ ok, .*", text.splitlines()[-1])


def test_the_sample_of_status(cluster: Cluster) -> None:
    """Word for word the page of that fault, but for its numbers."""
    first, second, _ = cluster.lab.nodes
    with cluster.daemons(cluster.lab.nodes, TABLES, watchdog_seconds=20.0) as daemons:
        for daemon in daemons.values():
            daemon.wait_status(r"2 peers: 2 ok; 12 targets: 11 up, 1 down", 40.0)
        second.tunnel.set_filter(TunnelFilter.CLOSED)
        daemons[first].wait_status(r"1 tunnel broken.* 7 up, 5 down", 60.0)
        status, shown = page(cluster, "status")
    assert status == 1
    assert form(sample("status")) == form(shown), shown
