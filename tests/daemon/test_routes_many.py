"""A thousand routes that come, change and go at once."""

import time
from pathlib import Path

from tests.cluster import Cluster
from tests.daemon.wire import SECOND_NS, requests
from tests.lab import EchoCapture, Encapsulation, Kind, Node, largest_window
from tests.lab.launch import ip_batch

ROUTES = 1_000
MAX_RATE = 200
MILLISECOND_NS = 1_000_000
# Status lines are a second apart, and the machine may be busy.
TOLD_SECONDS = 4.0


def block(number: int) -> str:
    return f"10.{100 + number // 256}.{number % 256}.0"


def gateway(number: int, *, net: int = 20) -> str:
    return f"172.{net}.{number // 250}.{number % 250 + 1}"


def change(node: Node, verb: str, *, net: int = 20) -> int:
    """Add, replace or delete all routes; returns when the kernel had the last of them."""
    lines = [
        f"route {verb} {block(number)}/26 via {gateway(number, net=net)} dev tunl0 onlink"
        for number in range(ROUTES)
    ]
    ip_batch(node.namespace, lines)
    return time.monotonic_ns()


def wait_last_first_poke(capture: EchoCapture, since_ns: int) -> int:
    """When the last of the tunnels had its first poke since then."""
    missing = {block(number) for number in range(ROUTES)}
    last = 0

    def is_last(destination: str, at_ns: int) -> bool:
        nonlocal last
        if destination in missing:
            missing.remove(destination)
            last = at_ns
        return not missing

    capture.wait_for(
        lambda echo: (
            echo.kind is Kind.REQUEST
            and echo.monotonic_ns >= since_ns
            and is_last(echo.destination, echo.monotonic_ns)
        ),
        30.0,
    )
    return last


def test_a_thousand_routes_are_followed_at_once(tmp_path: Path) -> None:
    """Peers within a second, each poked as soon as the cap allows, and none after it is gone.

    The device swallows what is for nobody of the lab; the API server is dead.
    """
    with Cluster(tmp_path, nodes=1, tunnels=Encapsulation.IPIP) as cluster:
        here = cluster.lab.nodes[0]
        cluster.write_config(here)
        cluster.api.kill()
        check_thousand(cluster, here)


def check_thousand(cluster: Cluster, here: Node) -> None:
    tables = {"poke": {"max_rate": MAX_RATE}}
    with EchoCapture(here, "tunl0") as capture, cluster.daemon(here, tables) as daemon:
        daemon.wait_status("(?<==)0 peers; 0 targets")
        began = time.monotonic_ns()
        added = change(here, "add")
        daemon.wait_status("1000 peers: 1000 opening", TOLD_SECONDS, since_ns=added)
        opened = wait_last_first_poke(capture, began)
        changing = time.monotonic_ns()
        change(here, "replace", net=21)
        again = wait_last_first_poke(capture, changing)
        deleted = change(here, "del", net=21)
        daemon.wait_status("(?<==)0 peers; 0 targets", TOLD_SECONDS, since_ns=deleted)
        daemon.process.wait_for_line(r"172\.21\..* gone, with", 20.0)
        late = requests(capture, deleted + SECOND_NS)
        times = [echo.monotonic_ns for echo in requests(capture)]
        lines = daemon.process.lines()
    print(f"first pokes {(opened - began) / 1e9:.1f} s, others {(again - changing) / 1e9:.1f} s")
    assert late == []
    # The first pokes go before all others, at 200 a second.
    assert opened - began < 1.5 * ROUTES / MAX_RATE * SECOND_NS
    assert again - changing < 1.5 * ROUTES / MAX_RATE * SECOND_NS
    # The share of 100 ms is 20 packets.
    assert largest_window(times, 100 * MILLISECOND_NS) <= 40
    # One for those of a change, and perhaps one for its stragglers.
    assert sum("gone, with" in line for line in lines) <= 4
    print("\n".join(lines))
