"""Owns every time of the comparison: how long it is on a cluster, and how long it is here.

Refuses a time that is the same in both, but for those inside of the programs that are compared.
"""

import enum
from dataclasses import dataclass


class Scale(enum.IntEnum):
    """By how much a time is shorter here.

    One factor for whatever acts: who pokes, and who waits for a connection. It is the largest that
    pokepodsd takes (0.5 s is its shortest interval), and more would blow up what does not shrink,
    the cost of starting a program: that would count against the loop.

    The minutes between roll-outs and the timeout of the filter shrink by more, or a run would take
    an hour. So the timeout is as near to the pokes as if it were 40 s instead of 600 s, and to a
    pod's patience as well: that is harder on whoever keeps tunnels open, and kinder to nobody who
    pokes (while the pods of a roll-out still try, others may open their way by chance).
    """

    SECONDS = 10
    MINUTES = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A time with its name."""

    what: str
    real_seconds: float
    scale: Scale = Scale.SECONDS

    @property
    def seconds(self) -> float:
        return self.real_seconds / self.scale

    @property
    def setting(self) -> str:
        """As it stands in pokepodsd.toml."""
        return f"{self.seconds * 1000:.0f}ms"


FORGETTING = Span(
    what="the filter forgets a silent peer after (nf_conntrack_generic_timeout)",
    real_seconds=600,
    scale=Scale.MINUTES,
)
ROLLOUT = Span(
    what="some deployment rolls out every, on average", real_seconds=420, scale=Scale.MINUTES
)
TRY = Span(what="a starting pod waits for a connection", real_seconds=2)
PAUSES = tuple(Span(what="and then before it tries again", real_seconds=one) for one in (1, 2, 4))
LOOP_SLEEP = Span(what="the loop sleeps", real_seconds=5)
PING_WAIT = Span(what="its ping waits for an answer (-w)", real_seconds=1)
POKE_INTERVAL = Span(what="pokepodsd: poke.interval", real_seconds=5)
POKE_TIMEOUT = Span(what="pokepodsd: poke.timeout", real_seconds=1)
TUNNELS_INTERVAL = Span(what="pokepodsd: tunnels.interval", real_seconds=30)

ALL = (
    FORGETTING,
    ROLLOUT,
    TRY,
    *PAUSES,
    LOOP_SLEEP,
    PING_WAIT,
    POKE_INTERVAL,
    POKE_TIMEOUT,
    TUNNELS_INTERVAL,
)

# Two turns of what pokes the least often.
IDLE_SECONDS = 2 * TUNNELS_INTERVAL.seconds
