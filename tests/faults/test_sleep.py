"""The host is suspended and resumed: tunnels may be shut, and are poked at once."""

import time
from pathlib import Path

from tests.cluster import Cluster
from tests.daemon.journalled import daemon_under_a_journal
from tests.daemon.nodes import register
from tests.daemon.wire import SECOND_NS, wait_request_to
from tests.faults.stage import PODS
from tests.faults.steppedclock import SteppedClock
from tests.lab import EchoCapture, Encapsulation, TunnelFilter

NIGHT_SECONDS = 8 * 60 * 60
# So rarely that a poke soon after each of some nights is none of these.
TABLES = {"poke": {"interval": "120s"}, "tunnels": {"interval": "120s"}}
NIGHTS = 2
# The loop wakes up every 5 s at least, and a machine may be slow.
SOON_SECONDS = 10.0


def test_a_night_asleep(tmp_path: Path) -> None:
    """The tunnel is poked long before its turn, nobody is down, and nothing is told.

    Simulated: the wall clock and CLOCK_BOOTTIME are a night ahead, CLOCK_MONOTONIC is not, as after
    a suspend to memory. That the network card and all other hosts' conntrack have slept is not.
    """
    clock = SteppedClock(tmp_path)
    with Cluster(tmp_path, tunnels=Encapsulation.IPIP) as cluster:
        here, there = cluster.lab.nodes
        register(cluster, here, there)
        there.tunnel.set_filter(TunnelFilter.OPEN)
        cluster.make_pods(there, PODS)
        with (
            EchoCapture(here, wrapped=True) as capture,
            daemon_under_a_journal(cluster, here, TABLES, prefix=clock.prefix) as daemon,
        ):
            daemon.settle(f"1 peer: 1 ok; {PODS} targets: {PODS} up, 0 down.* API: watching")
            for night in range(1, NIGHTS + 1):
                asleep_ns = time.monotonic_ns()
                slept_seconds = night * NIGHT_SECONDS
                clock.step(slept_seconds, suspended_seconds=slept_seconds)
                poke = wait_request_to(capture, there.tunnel.address, since_ns=asleep_ns)
                assert poke.monotonic_ns - asleep_ns < SOON_SECONDS * SECOND_NS
            assert daemon.finish() == []
