"""The exporter of a running daemon: only where it is asked for, and as the configuration says."""

import signal
import sys
import time

from pokepodsd.core.entries import EventKind
from tests.cluster import Cluster
from tests.daemon.journalled import daemon_under_a_journal, kinds
from tests.lab import Node

LISTEN = "127.0.0.1:19747"
ON = {"metrics": {"listen": LISTEN}}
OFF = {"metrics": {"listen": "off"}}


def is_open(node: Node) -> bool:
    """Whether somebody listens there, on the node."""
    host, port = LISTEN.split(":")
    program = f"import socket; socket.create_connection(({host!r}, {port}), 10)"
    return node.run(sys.executable, "-c", program, check=False).returncode == 0


def test_a_reload_turns_it_on_and_off(cluster: Cluster, here: Node) -> None:
    """No port is open that nobody asked for; one that was asked for is open at once, and closed
    at once.
    """
    with daemon_under_a_journal(cluster, here) as daemon:
        daemon.settle("0 peers; 0 targets: 0 up, 0 down, 0 opening; API: watching")
        assert not is_open(here)
        cluster.write_config(here, ON)
        daemon.process.signal(signal.SIGHUP)
        served = daemon.wait_entry(EventKind.METRICS_AVAILABLE)
        assert served["MESSAGE"] == f"metrics are served at http://{LISTEN}/metrics"
        assert is_open(here)
        cluster.write_config(here, OFF)
        daemon.process.signal(signal.SIGHUP)
        until = time.monotonic() + 30
        while is_open(here):
            assert time.monotonic() < until
        told = kinds(daemon.finish())
        assert told == ["TUNNELS_FOUND", "CONFIG_RELOADED", "METRICS_AVAILABLE", "CONFIG_RELOADED"]


def test_it_ends_with_a_daemon_that_is_killed(cluster: Cluster, here: Node) -> None:
    """SIGKILL leaves no listener: the next daemon can serve at the same place."""
    for _ in range(2):
        with daemon_under_a_journal(cluster, here, ON) as daemon:
            daemon.wait_entry(EventKind.METRICS_AVAILABLE)
            daemon.process.kill()
            daemon.process.wait()
