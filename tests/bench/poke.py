"""The processor time of a poke at a steady rate, beside other pingers of the same targets.

Owns the figures at 200 and 2,000 pokes a second. What is counted is the whole of each program, its
children included, from the kernel's own account; the pokes are counted by the far end's kernel.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pokepodsd.core.model import Target
from pokepodsd.edge import statefile
from tests.bench.accounting import as_installed, cpu_ns
from tests.bench.cable import cabled, echo_requests, lines_of, pods_on
from tests.bench.figures import OURS, Figure, Finding, Goal, Run
from tests.bench.interleave import interleave
from tests.cluster import Tables, told, toml_lines
from tests.lab import Node, NotifySocket, Process

_INTERVAL_SECONDS = 5
# Room for the newcomers' second pokes at the start.
_HEADROOM = 1.1
_FPING, _ICMPLIB, _GO = "fping -l", "icmplib.multiping", "smokeping_prober"
_PLAIN = "a plain loop in Python"
# What fping's own wake-ups add to each gap between packets, so that it keeps the same rate.
_FPING_LATE_MS = 0.13
# It opens a socket for each of its hosts: fewer, and each of them more often, at the same rate.
_GO_HOSTS = 200
_CONTINUED_SECONDS = 2.0
_STARTED_SECONDS = 1.5
_OPENED_SECONDS = 60.0
_MARGIN = "one run each, after a minute of other work: caches are cold and the machine is shared"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where it is measured: both ends, the targets, and how many pokes a second."""

    here: Node
    there: Node
    folder: Path
    targets: Sequence[Target]
    rate: int
    seconds: float


def measure(run: Run) -> Iterator[Finding]:
    """The processor time of a poke at both rates."""
    with cabled() as (here, there):
        for rate in (200, 2_000):
            folder = run.folder / str(rate)
            folder.mkdir()
            place = _Place(
                here=here,
                there=there,
                folder=folder,
                targets=pods_on(there, rate * _INTERVAL_SECONDS),
                rate=rate,
                seconds=3.0,
            )
            yield _steady(place, run)


def _steady(place: _Place, run: Run) -> Figure:
    addresses = place.folder / "addresses"
    addresses.write_text(lines_of(place.targets), encoding="utf-8")
    peers: dict[str, Callable[[], float]] = {
        _FPING: lambda: _started(place, _fping(place, addresses))
    }
    if not run.is_short:
        peers[_PLAIN] = lambda: _started(place, _plain(place))
    if place.rate == 2_000 and not run.is_short:
        peers[_ICMPLIB] = lambda: _started(place, _icmplib(place, addresses))
        peers[_GO] = lambda: _started(place, _go(place))
    with _daemon(place) as daemon:
        values = interleave(run.runs(3, 1), {OURS: lambda: _continued(place, daemon), **peers})
    ours = values.pop(OURS)
    return Figure(
        name=f"CPU a poke, steady {place.rate:,}/s",
        unit="us",
        ours=ours,
        peers=values,
        goals=_goals(place.rate, set(values)),
        note=f"{len(place.targets):,} targets each {_INTERVAL_SECONDS} s behind a veth; the whole "
        "daemon as it runs, started on saved targets, without an API server, and stopped (SIGSTOP) "
        "while it is another's turn. The plain loop sends and receives with ticks as long, and "
        "thinks nothing: the floor of Python with a system call a packet",
        settings=told(_tables(place.rate)),
    )


def _goals(rate: int, peers: set[str]) -> list[Goal]:
    most = 0.3 if rate == 200 else 0.25
    goals = [Goal(most=most, of=_FPING, most_short=2.0, margin=_MARGIN)]
    if _ICMPLIB in peers:
        goals.append(Goal(most=0.1, of=_ICMPLIB))
    return goals


def _tables(rate: int) -> Tables:
    """The settings that are not the defaults; the folders are besides."""
    poke = {
        "interval": f"{_INTERVAL_SECONDS}s",
        "max_rate": round(rate * _HEADROOM),
        "socket": "datagram",
    }
    return {"poke": poke}


@contextmanager
def _daemon(place: _Place) -> Iterator[Process]:
    """The daemon, poking all targets, and stopped while it is not its turn."""
    state = place.folder / "state"
    state.mkdir()
    statefile.Writer(state, place.targets).finish()
    config = place.folder / "pokepodsd.toml"
    tables: Tables = {
        **_tables(place.rate),
        "kubernetes": {"kubeconfig": str(place.folder / "nobody.conf")},
        "state": {"directory": str(state)},
    }
    config.write_text("\n".join(toml_lines(tables)), encoding="utf-8")
    path = place.folder / "notify"
    environment = {
        **as_installed(),
        "NOTIFY_SOCKET": str(path),
        "RUNTIME_DIRECTORY": str(place.folder),
    }
    command = place.here.command(sys.executable, "-m", "pokepodsd", "--config", str(config), "run")
    count = len(place.targets)
    with NotifySocket(path) as notify, Process(command, env=environment) as process:
        notify.wait_for_status(f"{count} targets: {count} up", _OPENED_SECONDS)
        process.stop()
        yield process
        process.cont()


def _continued(place: _Place, daemon: Process) -> float:
    """What a poke of the running daemon costs, in us; it is stopped before and after."""
    daemon.cont()
    time.sleep(_CONTINUED_SECONDS)
    cost = _cost(place, daemon.pid)
    daemon.stop()
    return cost


def _started(place: _Place, command: Sequence[str]) -> float:
    """What a poke of another program costs, in us, once it has started."""
    with Process(place.here.command(*command), env=as_installed()) as process:
        time.sleep(_STARTED_SECONDS)
        return _cost(place, process.pid)


def _cost(place: _Place, pid: int) -> float:
    pokes, begin = echo_requests(place.there), cpu_ns(pid)
    time.sleep(place.seconds)
    end = cpu_ns(pid)
    return (end - begin) / 1_000 / (echo_requests(place.there) - pokes)


def _fping(place: _Place, addresses: Path) -> list[str]:
    gap_ms = f"{1_000 / place.rate - _FPING_LATE_MS:.2f}"
    period = str(_INTERVAL_SECONDS * 1_000)
    return ["fping", "-l", "-q", "-p", period, "-i", gap_ms, "-f", str(addresses)]


def _icmplib(place: _Place, addresses: Path) -> list[str]:
    return [sys.executable, "-m", "tests.bench.multiping", str(addresses), str(place.rate)]


def _plain(place: _Place) -> list[str]:
    """The floor: what sending and receiving takes, with ticks as long and no thinking."""
    addresses = [target.address for target in place.targets]
    return [sys.executable, "-m", "tests.bench.plainloop", str(place.rate), *addresses]


def _go(place: _Place) -> list[str]:
    path = place.folder / "smokeping.yml"
    hosts = [target.address for target in place.targets[:_GO_HOSTS]]
    interval = f"{_GO_HOSTS * 1_000 // place.rate}ms"
    targets = [{"hosts": hosts, "interval": interval, "network": "ip4", "protocol": "udp"}]
    # JSON is YAML.
    path.write_text(json.dumps({"targets": targets}), encoding="utf-8")
    listen = "--web.listen-address=127.0.0.1:9374"
    return ["prometheus-smokeping-prober", f"--config.file={path}", listen]
