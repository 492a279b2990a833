"""Floods of ICMP that nobody asked for: the pokes leave in their turn, and no target is lost."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import pytest

from tests.bench.accounting import cpu_ns_of
from tests.cluster import Cluster
from tests.daemon.wire import requests
from tests.faults.attacker import flooding, strays
from tests.faults.stage import TABLES, Stage, stage
from tests.lab import Echo, Kind, echo_packet, error_packet, packet_of

SECONDS: Final = 4.0
IDENTIFIERS: Final = 0x10000
# Reading takes half of a tick at most, and sending less.
MOST_OF_A_CORE: Final = 0.75
# In which the flood fills the buffer several times; no poke is late by more than a poke's timeout.
STOP_SECONDS: Final = 0.4
# A flood takes its share of every turn, and of the machine.
GAP_SECONDS: Final = 3.0
KINDS: Final = pytest.mark.parametrize(
    "kind", ["raw", pytest.param("datagram", marks=pytest.mark.long)]
)


@contextmanager
def flood_stage(cluster: Cluster, kind: str) -> Iterator[Stage]:
    """A stage with this kind of socket, where pokes are seen at their end."""
    cluster.lab.nodes[0].set_sysctl("net.ipv4.ping_group_range", "0 2147483647")
    tables = {"poke": {**TABLES["poke"], "socket": kind}}
    with stage(cluster, tables, captured_at=cluster.lab.nodes[1]) as staged:
        yield staged


def flooded(stage: Stage, packets: Iterable[bytes], *, stop_seconds: float = 0) -> Counter[str]:
    """Flood the daemon's node; what it counted. It must not have used a core up for it.

    Meanwhile it is stopped for so long, as where others have the processor.
    """
    pid, before = stage.daemon.process.pid, strays(stage)
    used_ns, began_ns = cpu_ns_of(pid), time.monotonic_ns()
    with flooding(stage, packets, seconds=SECONDS):
        if stop_seconds:
            os.kill(pid, signal.SIGSTOP)
            time.sleep(stop_seconds)
            os.kill(pid, signal.SIGCONT)
    share = (cpu_ns_of(pid) - used_ns) / (time.monotonic_ns() - began_ns)
    counted = strays(stage) - before
    print(f"  {share:.0%} of a core, strays: {dict(counted)}")
    assert share <= MOST_OF_A_CORE
    return counted


def seen(stage: Stage) -> Echo:
    """A poke to a pod, as whoever is on its way sees it."""
    pods = [one for one in requests(stage.capture) if one.destination != stage.there.address]
    return pods[-1]


@KINDS
def test_a_flood_of_guesses_does_not_reach_the_daemon(cluster: Cluster, kind: str) -> None:
    """Echo replies from the pods' own addresses with every identifier there is, 100,000 a second:
    the kernel drops all but those with the daemon's own.
    """
    with flood_stage(cluster, kind) as staged:
        packets = [
            echo_packet(
                Kind.REPLY,
                source=staged.there.pod_address(1 + number % len(staged.pods)),
                destination=staged.here.address,
                identifier=number,
                sequence=number,
                payload=bytes(16),
            )
            for number in range(IDENTIFIERS)
        ]
        counted = flooded(staged, packets)
        assert counted["identifier of another process"] == 0
        # Each time round one has the right identifier.
        assert counted.total() <= SECONDS * 100_000 / IDENTIFIERS + 1
        staged.survived(gap_seconds=GAP_SECONDS)


@KINDS
def test_a_flood_of_replies_by_who_knows_the_identifier(cluster: Cluster, kind: str) -> None:
    """Whoever saw a poke sends replies from all pods' addresses, with every sequence: the socket's
    buffer overflows, which is counted, and no reply that was lost in it is taken for an outage.
    """
    with flood_stage(cluster, kind) as staged:
        poke = seen(staged)
        packets = [
            echo_packet(
                Kind.REPLY,
                source=staged.there.pod_address(1 + number % len(staged.pods)),
                destination=staged.here.address,
                identifier=poke.identifier,
                sequence=number,
                payload=poke.payload,
            )
            for number in range(0x1000)
        ]
        counted = flooded(staged, packets, stop_seconds=STOP_SECONDS)
        assert counted["receive buffer overrun"] > 0
        staged.survived(gap_seconds=GAP_SECONDS)


@KINDS
def test_a_flood_of_icmp_errors(cluster: Cluster, kind: str) -> None:
    """Each says that a pod is unreachable, and quotes the daemon's identifier; none is believed."""
    with flood_stage(cluster, kind) as staged:
        poke = seen(staged)
        packets = [
            error_packet(
                source=staged.there.address,
                destination=staged.here.address,
                icmp_type=3,
                code=1,
                original=packet_of(
                    replace(
                        poke,
                        sequence=number,
                        destination=staged.there.pod_address(1 + number % len(staged.pods)),
                    )
                ),
            )
            for number in range(0x1000)
        ]
        counted = flooded(staged, packets)
        assert counted["sequence not in flight"] > 0
        staged.survived(gap_seconds=GAP_SECONDS)
