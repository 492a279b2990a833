"""What is said at the start and at the stop.

Owns the words. What the routes show is said right after, as the `bulletin` has it.
"""

from collections.abc import Mapping

from pokepodsd.core.config import Config
from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.model import Family, Snapshot
from pokepodsd.core.values import duration_text


def tell_start(version: str, config: Config, sockets: Mapping[Family, str], saved: int) -> Entry:
    """What will be done, and with what; ``sockets`` are kinds of ICMP sockets by family."""
    kinds = ", ".join(f"IPv{family.value} {kind}" for family, kind in sockets.items())
    text = (
        f"pokepodsd {version} pokes tunnels every {duration_text(config.tunnels.interval_ns)} and "
        f"pods every {duration_text(config.poke.interval_ns)}, at most {config.poke.max_rate} "
        f"packets a second; ICMP sockets: {kinds}; {saved} targets known from before"
    )
    return Entry(kind=EventKind.STARTED, level=Level.INFO, text=text)


def tell_stop(snapshot: Snapshot) -> Entry:
    """What was done."""
    text = f"stopped, after {snapshot.sent} pokes and {snapshot.received} replies"
    return Entry(kind=EventKind.STOPPED, level=Level.INFO, text=text)
