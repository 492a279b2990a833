"""Checks one sweep in a lab of real nodes: its table, its exit status, its bad days."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.apiserver.client import ApiServer
from tests.apiserver.kubeconfig import write_exec_kubeconfig
from tests.cli.conftest import COMMAND, Run
from tests.cli.terminal import Terminal
from tests.edge.support import UNPRIVILEGED
from tests.lab import EchoCapture, Kind, Lab

Once = Callable[..., subprocess.CompletedProcess[str]]
RANGE = "net.ipv4.ping_group_range"


@pytest.fixture
def cluster(server: ApiServer, lab: Lab) -> ApiServer:
    """Two pods on each of two nodes, one of them with two families; node-a may see them all."""
    server.control.reset()
    for node in lab.nodes[:2]:
        for number in (1, 2):
            addresses = [node.pod_address(number)]
            if number == 2:
                addresses.append(node.pod_address6(number))
            server.control.make_pod(
                name=f"web-{node.name}-{number}", node=node.name, addresses=addresses
            )
    with lab.hub.inside():
        server.admin.grant()
    return server


@pytest.fixture
def kubeconfig(cluster: ApiServer, tmp_path: Path) -> Path:
    return cluster.kubeconfig("node-a", tmp_path / "kubelet")


@pytest.fixture
def once(run: Run, lab: Lab, kubeconfig: Path, path: Path) -> Once:
    """Runs `once` on node-a."""

    def start(
        *arguments: str, settings: tuple[str, ...] = (), prefix: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        options = ["--config", str(path), "--kubernetes-kubeconfig", str(kubeconfig)]
        options += ["--poke-timeout", "300ms", *settings]
        return run(*options, "once", *arguments, prefix=[*lab.nodes[0].command(), *prefix])

    return start


def rows(done: subprocess.CompletedProcess[str]) -> dict[str, list[str]]:
    """The table by address."""
    heading, *lines = done.stdout.splitlines()
    assert heading.split() == ["NAMESPACE", "POD", "NODE", "ADDRESS", "RESULT", "RTT"]
    return {line.split()[3]: line.split() for line in lines}


def test_all_answer(once: Once, lab: Lab) -> None:
    """Each address of each pod has its line with a time, and the status is 0."""
    done = once()
    assert (done.returncode, done.stderr) == (0, "6 of 6 answered\n")
    table = rows(done)
    second = lab.nodes[1]
    assert set(table) == {
        *(node.pod_address(number) for node in lab.nodes[:2] for number in (1, 2)),
        *(node.pod_address6(2) for node in lab.nodes[:2]),
    }
    line = table[second.pod_address(1)]
    assert line[:5] == ["default", "web-node-b-1", "node-b", second.pod_address(1), "replied"]
    assert 0 < float(line[5]) < 300
    assert line[6] == "ms"


@pytest.fixture
def dead(lab: Lab) -> Iterator[str]:
    """A pod of node-b that does not answer."""
    address = lab.nodes[1].pod_address(1)
    lab.nodes[1].kill_address(address)
    yield address
    lab.nodes[1].revive_address(address)


@pytest.mark.parametrize("tries", [1, 3])
def test_dead_pod_is_shown(once: Once, lab: Lab, dead: str, tries: int) -> None:
    """A pod that does not answer has its line, was poked as often as asked, and the status is 1."""
    with EchoCapture(lab.nodes[1]) as capture:
        done = once("--tries", str(tries))
        pokes = [echo for echo in capture.snapshot() if echo.destination == dead]
    assert (done.returncode, done.stderr) == (1, "5 of 6 answered\n")
    assert rows(done)[dead][4:] == ["timed", "out"]
    assert len(pokes) == tries


def test_living_pod_is_poked_once(once: Once, lab: Lab) -> None:
    """Tries are for those that do not answer."""
    with EchoCapture(lab.nodes[1]) as capture:
        assert once("--tries", "3").returncode == 0
        requests = [e for e in capture.snapshot() if e.kind is Kind.REQUEST and not e.outgoing]
    assert len(requests) == 3


def test_rejected_pod_is_named(once: Once, lab: Lab) -> None:
    """An ICMP error is told by its name."""
    address = lab.nodes[1].pod_address(2)
    lab.nodes[1].reject_address(address)
    try:
        done = once()
    finally:
        lab.nodes[1].revive_address(address)
    assert done.returncode == 1
    assert rows(done)[address][4:] == ["host", "unreachable"]


def test_refused_cluster_leaves_the_own_pods(once: Once, lab: Lab, cluster: ApiServer) -> None:
    """Without the right only this node's pods are poked, and it says why and what helps."""
    with lab.hub.inside():
        cluster.admin.revoke()
    done = once()
    assert done.returncode == 0
    assert set(rows(done)) == {lab.nodes[0].pod_address(n) for n in (1, 2)} | {
        lab.nodes[0].pod_address6(2)
    }
    assert "only this node's own pods" in done.stderr
    assert "pokepodsd rbac" in done.stderr


def test_settings_select(once: Once) -> None:
    """The settings of the daemon hold for a sweep as well; a sweep of nothing is no failure."""
    done = once(settings=("--kubernetes-include-namespaces", "shop"))
    assert (done.returncode, done.stderr) == (0, "0 of 0 answered\n")


def test_hostile_names_are_escaped(once: Once, cluster: ApiServer) -> None:
    """A pod's name can neither move the cursor nor forge a line nor break the table."""
    cluster.control.make_pod(name="\x1b[2J\nx [red]", addresses=["10.244.11.9"])
    done = once()
    assert (done.returncode, "\x1b" in done.stdout) == (0, False)
    assert "\\x1b[2J\\nx [red]" in done.stdout


def test_dead_api_is_status_69(once: Once, cluster: ApiServer) -> None:
    """Nobody at the API server's port: one line, soon."""
    cluster.control.save()
    cluster.kill()
    try:
        begin = time.monotonic()
        done = once()
        assert time.monotonic() - begin < 10
    finally:
        cluster.start()
    assert (done.returncode, done.stdout) == (69, "")
    (line,) = done.stderr.splitlines()
    assert line == f"pokepodsd: the pods cannot be listed: {cluster.url}: Connection refused"


@pytest.mark.parametrize("code", [401, 429, 500, 503])
def test_refusing_api_is_status_69(once: Once, cluster: ApiServer, code: int) -> None:
    """An answer that is no list is told in one line with its number."""
    cluster.control.add_fault("status", count=None, code=code)
    done = once()
    cluster.control.clear_faults()
    assert (done.returncode, done.stdout) == (69, "")
    (line,) = done.stderr.splitlines()
    assert str(code) in line


BAD = {
    "missing": None,
    "not YAML": "a: [",
    "without contexts": "clusters: []\nusers: []\ncontexts: []\n",
    "of texts": "clusters: a\nusers: b\ncontexts: c\ncurrent-context: d\n",
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
def test_useless_kubeconfig_is_status_69(once: Once, kubeconfig: Path, content: str | None) -> None:
    """A kubeconfig that is of no use is named in one line."""
    kubeconfig.unlink()
    if content is not None:
        kubeconfig.write_text(content)
    done = once()
    assert (done.returncode, len(done.stderr.splitlines())) == (69, 1)
    assert str(kubeconfig) in done.stderr


def test_failing_plugin_is_status_69_and_not_quoted(
    once: Once, kubeconfig: Path, cluster: ApiServer
) -> None:
    """What a credential plugin says in its distress may be a secret."""
    path = write_exec_kubeconfig(cluster.authority, kubeconfig.parent, cluster.url, "node-a")
    path.with_name("credential-plugin.sh").write_text("#!/bin/sh\necho SECRET >&2\nexit 1\n")
    done = once()
    assert (done.returncode, "SECRET" in done.stderr) == (69, False)
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["once", "run"])
def test_missing_privilege_is_status_77(run: Run, lab: Lab, command: str) -> None:
    """A user who may open no ICMP socket is told both remedies in one line."""
    lab.nodes[0].set_sysctl(RANGE, "1 0")
    prefix = [*lab.nodes[0].command(), *UNPRIVILEGED]
    done = run("--config", "/nowhere/pokepodsd.toml", command, prefix=prefix)
    assert (done.returncode, done.stdout) == (77, "")
    (line,) = done.stderr.splitlines()
    assert "CAP_NET_RAW" in line
    assert RANGE in line


def test_closed_stdout_is_no_traceback(once: Once) -> None:
    """Who wants the status alone closes the output."""
    done = once(prefix=("sh", "-c", 'exec "$@" >&-', "sh"))
    assert (done.returncode, done.stderr) == (0, "6 of 6 answered\n")


def test_waiting_for_the_list_is_shown(lab: Lab, kubeconfig: Path) -> None:
    """On a terminal there is a line while the API server is asked; it goes with the answer."""
    options = ["--kubernetes-kubeconfig", str(kubeconfig), "--poke-timeout", "300ms"]
    with Terminal(lab.nodes[0].command(*COMMAND, *options, "once")) as terminal:
        terminal.wait_for("asking the API server for the pods")
        assert terminal.wait() == 0
    assert "6 of 6 answered" in terminal.text


def test_pods_too_large_for_one_page_are_listed(once: Once, cluster: ApiServer) -> None:
    """What is asked for in smaller pages is no failure."""
    cluster.control.add_fault("gzip_bomb", "list", size=17 * 1024 * 1024)
    done = once()
    assert (done.returncode, done.stderr) == (0, "6 of 6 answered\n")
