"""What a daemon asks the API server for during a fault, and what its reader takes up meanwhile.

Owns how a fault is brought on, how its end is seen, and the count of requests. What must hold
afterwards is for `stage`.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Unpack

from tests.apiserver.keywords import FaultDetails
from tests.apiserver.served import Request
from tests.bench.accounting import family, peak_bytes
from tests.daemon.wire import SECOND_NS
from tests.faults.stage import PODS, Stage

PATIENCE_SECONDS: Final = 60.0
# As `pokepodsd.core.protocol.Timings` has it: the delays begin at one second and double, and each
# is at least half of that. One more request each for what fails at once, and what then succeeds.
_FIRST_DELAY_SECONDS: Final = 1.0
_SPARE_REQUESTS: Final = 2


@dataclass(frozen=True, slots=True)
class Asking:
    """The requests of one stage's daemon, from a moment on."""

    stage: Stage
    first: int
    began_ns: int

    @classmethod
    def since_now(cls, stage: Stage) -> "Asking":
        """From now on."""
        made = stage.cluster.api.control.requests()
        return cls(stage, made[-1].index + 1 if made else 0, time.monotonic_ns())

    def requests(self, kind: str = "") -> list[Request]:
        """All of them, or those of one kind: list, watch."""
        made = self.stage.cluster.api.control.requests(self.first)
        return [one for one in made if one.kind == kind or not kind]

    def check_load(self, kind: str = "", *, more: int = 0, spare: int = _SPARE_REQUESTS) -> None:
        """No more was asked than delays that double leave room for, and what has none: ``more``."""
        seconds = (time.monotonic_ns() - self.began_ns) / SECOND_NS
        made = self.requests(kind)
        print(f"  {len(made)} requests in {seconds:.1f} s")
        assert len(made) <= most_requests(seconds) + more + spare, [one.path for one in made]


def most_requests(seconds: float) -> int:
    """How often a server that fails all this time may be asked."""
    count, delay, at = 0, _FIRST_DELAY_SECONDS / 2, 0.0
    while at < seconds:
        count += 1
        at += delay
        delay *= 2
    return count


def wait_for(
    stage: Stage, condition: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS
) -> None:
    """Wait for what only the API server or /proc can tell, while the daemon lives."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert stage.daemon.process.is_running
        assert time.monotonic() < deadline, f"not after {seconds} s: {what}"
        time.sleep(0.05)


def break_watch(stage: Stage, *, lists: bool = False) -> None:
    """End the open watch, so that the daemon asks again: for a full list, if its version is old."""
    control = stage.cluster.api.control
    if lists:
        control.bump(10)
        control.compact()
    control.break_watches()


def meet(
    stage: Stage, fault: str, match: str, count: int | None = 1, **details: Unpack[FaultDetails]
) -> None:
    """Have a fault met by a list or a watch, from now on so many times."""
    stage.cluster.api.control.add_fault(fault, match, count, **details)
    break_watch(stage, lists=match == "list")


def met_and_past(stage: Stage, fault: str, match: str, **details: Unpack[FaultDetails]) -> "Asking":
    """Have a fault met once, with a pod that changes meanwhile: that is known afterwards."""
    print(f"  {fault} in a {match} {details}")
    asking = Asking.since_now(stage)
    meet(stage, fault, match, **details)
    change_a_pod(stage)
    wait_met(stage, asking, fault)
    stage.wait_well()
    asking.check_load()
    if match == "list":
        # That came with the list. An event of the watch shows that it works: the next fault is met
        # by a daemon that has no reason to be slow.
        change_a_pod(stage)
        stage.wait_well()
    return asking


def wait_met(stage: Stage, asking: Asking, fault: str, count: int = 1) -> None:
    """Wait until a fault was met so many times."""

    def is_met() -> bool:
        return sum(one.fault == fault for one in asking.requests()) >= count

    wait_for(stage, is_met, f"{fault} met {count} times")


def change_a_pod(stage: Stage) -> None:
    """One pod more or less at the other node: it is known once `Stage.wait_well` returns."""
    if (last := max(stage.pods)) > PODS:
        stage.remove_pod(last)
    else:
        stage.make_pod(last + 1)


def reader_pid(stage: Stage) -> int | None:
    """The process that reads the API, if there is one now."""
    _, *children = family(stage.daemon.process.pid)
    return children[0] if children else None


@contextmanager
def bounded_reader(stage: Stage, most_mb: float) -> Iterator[None]:
    """In the block the reader stays the same process, and takes no more than so much more."""
    pid = reader_pid(stage)
    assert pid is not None
    # proc(5): 5 sets the peak back to what is held now.
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    before = peak_bytes(pid)
    yield
    assert reader_pid(stage) == pid
    taken = peak_bytes(pid) - before
    print(f"  the reader took {taken / 1e6:.1f} MB more at most")
    assert taken <= most_mb * 1e6
