"""What a daemon does meanwhile: what it says of its pokes, and how often it wakes up.

Owns the questions; what is right is for the tests.
"""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, cast

from pokepodsd.core.document import Document, Pokes
from tests.cluster import Cluster
from tests.faults.stage import Stage
from tests.lab import Node

# 20 ticks a second, and what else it listens to.
_WAKE_UPS: Final = 60
# So long that a tick more or less does not count.
_SHORTEST_SECONDS: Final = 2.0


def status(cluster: Cluster, node: Node) -> Document:
    """The whole status of the daemon of a node, as `pokepodsd status` asks for it."""
    socket = cluster.runtime_folder(node) / "control.sock"
    command = [sys.executable, "-m", "pokepodsd", "status", "-o", "json", "--socket", str(socket)]
    said = node.run(*command, check=False)
    assert said.returncode in {0, 1}, said.stderr
    return cast(Document, json.loads(said.stdout))


def pokes(stage: Stage) -> Pokes:
    """What the daemon of a stage says of its pokes."""
    return status(stage.cluster, stage.here)["pokes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exertion:
    """How often the daemon has gone to sleep, and what it has sent, since it began."""

    at: float
    sleeps: int
    sent: int

    @classmethod
    def of(cls, stage: Stage) -> Self:
        """That of the daemon's only thread, until now."""
        told = Path(f"/proc/{stage.daemon.process.pid}/status").read_text(encoding="ascii")
        fields = dict(line.split(":", 1) for line in told.splitlines())
        sent: Any = pokes(stage)["sent"]
        return cls(
            at=time.monotonic(), sleeps=int(fields["voluntary_ctxt_switches"]), sent=int(sent)
        )

    def check_calm(self, stage: Stage, most_a_second: float) -> None:
        """Since then the loop has not spun, nor sent more than so many pokes a second."""
        now = Exertion.of(stage)
        took = now.at - self.at
        assert took >= _SHORTEST_SECONDS
        print(f"  in {took:.1f} s {now.sleeps - self.sleeps} sleeps, {now.sent - self.sent} sent")
        assert now.sleeps - self.sleeps <= took * _WAKE_UPS
        assert now.sent - self.sent <= took * most_a_second
