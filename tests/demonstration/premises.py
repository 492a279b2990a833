"""A cluster that is built for a show, a comparison or a long run, and removed whatever happens.

Owns its folder, and knowing what is left of it. What it is for, whoever builds it says.
"""

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.cluster import Cluster
from tests.demonstration.interrupts import Interrupts
from tests.demonstration.leftovers import Traces


class Premises:
    """Built by `_build`; `close` removes it all, whatever state it is in."""

    def __init__(self, interrupts: Interrupts) -> None:
        self._interrupts = interrupts
        self._exits = contextlib.ExitStack()
        self._traces: Traces | None = None
        self.cluster: Cluster
        self.folder: Path

    def _build(self, prefix: str, make: Callable[[Path], Cluster]) -> None:
        """Build a cluster in a folder of its own; a signal waits until it stands."""
        with self._interrupts.deferred():
            temporary = tempfile.TemporaryDirectory(prefix=prefix)
            self.folder = Path(self._exits.enter_context(temporary))
            # For the daemons, whose scratch folders go with ours even if they are killed.
            os.environ["TMPDIR"] = str(self.folder)
            self.cluster = self._exits.enter_context(make(self.folder))
            namespaces = [place.namespace for place in self.cluster.lab.places]
            self._traces = Traces(self.folder, namespaces)

    def close(self) -> None:
        """Remove it all; signals are not taken any more."""
        self._interrupts.ignore()
        self._exits.close()

    def find_leftovers(self) -> list[str]:
        """Say what is left after `close`."""
        traces, self._traces = self._traces, None
        return traces.find() if traces else []
