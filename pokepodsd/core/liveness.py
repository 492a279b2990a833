"""Progress, or "stuck because ...": what the watchdog follows.

Owns the judgement whether the loop does its work. It is judged by the work, not by a timer: a poke
that is due and is not sent, or a probe whose time is over and that is not given up, is a stuck
loop. An API server or a network that does not answer is none.
"""

from pokepodsd.core.model import SECOND_NS, MonotonicNs
from pokepodsd.core.values import duration_text

# Far above any delay of a loaded host, far below the watchdog's period.
PATIENCE_NS = 5 * SECOND_NS


def reason_stuck(
    now: MonotonicNs, *, next_poke: MonotonicNs | None, next_expiry: MonotonicNs | None
) -> str | None:
    """Why the loop makes no progress, or None if it does.

    To be asked right after the loop did what was due: then nothing due is left.
    """
    for what, due in (("a poke is due", next_poke), ("a probe is over", next_expiry)):
        if due is not None and now - due > PATIENCE_NS:
            late = duration_text((now - due) // SECOND_NS * SECOND_NS)
            return f"{what} since {late}, and nothing was done about it"
    return None
