"""Numbers and times of a document in the words of a person.

Owns units and digits. Knows no column.
"""

from datetime import datetime, tzinfo
from math import floor

from pokepodsd.core.document import Loss
from pokepodsd.core.shape import Time

NOTHING = "-"
_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
# Below, the larger unit would hide too much: 90 s are not 1 min, nor are 30 hours a day.
_SPANS = ((_DAY, 2, "d"), (_HOUR, 2, "h"), (_MINUTE, 2, "min"))


def milliseconds(seconds: float | None) -> str:
    """A round trip, to about three digits and never more than a microsecond."""
    if seconds is None:
        return NOTHING
    value = seconds * 1_000
    digits = next((d for d, limit in ((3, 0.1), (2, 10), (1, 100)) if value < limit), 0)
    return f"{value:.{digits}f} ms"


def lateness(seconds: float) -> str:
    """In milliseconds, and in seconds where it is one or more."""
    return milliseconds(seconds) if seconds < 1 else span(floor(seconds))


def span(seconds: int) -> str:
    """How long something takes or lasts, in one unit: 45 s, 3 min, 2 h, 5 d; the future is 0 s."""
    for size, least, name in _SPANS:
        if seconds >= size * least:
            return f"{seconds // size} {name}"
    return f"{max(0, seconds)} s"


def between(then: Time, now: Time) -> str:
    """How long ago."""
    return span(floor((_parsed(now) - _parsed(then)).total_seconds()))


def clock(time: Time, now: Time, zone: tzinfo | None) -> str:
    """The time of day, with the date where it is not today's; in local time without a zone."""
    then, today = _parsed(time).astimezone(zone), _parsed(now).astimezone(zone).date()
    return f"{then:%H:%M:%S}" if then.date() == today else f"{then:%Y-%m-%d %H:%M}"


def percent(share: float | None) -> str:
    """A share as a whole percentage; neither none nor all is said of what is between."""
    if share is None:
        return NOTHING
    if 0 < share < 0.005:
        return "<1"
    if 0.995 <= share < 1:
        return ">99"
    return f"{share * 100:.0f}"


def losses(loss: Loss) -> str:
    """The three shares in one cell: 0/0/3 %."""
    shares = [percent(loss["1m"]), percent(loss["5m"]), percent(loss["15m"])]
    return NOTHING if set(shares) == {NOTHING} else f"{'/'.join(shares)} %"


def count(number: int, noun: str) -> str:
    """``1 peer``, ``5,000 peers``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _parsed(time: Time) -> datetime:
    return datetime.fromisoformat(time)
