"""Checks this host's clock: certificates are judged by it, and entries are dated by it.

Owns what is too far off. The API server's clock is compared where its answer is (`apianswers`).
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from pokepodsd.edge.clock import is_synchronised
from pokepodsd.preflight.finding import Finding, Topic
from pokepodsd.preflight.world import World

CLOCK = Topic(check="clock", name="clock")
# Whatever service of the kind is installed (systemd-timedated(8): chrony, systemd-timesyncd, ntpd).
SET_CLOCK = "timedatectl set-ntp true"
# Earlier than this there was no pokepodsd.
_EARLIEST = datetime(2025, 1, 1, tzinfo=UTC)


def check_clock(world: World) -> Iterator[Finding]:
    """Whether it shows a time that can be, and the kernel takes it for synchronised."""
    now = datetime.fromtimestamp(world.wall_ns() / 1e9, tz=UTC)
    shown = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if now < _EARLIEST:
        text = f"it shows {shown}, which is past: certificates are not valid yet by it"
        yield CLOCK.failed(text, SET_CLOCK)
        return
    match is_synchronised():
        case True:
            yield CLOCK.ok(f"{shown}, synchronised")
        case False:
            text = f"{shown}, and nothing synchronises it (adjtimex: unsynchronised)"
            yield CLOCK.warning(text, SET_CLOCK)
        case None:
            yield CLOCK.ok(f"{shown}; whether it is synchronised, this kernel does not say")
