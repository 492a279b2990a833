"""The kernel's routes as the daemon follows them, while the API server says nothing of use."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import Cluster, Daemon
from tests.daemon.wire import SECOND_NS, requests, wait_requests_until
from tests.lab import EchoCapture, Encapsulation, Kind, Node, TunnelFilter

# A poke of a tunnel each half second: one that is withdrawn is missed soon.
TABLES = {
    "tunnels": {"interval": "500ms"},
    "poke": {"interval": "500ms", "timeout": "250ms"},
}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Three nodes with tunnels, each with a configuration."""
    with Cluster(tmp_path, nodes=3, tunnels=Encapsulation.IPIP) as started:
        for node in started.lab.nodes:
            started.write_config(node)
            node.tunnel.set_filter(TunnelFilter.OPEN)
        yield started


@pytest.fixture
def capture(here: Node) -> Iterator[EchoCapture]:
    """The pokes as they enter the tunnels."""
    with EchoCapture(here, "tunl0") as started:
        yield started


def wait_new_request(
    capture: EchoCapture, address: str, since_ns: int, timeout_seconds: float = 10.0
) -> int:
    """When the first request to this address left, from ``since_ns`` on."""
    return capture.wait_for(
        lambda echo: (
            echo.kind is Kind.REQUEST
            and echo.destination == address
            and echo.monotonic_ns >= since_ns
        ),
        timeout_seconds,
    ).monotonic_ns


def assert_no_more(capture: EchoCapture, address: str, since_ns: int) -> None:
    """A second later nothing is sent to this address, while others are poked on."""
    wait_requests_until(capture, since_ns + 4 * SECOND_NS)
    late = requests(capture, since_ns + SECOND_NS)
    assert late
    assert address not in {echo.destination for echo in late}


@pytest.mark.parametrize("answer", ["dead", "refused"])
def test_a_route_that_comes_and_goes_is_followed(
    cluster: Cluster, here: Node, there: Node, capture: EchoCapture, answer: str
) -> None:
    """Its tunnel is poked within a second, and no more a second after it is gone."""
    here.remove_route(there)
    if answer == "dead":
        cluster.api.kill()
    else:
        cluster.api.control.change_settings(node_selectors=True)
    with cluster.daemon(here, TABLES) as daemon:
        daemon.wait_status("1 peer: 1 ok; 0 targets")
        added = time.monotonic_ns()
        here.restore_route(there)
        poked = wait_new_request(capture, there.tunnel.address, 0)
        daemon.wait_status("2 peers: 2 ok; 0 targets", since_ns=added)
        removed = time.monotonic_ns()
        here.remove_route(there)
        assert_no_more(capture, there.tunnel.address, time.monotonic_ns())
        daemon.wait_status("1 peer: 1 ok; 0 targets", since_ns=removed)
        gone = daemon.process.wait_for_line(r"info: .* is gone, with its routes", 20.0).group()
    print(f"{(poked - added) / 1e6:.0f} ms after the route was asked for")
    assert poked - added < SECOND_NS
    assert there.address in gone


def test_another_gateway_is_another_node(cluster: Cluster, here: Node, there: Node) -> None:
    """The same block by way of another node: that node's own address is poked, the first's not."""
    cluster.api.kill()
    with EchoCapture(here) as capture, cluster.daemon(here, TABLES) as daemon:
        daemon.wait_status("2 peers: 2 ok")
        gateway = cluster.lab.hub.address
        changed = time.monotonic_ns()
        route = f"{there.block} via {gateway} dev tunl0 onlink proto bird"
        here.run("ip", "route", "replace", *route.split())
        poked = wait_new_request(capture, gateway, 0)
        # A node's own address is poked every ten intervals.
        wait_requests_until(capture, changed + 11 * SECOND_NS)
        late = {echo.destination for echo in requests(capture, changed + SECOND_NS)}
        daemon.wait_status("2 peers: 2 ok", since_ns=0)
    assert poked - changed < SECOND_NS
    assert gateway in late
    assert there.address not in late


def test_a_far_end_that_becomes_the_hosts_own_is_poked_no_more(
    cluster: Cluster, here: Node, there: Node, capture: EchoCapture
) -> None:
    """This host took over a node's address: the tunnel to it leads nowhere, until it is gone."""
    cluster.api.kill()
    with cluster.daemon(here, TABLES) as daemon:
        daemon.wait_status("2 peers: 2 ok")
        added = time.monotonic_ns()
        here.run("ip", "address", "add", f"{there.address}/32", "dev", "lo")
        daemon.wait_status("1 peer: 1 ok", since_ns=added)
        assert_no_more(capture, there.tunnel.address, added)
        removed = time.monotonic_ns()
        here.run("ip", "address", "del", f"{there.address}/32", "dev", "lo")
        again = wait_new_request(capture, there.tunnel.address, removed)
        daemon.wait_status("2 peers: 2 ok", since_ns=removed)
    assert again - removed < SECOND_NS


def test_what_the_routes_show_is_said_once(cluster: Cluster, here: Node, there: Node) -> None:
    """Which devices, and how many nodes; what changes later is told of each peer."""
    cluster.api.kill()
    with cluster.daemon(here, TABLES) as daemon:
        line = daemon.process.wait_for_line("the kernel's routes show .*").group()
        daemon.wait_status("2 peers: 2 ok")
        here.remove_route(there)
        daemon.process.wait_for_line("is gone, with its routes", 20.0)
        lines = daemon.process.lines()
    assert "2 peers behind tunl0 (tun)" in line
    assert sum("kernel's routes" in one for one in lines) == 1


def test_a_host_without_tunnels_says_so_once(cluster: Cluster, here: Node, there: Node) -> None:
    """No route leads through a tunnel: peers are known by the API, and what to set if not."""
    cluster.make_pods(there, 1)
    for node in cluster.lab.nodes[1:]:
        here.bypass_tunnel(node)
    with cluster.daemon(here) as daemon:
        line = daemon.process.wait_for_line("info: the kernel's routes show .*").group()
        daemon.wait_status("1 peer: 1 ok; 1 targets: 1 up")
        lines = stopped(daemon)
    assert "no tunnel to another node: peers are known by the API alone" in line
    assert "tunnels.devices" in line
    assert sum("kernel's routes" in one for one in lines) == 1


def test_a_conntrack_that_forgets_too_soon_is_warned_of(tmp_path: Path) -> None:
    """More than a third of the kernel's timeout leaves no room for two lost pokes: what to set."""
    with Cluster(
        tmp_path, nodes=2, tunnels=Encapsulation.IPIP, generic_timeout_seconds=30
    ) as cluster:
        here = cluster.lab.nodes[0]
        with cluster.daemon(here, {"tunnels": {"interval": "11s"}}) as daemon:
            line = daemon.process.wait_for_line("warning: tunnels.interval .*").group()
            lines = stopped(daemon)
        with cluster.daemon(here, {"tunnels": {"interval": "10s"}}) as daemon:
            quiet = stopped(daemon)
    assert "11s is more than a third of the 30s" in line
    assert "net.netfilter.nf_conntrack_generic_timeout" in line
    assert "Set tunnels.interval to 10s or less" in line
    assert sum("conntrack" in one for one in lines) == 1
    assert not [one for one in quiet if "conntrack" in one]


def stopped(daemon: Daemon) -> list[str]:
    """What the daemon said in all its life, which ends here."""
    daemon.process.terminate()
    assert daemon.process.wait() == 0
    return daemon.process.lines()
