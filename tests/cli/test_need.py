"""`pokepodsd need`, on two nodes with real IP-in-IP between them and a running daemon on each.

Owns what it finds out, and that pokes go on whatever becomes of it. Refuses: any duration.
"""

import json
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cluster import Cluster, Daemon, Tables
from tests.lab import Echo, EchoCapture, Encapsulation, Kind, Node, Process, TunnelFilter

# Minutes become seconds: the generic timeout of a real node is ten minutes.
TIMEOUT_SECONDS = 2
PATIENCE_SECONDS = 60.0
TABLES: Tables = {
    "tunnels": {"interval": "500ms", "devices": ["tunl0"]},
    "poke": {"interval": "1s", "timeout": "400ms"},
    "pods": {"scope": "none"},
}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(
        tmp_path,
        nodes=2,
        tunnels=Encapsulation.IPIP,
        generic_timeout_seconds=TIMEOUT_SECONDS,
    )
    with made as built:
        yield built


@pytest.fixture
def daemons(cluster: Cluster) -> Iterator[dict[Node, Daemon]]:
    nodes = cluster.lab.nodes
    with cluster.daemons(nodes, TABLES, watchdog_seconds=20.0) as running:
        for node, other in zip(nodes, reversed(nodes), strict=True):
            node.tunnel.wait_until_open(other.address)
            running[node].wait_status(r"1 peer: 1 ok")
        yield running


def start(cluster: Cluster, node: Node, *peer: str) -> Process:
    socket = cluster.runtime_folder(node) / "control.sock"
    config = cluster.folder / f"{node.name}.toml"
    command = (sys.executable, "-m", "pokepodsd", "--config", str(config), "need", *peer)
    return Process(node.command(*command, "--socket", str(socket)))


def ask_all(cluster: Cluster) -> list[tuple[int, str]]:
    """Run it on both nodes at the same time: the exit statuses, and what was said."""
    with ExitStack() as stack:
        running = [stack.enter_context(start(cluster, node, "all")) for node in cluster.lab.nodes]
        return [(one.wait(PATIENCE_SECONDS), "\n".join(one.lines())) for one in running]


def test_a_tunnel_behind_a_stateful_filter_needs_its_pokes(
    cluster: Cluster, daemons: dict[Node, Daemon]
) -> None:
    """Both nodes fall silent for longer than the timeout; the poke after it is lost."""
    for status, said in ask_all(cluster):
        assert (status, "needed: it was shut" in said) == (1, True), said
    for node, other in zip(cluster.lab.nodes, reversed(cluster.lab.nodes), strict=True):
        node.tunnel.wait_until_open(other.address)
        daemons[node].wait_status(r"1 peer: 1 ok")


def test_a_tunnel_that_nobody_filters_does_not(
    cluster: Cluster, daemons: dict[Node, Daemon]
) -> None:
    """With protocol 4 allowed the first poke after the silence is answered."""
    for node in cluster.lab.nodes:
        node.tunnel.set_filter(TunnelFilter.OPEN)
    for status, said in ask_all(cluster):
        assert (status, "not needed" in said) == (0, True), said


def test_pokes_of_the_other_side_leave_the_question_open(
    cluster: Cluster, daemons: dict[Node, Daemon]
) -> None:
    """What keeps a tunnel open is any packet: run on one node alone, nothing can be said."""
    first, second = cluster.lab.nodes
    with start(cluster, first, second.address) as asking:
        assert asking.wait(PATIENCE_SECONDS) == 75
        said = "\n".join(asking.lines())
    assert "unknown: other traffic kept it open" in said
    assert "run it on both nodes at the same time" in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_pokes_go_on_however_it_ends(
    cluster: Cluster, daemons: dict[Node, Daemon], number: signal.Signals
) -> None:
    """Ended in the midst of the silence, it leaves the daemon poking as before."""
    first, second = cluster.lab.nodes
    journal = daemons[first].process
    with start(cluster, first, second.address) as asking:
        journal.wait_for_line(r"pokes through the tunnels to .* are held")
        asking.signal(number)
        asking.wait()
    journal.wait_for_line(r"the pokes that were held go on")
    with EchoCapture(first, "tunl0") as capture:
        capture.wait_for(lambda echo: _is_request_of(echo, first))


def test_held_pokes_are_not_sent(cluster: Cluster, daemons: dict[Node, Daemon]) -> None:
    """From the moment that the daemon says so, no request of its own goes through the tunnel."""
    first, second = cluster.lab.nodes
    request = json.dumps({"hold": second.address, "seconds": 60}).encode()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(cluster.runtime_folder(first) / "control.sock"))
        client.sendall(request + b"\n")
        daemons[first].process.wait_for_line(r"are held for at most")
        with EchoCapture(first, "tunl0") as capture:
            # The other node pokes on: five of its requests are more than two intervals.
            seen: list[Echo] = []
            capture.wait_for(lambda echo: _is_fifth_of(echo, second, seen))
            assert _requests(capture, first) == 0


def _requests(capture: EchoCapture, node: Node) -> int:
    """How many requests came from this node's tunnel address."""
    return sum(_is_request_of(echo, node) for echo in capture.snapshot())


def _is_fifth_of(echo: Echo, node: Node, seen: list[Echo]) -> bool:
    seen += [echo] if _is_request_of(echo, node) and echo not in seen else []
    return len(seen) >= 5


def _is_request_of(echo: Echo, node: Node) -> bool:
    return echo.kind is Kind.REQUEST and echo.source == node.tunnel.address


def test_a_hold_ends_by_its_own_time(cluster: Cluster, daemons: dict[Node, Daemon]) -> None:
    """A client that is stopped, and keeps its connection, stops no poke for ever."""
    first = cluster.lab.nodes[0]
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(cluster.runtime_folder(first) / "control.sock"))
        client.sendall(b'{"hold": "all", "seconds": 1}\n')
        daemons[first].process.wait_for_line(r"the pokes that were held go on")
        with EchoCapture(first, "tunl0") as capture:
            capture.wait_for(lambda echo: _is_request_of(echo, first))
    assert daemons[first].process.is_running


def test_more_clients_than_are_taken_cost_nothing(
    cluster: Cluster, daemons: dict[Node, Daemon]
) -> None:
    """Those that ask for nothing make room, and who asks then is heard."""
    first = cluster.lab.nodes[0]
    path = str(cluster.runtime_folder(first) / "control.sock")
    with ExitStack() as stack:
        for _ in range(17):
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(path)
        before = _cpu_ticks(daemons[first].process.pid)
        client.sendall(b'{"hold": "all", "seconds": 1}\n')
        daemons[first].process.wait_for_line(r"are held for at most", 30.0)
    # A loop that spins takes all ten seconds: a thousand ticks.
    assert _cpu_ticks(daemons[first].process.pid) - before < 500


def _cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_a_tunnel_that_is_broken_is_not_called_needed(
    cluster: Cluster, daemons: dict[Node, Daemon]
) -> None:
    """What does not pass while it is poked shows nothing by not passing later."""
    first, second = cluster.lab.nodes
    second.tunnel.set_filter(TunnelFilter.CLOSED)
    with start(cluster, first, second.address) as asking:
        assert asking.wait(PATIENCE_SECONDS) == 75
        assert any("did not pass before" in line for line in asking.lines())


def test_an_unknown_peer_is_one_clear_line(cluster: Cluster, daemons: dict[Node, Daemon]) -> None:
    """It says what is not known, and changes nothing."""
    with start(cluster, cluster.lab.nodes[0], "node-z") as asking:
        assert asking.wait() == 69
        assert asking.lines() == ["pokepodsd: no peer with a tunnel is known as 'node-z'"]


def test_without_a_daemon_it_says_so(cluster: Cluster) -> None:
    """The socket that is not there is named, with what to look at."""
    node = cluster.lab.nodes[0]
    cluster.write_config(node)
    with start(cluster, node, "all") as asking:
        assert asking.wait() == 69
        (line,) = asking.lines()
    assert str(cluster.runtime_folder(node) / "control.sock") in line
    assert "systemctl status pokepodsd" in line
