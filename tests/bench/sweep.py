"""One sweep over many pods, `pokepodsd once`: its processor time a poke, and how long it takes.

Owns what counts of `once`: from its first echo request to its end, with its table. What comes
before, the list of the pods from the API server, is no poke; the whole of it is in the note.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from typing import IO, Any, TextIO

from tests.bench.accounting import Ended, as_installed, cpu_ns, run_command
from tests.bench.cable import POD_PREFIX, arrived, echo_requests, lay
from tests.bench.figures import OURS, Figure, Finding, Goal, Run
from tests.bench.interleave import interleave
from tests.cluster import Cluster, told
from tests.lab import Node
from tests.lab.launch import ip_batch

TABLES: Mapping[str, Mapping[str, Any]] = {"poke": {"max_rate": 10_000, "socket": "datagram"}}
_PODS = 10_000
_FEW_PODS = 1_000
_DEAD = 100
_FPING, _ICMPLIB, _LOOP = "fping -c1", "icmplib.multiping", "the origin's loop"
# Of the pods of the loop's sample as many are dead as of all: each of the others costs it a
# process, and each of these a second besides.
_SAMPLE_SHARE = 20
_MARGIN = "the machine is shared and the runs are few"
# The origin's loop, without its list and its sleep.
_PINGS = 'while read -r ip; do ping -c1 -w1 "$ip" >/dev/null 2>&1; done <"$1"'
_PART = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sweep:
    """What a sweep took: from its first request to its end, and all of it; its requests."""

    cpu_ns: int
    wall_ns: int
    whole_cpu_ns: int
    whole_wall_ns: int
    pokes: int


def measure(run: Run) -> Iterator[Finding]:
    """The time of a sweep with dead pods among the living, and the processor time of a poke."""
    with Cluster(run.folder, pod_prefix=POD_PREFIX) as cluster:
        here, there = cluster.lab.nodes
        lay(here, there)
        with cluster.lab.hub.inside():
            cluster.api.admin.grant()
        _make_pods(cluster, there, 1, _FEW_PODS)
        yield _wall(cluster, run)
        _make_pods(cluster, there, _FEW_PODS + 1, _PODS if not run.is_short else 2 * _FEW_PODS)
        yield _cpu(cluster, run)


def _make_pods(cluster: Cluster, there: Node, first: int, last: int) -> None:
    for start in range(first, last + 1, _PART):
        cluster.make_pods(there, min(_PART, last + 1 - start), first=start)


def _cpu(cluster: Cluster, run: Run) -> Figure:
    here, there = cluster.lab.nodes
    count = _PODS if not run.is_short else 2 * _FEW_PODS
    addresses = run.folder / "all"
    addresses.write_text("".join(f"{there.pod_address(one)}\n" for one in range(1, count + 1)))
    once = _once(cluster)
    fping = here.command("fping", "-c1", "-q", "-i", "0.1", "-t", "1000", "-f", str(addresses))
    icmplib = here.command(sys.executable, "-m", "tests.bench.multiping", str(addresses))
    whole: list[_Sweep] = []

    def ours() -> float:
        whole.append(_watch(once, there, of=count, alive=count))
        return whole[-1].cpu_ns / 1_000 / whole[-1].pokes

    def theirs(command: Sequence[str]) -> float:
        ended, pokes = _ended(command, there, alive=count)
        return ended.cpu_ns / 1_000 / pokes

    contenders: dict[str, Callable[[], float]] = {
        OURS: ours,
        _FPING: partial(theirs, fping),
        _ICMPLIB: partial(theirs, icmplib),
    }
    values = interleave(run.runs(5, 1), contenders)
    all_of_it = median(one.whole_cpu_ns for one in whole) / 1e9
    return Figure(
        name=f"CPU a poke, one sweep of {count:,}",
        unit="us",
        ours=values.pop(OURS),
        peers=values,
        goals=[
            Goal(most=0.9, of=_FPING, most_short=3.0, margin=_MARGIN),
            Goal(most=0.1, of=_ICMPLIB, most_short=0.5, margin=_MARGIN),
        ],
        note="`once` from its first request to its end, its table included; with Python, its "
        f"imports and the list of the pods it takes {all_of_it:.1f} s of CPU. Pokes "
        "are those that the far end's kernel counted",
        settings=told(TABLES),
    )


def _wall(cluster: Cluster, run: Run) -> Figure:
    here, there = cluster.lab.nodes
    numbers = range(1, _FEW_PODS + 1)
    dead = [there.pod_address(one) for one in numbers if one % (_FEW_PODS // _DEAD) == 0]
    alive = [there.pod_address(one) for one in numbers if one % (_FEW_PODS // _DEAD)]
    addresses, sample = run.folder / "few", run.folder / "sample"
    addresses.write_text("".join(f"{one}\n" for one in (*alive, *dead)))
    sample.write_text(
        "".join(f"{one}\n" for one in (*alive[::_SAMPLE_SHARE], *dead[::_SAMPLE_SHARE]))
    )
    # Nothing is answered for them: what arrives is thrown away.
    ip_batch(there.namespace, [f"route add table local blackhole {one}/32" for one in dead])
    once = _once(cluster)
    fping = here.command("fping", "-c1", "-q", "-i", "0.1", "-t", "1000", "-f", str(addresses))
    loop = here.command("sh", "-c", _PINGS, "loop", str(sample))
    whole: list[_Sweep] = []

    def ours() -> float:
        whole.append(_watch(once, there, of=_FEW_PODS, alive=len(alive)))
        return whole[-1].wall_ns / 1e9

    def theirs() -> float:
        return _ended(fping, there, alive=len(alive))[0].wall_ns / 1e9

    values = interleave(run.runs(5, 2), {OURS: ours, _FPING: theirs})
    ended, _ = _ended(loop, there, alive=len(alive) // _SAMPLE_SHARE)
    looped = ended.wall_ns / 1e9 * _SAMPLE_SHARE
    ip_batch(there.namespace, [f"route del table local blackhole {one}/32" for one in dead])
    all_of_it = median(one.whole_wall_ns for one in whole) / 1e9
    mine = values.pop(OURS)
    return Figure(
        name=f"wall time of a sweep of {_FEW_PODS:,}, {_DEAD} of them dead",
        unit="s",
        ours=mine,
        peers={**values, _LOOP: [looped] * len(mine)},
        goals=[
            Goal(most=1.3, most_short=2.5, margin=_MARGIN),
            Goal(most=1 / 75, of=_LOOP, most_short=1 / 40, margin=_MARGIN),
        ],
        note="`once` from its first request to its end, the timeout 1 s for all; the loop was run "
        f"once, over a {_SAMPLE_SHARE}th of the pods with their share of dead, and multiplied. "
        f"With Python, its imports and the list of the pods `once` takes {all_of_it:.1f} s",
        settings=told(TABLES),
    )


def _once(cluster: Cluster) -> list[str]:
    here = cluster.lab.nodes[0]
    config = cluster.write_config(here, TABLES)
    return here.command(sys.executable, "-m", "pokepodsd", "--config", str(config), "once")


def _ended(command: Sequence[str], there: Node, *, alive: int) -> tuple[Ended, int]:
    """Run a peer to its end; what it used, and how many of its requests arrived.

    Raises:
        RuntimeError: they are fewer than pods that answer.
    """
    before = echo_requests(there)
    ended = run_command(command, as_installed())
    return ended, _enough(echo_requests(there) - before, alive, ended.output)


def _watch(command: Sequence[str], there: Node, *, of: int, alive: int) -> _Sweep:
    """Run a sweep, and look every millisecond whether its first echo request has arrived.

    Raises:
        RuntimeError: it did not poke so many pods, or did not hear those that answer.
    """
    with ExitStack() as stack:
        with there.inside():
            counters = stack.enter_context(Path("/proc/thread-self/net/snmp").open())
        said = stack.enter_context(TemporaryFile())
        before = _read(counters)
        started_ns = time.monotonic_ns()
        process = stack.enter_context(_running(command, said))
        cpu = 0
        begin_ns = started_ns
        while _read(counters) == before and _is_alive(process.pid):
            begin_ns, cpu = time.monotonic_ns(), cpu_ns(process.pid)
            time.sleep(0.001)
        _, status, usage = os.wait4(process.pid, 0)
        ended_ns = time.monotonic_ns()
        process.returncode = os.waitstatus_to_exitcode(status)
        pokes = _read(counters) - before
        said.seek(0)
        verify(said.read().decode(errors="replace"), process.returncode, of=of, alive=alive)
    whole = round((usage.ru_utime + usage.ru_stime) * 1e9)
    return _Sweep(
        cpu_ns=whole - cpu,
        wall_ns=ended_ns - begin_ns,
        whole_cpu_ns=whole,
        whole_wall_ns=ended_ns - started_ns,
        pokes=_enough(pokes, alive, "once"),
    )


def verify(said: str, status: int, *, of: int, alive: int) -> None:
    """See by what `once` says in the end whether it did what is measured.

    Raises:
        RuntimeError: it knew other pods, or one in a hundred of those that answer was not heard.
    """
    found = re.search(r"(\d+) of (\d+) answered", said)
    answered, asked = (int(found[1]), int(found[2])) if found else (0, 0)
    if asked != of or not 0.99 * alive <= answered <= alive or status != int(answered < of):
        raise RuntimeError(f"`once` ended with {status}, of {alive} alive in {of}: {said[-300:]}")


def _enough(pokes: int, alive: int, said: str) -> int:
    if pokes < alive:
        raise RuntimeError(f"{pokes} requests arrived, {alive} pods answer: {said[-300:]}")
    return pokes


@contextmanager
def _running(command: Sequence[str], said: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A process, which does not outlive the block."""
    with subprocess.Popen(
        command, env=as_installed(), stdout=subprocess.DEVNULL, stderr=said
    ) as process:
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()


def _is_alive(pid: int) -> bool:
    """Whether a child runs; one that has ended is left for wait4, which tells what it used."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None


def _read(counters: TextIO) -> int:
    counters.seek(0)
    return arrived(counters.read())
