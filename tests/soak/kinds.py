"""The faults of an endurance run: what there is, how long each lasts, what it may not meet.

Owns the table. Makes nothing: `makers` does.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Group(Enum):
    """Which nodes a fault may have; a third of the nodes each, so that a third is never ended.

    A process that was ended has no long series of samples: whether it leaks, the others show.
    """

    ANY = "any"
    ENDED = "the daemon is ended"
    BEREFT = "its reader is ended"

    def has(self, index: int) -> bool:
        """Whether the node with this index may have it."""
        if self is Group.ANY:
            return True
        return index % 3 == (0 if self is Group.ENDED else 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of fault.

    It lasts from ``shortest`` to ``longest`` seconds. ``locks`` are what no two faults hold at the
    same time: ``X`` stands for the node that has it, ``Y`` for the other one. ``nodes`` is how
    many nodes it names.
    """

    name: str
    shortest: float
    longest: float
    locks: tuple[str, ...] = ()
    nodes: int = 1
    group: Group = Group.ANY
    has_pod: bool = False


# An outage of a pod is told after three lost pokes, some of the interval each.
_POD_LEAST: Final = 4.5
_POD_MOST: Final = 6.0
_POD_MORE: Final = 8.0
# Longer than WatchdogSec=30.
_HUNG: Final = 34.0

_API: Final = ("api",)
_NET: Final = ("net", "net:X")


def table(interval_seconds: float) -> tuple[Kind, ...]:
    """Every kind, where each pod is poked once in this interval."""
    shortest = _POD_LEAST * interval_seconds + _POD_MORE
    longest = _POD_MOST * interval_seconds + _POD_MORE
    pods = [
        Kind(name=name, shortest=shortest, longest=longest, locks=("net:X",), has_pod=True)
        for name in ("pod-dead", "pod-rejected")
    ]
    return (
        Kind(name="api-killed", shortest=16, longest=28, locks=_API, nodes=0),
        Kind(name="api-frozen", shortest=12, longest=28, locks=_API, nodes=0),
        Kind(name="api-gone", shortest=1, longest=2, locks=_API, nodes=0),
        Kind(name="api-errors", shortest=12, longest=24, locks=_API, nodes=0),
        Kind(name="api-busy", shortest=10, longest=20, locks=_API, nodes=0),
        Kind(name="api-slow", shortest=10, longest=20, locks=_API, nodes=0),
        Kind(name="api-proxy", shortest=10, longest=20, locks=_API, nodes=0),
        Kind(name="watches-broken", shortest=1, longest=2, locks=_API, nodes=0),
        Kind(name="api-half-open", shortest=15, longest=35, locks=("api", "daemon:X")),
        Kind(name="kubeconfig-rotated", shortest=1, longest=2, locks=("api", "daemon:X")),
        Kind(name="kubeconfig-half", shortest=8, longest=20, locks=("api", "daemon:X")),
        Kind(name="kubeconfig-gone", shortest=8, longest=20, locks=("api", "daemon:X")),
        Kind(name="link-down", shortest=32, longest=48, locks=("api", *_NET)),
        Kind(name="tunnel-closed", shortest=32, longest=48, locks=_NET),
        Kind(name="pair-refused", shortest=32, longest=48, locks=(*_NET, "net:Y"), nodes=2),
        Kind(name="interface-bounced", shortest=1, longest=2, locks=_NET),
        Kind(name="neighbours-flushed", shortest=1, longest=2, locks=("net:X",)),
        *pods,
        Kind(name="daemon-killed", shortest=1, longest=2, locks=("daemon:X",), group=Group.ENDED),
        Kind(name="daemon-stopped", shortest=4, longest=12, locks=("daemon:X", "stop")),
        Kind(
            name="daemon-hung",
            shortest=_HUNG,
            longest=_HUNG + 2,
            locks=("daemon:X", "stop"),
            group=Group.ENDED,
        ),
        Kind(name="reader-killed", shortest=1, longest=2, locks=("daemon:X",), group=Group.BEREFT),
        Kind(name="state-read-only", shortest=15, longest=30, locks=("daemon:X",)),
        Kind(
            name="state-rubbish",
            shortest=1,
            longest=2,
            locks=("daemon:X", "api"),
            group=Group.ENDED,
        ),
        Kind(name="forged-flood", shortest=8, longest=15, locks=("flood",), nodes=2),
        Kind(name="reloaded", shortest=30, longest=50, locks=("daemon:X",)),
        Kind(name="client-hangs", shortest=15, longest=40, locks=("client:X",)),
        Kind(name="load", shortest=6, longest=12, locks=("load",), nodes=0),
    )
