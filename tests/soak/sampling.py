"""What each daemon and its reader hold, read now and then.

Owns the readings. What grows, `leaks` says.
"""

import contextlib
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pokepodsd.edge import metrics
from pokepodsd.edge.control import Client
from pokepodsd.errors import ControlError
from tests.bench.accounting import children, descriptor_count, resident_bytes, thread_count
from tests.soak.leaks import Sample
from tests.soak.truth import SECOND_NS
from tests.soak.unit import Unit
from tests.soak.world import World

EVERY_SECONDS: Final = 10.0
# The API server of the tests keeps a log of all that it is asked.
_ASK_SERIES_EVERY: Final = 3
_PATIENCE_SECONDS: Final = 5.0

Series = Mapping[str, Mapping[str, Sequence[Sample]]]


class Sampler:
    """A thread that reads, until `close`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.series: dict[str, dict[str, list[Sample]]] = defaultdict(lambda: defaultdict(list))
        """By what was read, and by daemon."""
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> "Sampler":
        return self

    def __exit__(self, *exception: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._is_over.wait(EVERY_SECONDS):
            number += 1
            for unit in self._world.units.values():
                with contextlib.suppress(OSError, LookupError, ValueError, ControlError):
                    self._read(unit, with_series=number % _ASK_SERIES_EVERY == 0)
            if self._world.control.acquire(blocking=False):
                try:
                    self._world.cluster.api.control.clear_log()
                except (OSError, AssertionError) as error:
                    self._world.harness.append(f"the API server's log: {error}")
                finally:
                    self._world.control.release()

    def _read(self, unit: Unit, *, with_series: bool) -> None:
        pid = unit.pid
        if pid is None or _is_stopped(pid):
            return
        reader = next(iter(children(pid)), None)
        pids = [pid] if reader is None else [pid, reader]
        self._note("daemon RSS", unit, pid, resident_bytes(pid))
        if reader is not None:
            self._note("reader RSS", unit, reader, resident_bytes(reader))
            self._note("descriptors", unit, pid, sum(descriptor_count(one) for one in pids))
            self._note("threads", unit, pid, sum(thread_count(one) for one in pids))
        if with_series:
            self._note("series", unit, pid, count_series(unit.runtime / "control.sock"))

    def _note(self, what: str, unit: Unit, instance: int, value: float) -> None:
        sample = Sample(at_ns=time.monotonic_ns(), instance=instance, value=value)
        self.series[what][unit.name].append(sample)


def count_series(control: Path) -> int:
    """How many series a scrape of this daemon would have now."""
    with contextlib.closing(Client(control, patience_seconds=_PATIENCE_SECONDS)) as client:
        document = client.ask({"metrics": {}})["metrics"]
    text = metrics.render(document, metrics.Format.TEXT, with_process=False)
    return sum(not line.startswith(b"#") for line in text.splitlines())


def _is_stopped(pid: int) -> bool:
    return "\nState:\tT" in Path(f"/proc/{pid}/status").read_text(encoding="ascii")


def seconds(begin_ns: int, end_ns: int) -> float:
    """How long that is."""
    return (end_ns - begin_ns) / SECOND_NS
