"""What is told of the pace: that the cap stretches the interval, or leaves some pods out.

Owns that each is said once, and once again when it is over.
"""

from pokepodsd.core.config import Config
from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.pacing import Pacing
from pokepodsd.core.scope import Chooser
from pokepodsd.core.values import duration_text

# An interval that is longer by less than this is nobody's trouble.
_TOLERANCE_PERCENT = 10
_MILLION = -6


class PaceBelief:
    """What was told of the pace of the pods' pokes."""

    def __init__(self) -> None:
        self._is_stretched = False
        self._is_narrowed = False

    def tick(self, lane: Pacing, chooser: Chooser, *, config: Config) -> list[Entry]:
        """What is to be told now; not to be asked while a list comes in."""
        entries = []
        if chooser.is_narrowed != self._is_narrowed:
            self._is_narrowed = chooser.is_narrowed
            entries.append(self._tell_scope(config))
        if not lane.has_unpoked:
            asked_ns = config.poke.interval_ns
            is_stretched = lane.interval_ns * 100 > asked_ns * (100 + _TOLERANCE_PERCENT)
            if is_stretched != self._is_stretched:
                self._is_stretched = is_stretched
                entries.append(self._tell_stretch(lane, config))
        return entries

    def _tell_scope(self, config: Config) -> Entry:
        if not self._is_narrowed:
            text = "all pods are poked again"
            return Entry(kind=EventKind.SCOPE_WIDENED, level=Level.INFO, text=text)
        text = (
            f"more pods than {config.poke.max_rate} packets a second carry within two intervals: "
            f"{config.pods.per_node} of each node are poked, and every tunnel. Raise "
            "poke.max_rate, or set pods.scope"
        )
        return Entry(kind=EventKind.SCOPE_NARROWED, level=Level.NOTICE, text=text)

    def _tell_stretch(self, lane: Pacing, config: Config) -> Entry:
        asked = duration_text(config.poke.interval_ns)
        if not self._is_stretched:
            text = f"each target is poked every {asked} again"
            return Entry(kind=EventKind.INTERVAL_RESTORED, level=Level.INFO, text=text)
        kept = duration_text(round(lane.interval_ns, _MILLION))
        text = (
            f"{len(lane)} targets at {config.poke.max_rate} packets a second: "
            f"each is poked every {kept} instead of every {asked}. Raise poke.max_rate, or "
            "select fewer pods"
        )
        return Entry(kind=EventKind.INTERVAL_STRETCHED, level=Level.WARNING, text=text)
