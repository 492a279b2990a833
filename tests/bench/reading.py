"""The daemon's reader as a process of its own, without the daemon.

Owns its start, as `pokepodsd run` starts it, and the listening to its records. It is all of the
daemon that speaks with the API server; what the daemon does with the records is measured elsewhere.
"""

import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pokepodsd.core.config import validate
from pokepodsd.core.lines import LineBuffer
from pokepodsd.core.protocol import Timings
from pokepodsd.core.recordlines import LONGEST_RECORD, decode
from pokepodsd.core.records import Record
from pokepodsd.edge.child import Child

PATIENCE_SECONDS = 60.0


class Reading:
    """A running reader, and what it said."""

    def __init__(self, child: Child) -> None:
        self.pid = child.pid
        self._child = child
        self._lines = LineBuffer(longest=LONGEST_RECORD)

    def wait_for(self, kind: type[Record], times: int = 1) -> list[Record]:
        """Listen until so many records of this kind came; all that came.

        Raises:
            TimeoutError: they did not come.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        heard: list[Record] = []
        while sum(isinstance(one, kind) for one in heard) < times:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._child], [], [], left)[0]:
                raise TimeoutError(f"no {kind.__name__} within {PATIENCE_SECONDS} s")
            data = self._child.read()
            if data == b"":
                raise TimeoutError(f"no {kind.__name__}: the reader ended")
            heard += [decode(line) for line in self._lines.feed(data or b"")]
        return heard


@contextmanager
def reading(kubeconfig: Path, scratch: Path) -> Iterator[Reading]:
    """Run a reader with the shipped settings; it ends with the block."""

    def body(channel: socket.socket) -> None:
        # As in `cli.run`: the import is the child's alone.
        from pokepodsd import reader  # noqa: PLC0415
        from pokepodsd.asker import Orders  # noqa: PLC0415

        tables = {"kubernetes": {"kubeconfig": str(kubeconfig)}}
        config = validate(tables, source="the benchmark").kubernetes
        reader.run(channel, Orders(config=config, timings=Timings(), scratch=scratch))

    child = Child(body)
    try:
        yield Reading(child)
    finally:
        child.kill()
