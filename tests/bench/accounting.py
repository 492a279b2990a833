"""What processes have used, from the kernel: processor time, wake-ups, memory.

Owns the reading of /proc and of what is known of an ended child. Starts nothing but what it is
asked to run.
"""

import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MB = 1e6
_KIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a command used, itself and the children that it waited for; its output is merged."""

    cpu_ns: int
    wall_ns: int
    peak_bytes: int
    output: str
    status: int


def children(pid: int) -> list[int]:
    """The children of a process, of all its threads; none where it has ended."""
    found: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def family(pid: int) -> Iterator[int]:
    """A process and all its descendants that live now."""
    yield pid
    for child in children(pid):
        yield from family(child)


def cpu_ns(pid: int) -> int:
    """The processor time, user and system, of a process and its living descendants."""
    return sum(cpu_ns_of(one) for one in family(pid))


def cpu_ns_of(pid: int) -> int:
    """The processor time of one process alone, all its threads.

    The first field of schedstat is exact (sum_exec_runtime), where stat counts ticks of 10 ms.
    """
    return sum(int(text.split()[0]) for text in _of_threads(pid, "schedstat"))


def switches(pid: int) -> int:
    """How often a process and its descendants went to sleep and were woken, all threads."""
    return sum(
        int(number)
        for one in family(pid)
        for text in _of_threads(one, "status")
        for number in re.findall(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.MULTILINE)
    )


def pss_bytes(pid: int) -> int:
    """The proportional set size of one process: shared pages are divided among their users."""
    return kib_of(f"/proc/{pid}/smaps_rollup", "Pss")


def peak_bytes(pid: int) -> int:
    """The largest resident set that one process has had (VmHWM)."""
    return kib_of(f"/proc/{pid}/status", "VmHWM")


def resident_bytes(pid: int) -> int:
    """The resident set of one process now (VmRSS)."""
    return kib_of(f"/proc/{pid}/status", "VmRSS")


def descriptor_count(pid: int) -> int:
    """How many file descriptors one process has open."""
    return len([*Path(f"/proc/{pid}/fd").iterdir()])


def thread_count(pid: int) -> int:
    """How many threads one process has."""
    return len([*Path(f"/proc/{pid}/task").iterdir()])


def icmp_count(snmp: str, table: str, name: str) -> int:
    """A counter of /proc/net/snmp's text: of a table's two lines, one has names, one values.

    "IcmpMsg" has a column only for what was ever counted: 0 where there is none.
    """
    names, values = [row.split() for row in snmp.splitlines() if row.startswith(f"{table}:")]
    return int(dict(zip(names, values, strict=True)).get(name, "0"))


def run_command(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Ended:
    """Run a command to its end; what it used, with the children that it waited for."""
    begin = time.monotonic_ns()
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read().decode(errors="replace")
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return Ended(
        cpu_ns=round((usage.ru_utime + usage.ru_stime) * 1e9),
        wall_ns=time.monotonic_ns() - begin,
        peak_bytes=usage.ru_maxrss * _KIB,
        output=output,
        status=process.returncode,
    )


def as_installed() -> dict[str, str]:
    """The environment for a measured child: with byte-code, as a package installs it."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _of_threads(pid: int, name: str) -> Iterator[str]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        # A thread may end meanwhile.
        with suppress(FileNotFoundError, ProcessLookupError):
            yield (task / name).read_text()


def kib_of(path: str, field: str) -> int:
    """The bytes of a line such as ``Pss:   123 kB`` of one of /proc's files."""
    found = re.search(rf"^{field}:\s+(\d+) kB", Path(path).read_text(), re.MULTILINE)
    if found is None:
        raise LookupError(f"{path} has no {field}")
    return int(found[1]) * _KIB
