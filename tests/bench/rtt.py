"""How exact a reported round trip is, against the kernel's own stamps of both packets.

Owns the comparison with ping, fping and icmplib in the same moments, quiet and while the reader
lists 5,000 pods over and over. A packet capture in the daemon's own namespace has the kernel's
stamps of each request and reply; what a program reports besides is its error. The daemon's reports
are its journal's lines (``log.level = "debug"``), to a microsecond, as ping's and fping's are.
"""

import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import Any

from tests.bench.accounting import as_installed
from tests.bench.figures import OURS, Figure, Finding, Goal, Run
from tests.cluster import Cluster, Daemon, told
from tests.daemon.wire import SECOND_NS, wait_requests_until
from tests.lab import Echo, EchoCapture, Kind, Node, Process
from tests.lab.figures import percentile_99
from tests.lab.processes import Line

PODS = 5_000
# 200 pokes a second once all have answered.
TABLES: dict[str, dict[str, Any]] = {
    "poke": {"interval": "25s", "max_rate": 1_000},
    "log": {"level": "debug"},
}
# So often a second each peer pings an address of its own, beside the daemon's 200 pokes.
PINGS_A_SECOND = 100
# Many short stretches: one moment in which others use the machine does not decide.
_STRETCH_SECONDS = 4
# The capture looks so often: one that is woken by each packet makes it leave 9 us (median) and up
# to 180 us after its stamp.
_LULL_SECONDS = 0.05
_NS_OF = {"s": 1e9, "ms": 1e6}
_ICMPLIB = """
import sys, icmplib
address, count, interval = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
for rtt in icmplib.ping(address, count=count, interval=interval).rtts:
    print(f"time={rtt:.6f} ms")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """One round trip by the kernel's stamps."""

    address: str
    left_ns: int
    arrived_ns: int

    @property
    def rtt_ns(self) -> int:
        """What an exact report says."""
        return self.arrived_ns - self.left_ns


def trips(echoes: Sequence[Echo]) -> list[Trip]:
    """The round trips of these requests and replies, as the requests left; times are monotonic."""
    asked: dict[tuple[str, int, int], Echo] = {}
    found = []
    for echo in echoes:
        if echo.kind is Kind.REQUEST:
            asked[echo.destination, echo.identifier, echo.sequence] = echo
        elif request := asked.pop((echo.source, echo.identifier, echo.sequence), None):
            # The monotonic times have an offset that is measured anew; the kernel's have none.
            left_ns = request.monotonic_ns
            arrived_ns = left_ns + echo.at_ns - request.at_ns
            found.append(Trip(address=echo.source, left_ns=left_ns, arrived_ns=arrived_ns))
    return sorted(found, key=lambda trip: trip.left_ns)


def journalled(lines: Sequence[Line], measured: Sequence[Trip]) -> list[float]:
    """The errors, in us, of what the daemon's journal says; each line is of the last trip before.

    A pod is poked every 25 s, so that there is no other one.

    Raises:
        ValueError: more than one in a hundred have no line.
    """
    said: dict[str, list[tuple[int, float]]] = {}
    for line in lines:
        if found := re.search(r"\(([\d.]+)\).*: replied, RTT ([\d.]+) ms", line.text):
            said.setdefault(found[1], []).append((line.at_ns, float(found[2]) * 1e6))
    errors = []
    for trip in measured:
        later = (rtt for at_ns, rtt in said.get(trip.address, []) if at_ns > trip.arrived_ns)
        if (rtt_ns := next(later, None)) is not None:
            errors.append(abs(rtt_ns - trip.rtt_ns) / 1e3)
    if len(errors) < 0.99 * len(measured):
        raise ValueError(f"{len(errors)} round trips are in the journal, {len(measured)} measured")
    return errors


def printed(lines: Sequence[str], measured: Sequence[Trip]) -> list[float]:
    """The errors, in us, of the round trips that a peer printed in their order.

    Raises:
        ValueError: some are missing.
    """
    text = "\n".join(lines)
    said = [
        float(number) * _NS_OF[unit] for number, unit in re.findall(r"time=([\d.]+) (m?s)", text)
    ]
    if not said:
        # fping -C -q: "address : 0.045 0.051", in milliseconds.
        said = [float(number) * 1e6 for number in text.partition(" : ")[2].split()]
    if len(said) != len(measured):
        raise ValueError(f"{len(said)} round trips were printed, {len(measured)} measured")
    pairs = zip(said, measured, strict=True)
    return [abs(rtt_ns - trip.rtt_ns) / 1e3 for rtt_ns, trip in pairs]


def measure(run: Run) -> Iterator[Finding]:
    """The 99th percentile of the error, of each program, quiet and busy stretches in turns."""
    quiet: dict[str, list[list[float]]] = {}
    busy: dict[str, list[list[float]]] = {}
    with Cluster(run.folder, pod_prefix=19) as cluster:
        here, there = cluster.lab.nodes
        control = cluster.api.control
        control.change_settings(watch_list=False, bookmark_interval_seconds=0.05)
        cluster.make_pods(there, PODS)
        with cluster.daemon(here, TABLES) as daemon:
            daemon.wait_status(f"{PODS} targets: {PODS} up", 90.0)
            for is_busy in (False, True) * run.runs(5, 1):
                control.clear_faults()
                if is_busy:
                    # One bookmark, which proves the server well, and then the version expires.
                    control.add_fault("error_event", "watch", None, code=410, after=1)
                    control.break_watches()
                kept = busy if is_busy else quiet
                for name, errors in _stretch(here, there, daemon, _STRETCH_SECONDS).items():
                    kept.setdefault(name, []).append(errors)
    yield _figure("RTT error, quiet", quiet)
    yield _figure("RTT error while 5,000 pods are read over and over", busy)


def _figure(name: str, errors: Mapping[str, Sequence[Sequence[float]]]) -> Figure:
    tails = {who: [percentile_99(one) for one in of] for who, of in errors.items()}
    middles = ", ".join(
        f"{who} {median(error for one in of for error in one):.1f}" for who, of in errors.items()
    )
    return Figure(
        name=f"{name}, 99th percentile",
        unit="us",
        ours=tails.pop(OURS),
        peers=tails,
        goals=[
            Goal(
                most=1.0,
                of="ping",
                most_short=4.0,
                margin="a percentile of 400 pings is its four worst, on a machine that others use",
            )
        ],
        note=f"Against the kernel's stamps of a capture. Medians of the errors: {middles}.",
        settings=told(TABLES),
    )


def _stretch(here: Node, there: Node, daemon: Daemon, seconds: float) -> dict[str, list[float]]:
    """The errors of each program in one stretch of time, in us."""
    count = round(seconds * PINGS_A_SECOND)
    gap = 1 / PINGS_A_SECOND
    addresses = [there.pod_address(PODS + 100 + number) for number in range(3)]
    commands = {
        "ping": ["ping", "-c", str(count), "-i", str(gap), addresses[0]],
        "fping": ["fping", "-q", "-C", str(count), "-p", str(round(gap * 1000)), addresses[1]],
        "icmplib": [sys.executable, "-c", _ICMPLIB, addresses[2], str(count), str(gap)],
    }
    begin = time.monotonic_ns()
    said: dict[str, list[str]] = {}
    with EchoCapture(here, lull_seconds=_LULL_SECONDS) as capture, ExitStack() as stack:
        started = {
            name: stack.enter_context(Process(here.command(*command), env=as_installed()))
            for name, command in commands.items()
        }
        wait_requests_until(capture, begin + round(seconds * SECOND_NS))
        for name, process in started.items():
            process.wait(seconds + 10.0)
            said[name] = process.lines()
        # The capture has what was answered by now a lull later, and the journal a tick later.
        wait_requests_until(capture, time.monotonic_ns() + SECOND_NS // 5)
        measured = trips(capture.snapshot())
        wait_requests_until(capture, time.monotonic_ns() + SECOND_NS // 5)
    errors = {
        name: printed(said[name], [one for one in measured if one.address == address])
        for name, address in zip(commands, addresses, strict=True)
    }
    pokes = [one for one in measured if one.address not in addresses]
    journal = [line for line in daemon.process.records() if line.at_ns >= begin]
    return {OURS: journalled(journal, pokes), **errors}
