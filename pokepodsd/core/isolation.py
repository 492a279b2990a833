"""Whether it is this node itself that is cut off, and not its peers.

Owns that judgement: most of the peers that were asked fail, and at least two of them; of a few,
all. One whose failure was told before does not count: it says nothing about now.
"""

from collections.abc import Iterable

from pokepodsd.core.decisions import CutOff
from pokepodsd.core.model import SECOND_NS, MonotonicNs
from pokepodsd.core.sights import View

_LEAST = 2
# With fewer asked, one that answers shows that it is not this node.
_FEW = 5
# Where some answer again, the others were asked too within this time: what still fails is theirs.
_ROUND_NS = 15 * SECOND_NS


class Isolation:
    """What is believed of this node, and since when."""

    def __init__(self) -> None:
        self._since_ns: MonotonicNs | None = None
        self._over_ns: MonotonicNs | None = None
        self._began_ns = MonotonicNs(0)
        self._some_ns: MonotonicNs | None = None
        self.news: list[CutOff] = []

    @property
    def is_on(self) -> bool:
        """Whether this node is believed to be cut off."""
        return self._since_ns is not None

    @property
    def since_ns(self) -> MonotonicNs | None:
        """Since when this node is cut off."""
        return self._since_ns

    def explains(self, since_ns: MonotonicNs) -> bool:
        """Whether an outage since then is, or was, this node's."""
        return self.is_on or self.is_past(since_ns)

    def is_past(self, since_ns: int) -> bool:
        """Whether what began then began before this node was well again."""
        return self._over_ns is not None and since_ns <= self._over_ns

    def is_news(self, failed_ns: MonotonicNs | None) -> bool:
        """Whether a poke that was lost then says something: it left after all was well again."""
        return self._over_ns is None or (failed_ns or 0) > self._over_ns

    def begin(self, views: Iterable[View], since_ns: MonotonicNs, now: MonotonicNs) -> bool:
        """Look at the peers, of which one fell silent at ``since_ns``; whether it is this node."""
        failing, answering = _count(views, since_ns)
        is_most = len(failing) > answering
        is_few = len(failing) + answering < _FEW
        if len(failing) < _LEAST or not is_most or (is_few and answering):
            return False
        self._some_ns = None
        self._since_ns, self._began_ns = since_ns, now
        self._tell(failing, answering, is_over=False)
        return True

    def end(self, views: Iterable[View], now: MonotonicNs) -> bool:
        """Look at the peers again; whether it is over. Without any that fail, it is."""
        failing, answering = _count(views, self._began_ns)
        if not answering:
            self._some_ns = None
        elif self._some_ns is None:
            self._some_ns = now
        is_theirs = self._some_ns is not None and now - self._some_ns > _ROUND_NS
        if failing and answering <= len(failing) and not is_theirs:
            return False
        self._tell(failing, answering, is_over=True)
        self._since_ns, self._over_ns = None, now
        return True

    def _tell(self, failing: list[View], answering: int, *, is_over: bool) -> None:
        news = CutOff(
            is_over=is_over,
            failing=len(failing),
            asked=len(failing) + answering,
            since_ns=self._since_ns or MonotonicNs(0),
            views=tuple(failing),
        )
        self.news.append(news)


def _count(views: Iterable[View], since_ns: MonotonicNs) -> tuple[list[View], int]:
    """Those that fail, and how many answered since; of the others nothing is known."""
    failing, answering = [], 0
    for view in views:
        if view.is_failing:
            failing.append(view)
        elif view.replied_ns is not None and view.replied_ns >= since_ns:
            answering += 1
    return failing, answering
