"""Numbers and times as a journal entry says them."""

from pokepodsd.core.model import MILLISECOND_NS, SECOND_NS
from pokepodsd.core.values import duration_text


def count(number: int, noun: str) -> str:
    """``1 poke``, ``2 pokes``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def span(duration_ns: int) -> str:
    """A duration to a tenth of a second below ten seconds, to a second above."""
    step = SECOND_NS // 10 if duration_ns < 10 * SECOND_NS else SECOND_NS
    return duration_text(round(duration_ns / step) * step)


def milliseconds(duration_ns: int) -> str:
    """A round trip, to a microsecond."""
    return f"{duration_ns / MILLISECOND_NS:.3f} ms"
