"""One endurance run: the faults in their time, the churn beside them, and the judgement.

Owns the order of things. What is made, seen and judged is the other modules'.
"""

import contextlib
import heapq
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final

from tests.demonstration.exits import FAILURES
from tests.soak import leaks
from tests.soak.churn import Churn
from tests.soak.judgement import Judge, Patience, patiences
from tests.soak.makers import MAKERS, Maker
from tests.soak.netmakers import NETWORK
from tests.soak.pokes import Violation, all_violations
from tests.soak.recorder import Recorder
from tests.soak.report import Found
from tests.soak.sampling import Sampler
from tests.soak.schedule import Planned, letter
from tests.soak.truth import NEVER_NS, SECOND_NS, Spell
from tests.soak.world import Size, World

_MAKERS: Final[Mapping[str, Maker]] = {**MAKERS, **NETWORK}
# All daemons begin at once, and each pokes all pods some times more at its beginning.
_START_SECONDS: Final = 300.0
_SETTLE_SECONDS: Final = 240.0
_APART_SECONDS: Final = 1.0
_POLL_SECONDS: Final = 0.5
_TUNNEL_INTERVAL_NS: Final = 5 * SECOND_NS


class UnsettledError(AssertionError):
    """The cluster does not become well."""


@dataclass(slots=True)
class Run:
    """What a run has found so far; ``found`` may be asked at any time after the start."""

    world: World
    seed: int
    recorder: Recorder
    sampler: Sampler
    begin_ns: int = 0
    over_ns: int = NEVER_NS
    """When the last fault and the churn were over."""
    made: list[str] = field(default_factory=list)
    changes: int = 0
    unsettled: list[Violation] = field(default_factory=list)

    def found(self) -> Found:
        """Judge all that was seen until now."""
        now = time.monotonic_ns()
        world = self.world
        with world.lock:
            notices = [one for one in world.notices if one.at_ns >= self.begin_ns]
            judge = Judge(world.truth, rules(world.size), now)
            wrong = [*all_violations(self.recorder.books), *judge.violations(notices)]
            wrong += leaks.violations(self.sampler.series, self.begin_ns, min(now, self.over_ns))
            wrong += [*self.unsettled, *self._said(now)]
            due, _ = judge.reported(notices)
        return Found(
            seed=self.seed,
            begin_ns=self.begin_ns,
            end_ns=min(now, self.over_ns),
            faults=list(self.made),
            due=due,
            notices=notices,
            books=self.recorder.books,
            series=self.sampler.series,
            starts={name: unit.starts for name, unit in world.units.items()},
            violations=sorted(wrong, key=lambda one: one.at_ns),
            harness=list(world.harness),
            changes=self.changes,
            excused=judge.excused,
            slow_seconds=sum(
                (min(one.end_ns, now) - one.begin_ns) / SECOND_NS
                for one in world.truth.slow
                if one.begin_ns >= self.begin_ns
            ),
        )

    def _said(self, now: int) -> Iterator[Violation]:
        for name, unit in self.world.units.items():
            if said := unit.said().strip():
                yield Violation(
                    at_ns=now, daemon=name, expected="nothing on stderr", seen=said[-300:]
                )


def rules(size: Size) -> Mapping[str, Patience]:
    """When an outage must be told in a cluster like this."""
    return patiences(round(size.interval_seconds * SECOND_NS), _TUNNEL_INTERVAL_NS)


def build(world: World, size: Size, churn: Churn, say: Callable[[str], None]) -> None:
    """The cluster with its pods; no daemon runs yet."""
    began = time.monotonic()
    world.build(size)
    world.make_first(churn.first())
    say(f"built in {time.monotonic() - began:.0f} s")


@contextlib.contextmanager
def running(world: World, seed: int, folder: Path) -> Iterator[Run]:
    """Everything that records stands, and all daemons are started; none need be ready yet."""
    with Recorder(world, folder / "events.log") as recorder, Sampler(world) as sampler:
        run = Run(world, seed, recorder, sampler)
        run.begin_ns = time.monotonic_ns()
        for unit in world.units.values():
            with world.lock:
                unit.start()
            # Not all at once: 20 that poke all pods for the first time fill the network.
            time.sleep(_APART_SECONDS)
        yield run


def play(run: Run, plan: Sequence[Planned], churn: Churn, say: Callable[[str], None]) -> None:
    """Wait until all is well, make the faults of the plan, and wait until all is well again."""
    world = run.world
    began = time.monotonic()
    wait_well(world, _START_SECONDS)
    say(f"all daemons know and reach all pods after {time.monotonic() - began:.0f} s")
    run.begin_ns = time.monotonic_ns()
    with world.lock:
        for name in world.units:
            # Newcomers are poked some times more at first: from now on each has its turns.
            started = Spell(fault="start", begin_ns=0, end_ns=run.begin_ns)
            world.truth.absent[name].append(started)
        run.recorder.judges_pokes = True
    with churning(run, churn):
        _make_all(run, plan, say)
    run.over_ns = time.monotonic_ns()
    last_ns = time.monotonic_ns()
    try:
        wait_well(world, _SETTLE_SECONDS)
        # The ends of the last outages have their time to be told.
        clear_ns = max(rules(world.size)[kind].clear_ns for kind in ("peer", "pod"))
        time.sleep(max(0, last_ns + clear_ns - time.monotonic_ns()) / SECOND_NS)
    except UnsettledError as error:
        run.unsettled.append(
            Violation(
                at_ns=time.monotonic_ns(),
                daemon="cluster",
                expected="all pods known and up at the end",
                seen=str(error),
            )
        )


def wait_well(world: World, patience_seconds: float) -> None:
    """Wait until every daemon says that all pods there are, and only they, are up.

    Raises:
        UnsettledError: one does not say so in time.
    """
    deadline = time.monotonic() + patience_seconds
    while True:
        with world.lock:
            pods = sum(life.deleted_ns >= NEVER_NS for life in world.lives.values())
            wanted = re.compile(rf".*\b{pods} targets: {pods} up, .*API: watching")
            unwell = {n: u.status for n, u in world.units.items() if not wanted.match(u.status)}
        if not unwell:
            return
        if time.monotonic() > deadline:
            name, status = next(iter(unwell.items()))
            text = f"{len(unwell)} do not have {pods} pods up, for example {name}: {status}"
            raise UnsettledError(text)
        time.sleep(_POLL_SECONDS)


@contextlib.contextmanager
def churning(run: Run, churn: Churn) -> Iterator[None]:
    """Pods come and go for the time of the block, as often as the size says."""
    is_over = threading.Event()
    thread = threading.Thread(target=_churn, args=(run, churn, is_over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _churn(run: Run, churn: Churn, is_over: threading.Event) -> None:
    world = run.world
    steps = churn.steps()
    pause = 1 / world.size.changes if world.size.changes else 3600.0
    while not is_over.wait(pause):
        # While the API server is away, nothing changes: who would tell?
        if not world.control.acquire(timeout=_POLL_SECONDS):
            continue
        try:
            world.change(next(steps))
            run.changes += 1
        except FAILURES as error:
            world.harness.append(f"a change of a pod failed: {error}")
        finally:
            world.control.release()


def _make_all(run: Run, plan: Sequence[Planned], say: Callable[[str], None]) -> None:
    """Each fault in its time; what is on is undone, however this ends."""
    order = count()
    queue: list[tuple[float, int, Planned, contextlib.ExitStack | None]]
    queue = [(one.begin, next(order), one, None) for one in plan]
    heapq.heapify(queue)
    began = time.monotonic()
    try:
        while queue:
            due, _, planned, stack = heapq.heappop(queue)
            time.sleep(max(0.0, began + due - time.monotonic()))
            if stack is not None:
                _guarded(run, planned, stack.close)
                run.recorder.log(f"--- over: {_told(planned)}")
                continue
            say(f"{due:7.0f} s  {_told(planned)}, {planned.end - planned.begin:.0f} s")
            run.recorder.log(f"--- fault: {_told(planned)}")
            begun = contextlib.ExitStack()
            # Before it is made: an interruption meanwhile undoes it.
            heapq.heappush(queue, (planned.end, next(order), planned, begun))
            _guarded(run, planned, partial(_enter, run, planned, begun))
            run.made.append(_told(planned))
    finally:
        for _, _, planned, stack in queue:
            if stack is not None:
                _guarded(run, planned, stack.close)


def _enter(run: Run, planned: Planned, stack: contextlib.ExitStack) -> None:
    making = stack.enter_context(run.world.fault(_told(planned)))
    stack.enter_context(_MAKERS[planned.kind](run.world, making, planned))


def _guarded(run: Run, planned: Planned, act: Callable[[], None]) -> None:
    try:
        act()
    except FAILURES as error:
        run.world.harness.append(f"{_told(planned)}: {error}")


def _told(planned: Planned) -> str:
    where = "".join(f" {letter(index)}" for index in planned.nodes)
    return f"{planned.kind}{where}" + (f" pod {planned.pod}" if planned.pod else "")
