"""What pokes came to, counted: outcomes by layer, round trips as histograms, losses by time.

Owns the counting, each in constant memory. Judges nothing: a belief is `health`'s, a verdict the
assessment's.
"""

import math
from array import array
from collections import Counter
from statistics import median

from pokepodsd.core.model import SECOND_NS, Layer, MonotonicNs, Outcome, OutcomeKind

SCHEMA = 3
"""Prometheus' native histograms: bucket i holds what is in (2**((i-1)/8), 2**(i/8)] seconds."""
WINDOWS = {"1m": 2, "5m": 10, "15m": 30}
"""The windows of losses by name, in slots; the running slot comes on top."""
_PER_OCTAVE = 2**SCHEMA
_SLOT_NS = 30 * SECOND_NS
_SLOTS = max(WINDOWS.values()) + 1
# Of a tunnel that is poked every 30 s, seven minutes.
_RECENT = 15
_MICROSECOND_NS = 1_000
_LATE_SLOT_NS = 10 * SECOND_NS
_LATE_SLOTS = 7
# What an array of unsigned int holds.
_MOST_US = 2**32 - 1


class RttHistogram:
    """Round trips as a native histogram: ``buckets`` by index; those of 0 ns in ``zero``."""

    def __init__(self) -> None:
        self.count = 0
        self.sum_ns = 0
        self.zero = 0
        self.buckets: Counter[int] = Counter()

    def add(self, rtt_ns: int) -> None:
        """Count one round trip."""
        self.count += 1
        self.sum_ns += rtt_ns
        if rtt_ns <= 0:
            self.zero += 1
        else:
            self.buckets[math.ceil(math.log2(rtt_ns / SECOND_NS) * _PER_OCTAVE)] += 1


class PokeWindow:
    """The pokes of the last 15 minutes: how many were answered and lost, and the round trips.

    Of a peer, or of all. Time is in slots of half a minute, so that a window is up to one longer
    than its name says.
    """

    def __init__(self, recent: int = _RECENT) -> None:
        """``recent`` is of how many round trips the median is."""
        self._slot = 0
        self._answered = array("I", bytes(4 * _SLOTS))
        self._lost = array("I", bytes(4 * _SLOTS))
        self._worst_us = array("I", bytes(4 * _SLOTS))
        self._recent_us = array("I")
        self._most_recent = recent
        self._next = 0

    def note(self, rtt_ns: int | None, now: MonotonicNs) -> None:
        """Count a poke that was answered after ``rtt_ns``, or was not."""
        slot = now // _SLOT_NS
        place = slot % _SLOTS if slot == self._slot else self._advance(now)
        if rtt_ns is None:
            self._lost[place] += 1
            return
        self._answered[place] += 1
        rtt_us = rtt_ns // _MICROSECOND_NS
        if rtt_us > self._worst_us[place]:
            rtt_us = self._worst_us[place] = min(rtt_us, _MOST_US)
        recent, position = self._recent_us, self._next
        if position < len(recent):
            recent[position] = rtt_us
        else:
            recent.append(rtt_us)
        self._next = position + 1 if position + 1 < self._most_recent else 0

    def losses(self, now: MonotonicNs) -> dict[str, float | None]:
        """The share that was lost, by the name of the window; None where no poke ended."""
        place = self._advance(now)
        shares: dict[str, float | None] = {}
        for name, slots in WINDOWS.items():
            places = [(place - back) % _SLOTS for back in range(slots + 1)]
            lost = sum(self._lost[one] for one in places)
            ended = lost + sum(self._answered[one] for one in places)
            shares[name] = lost / ended if ended else None
        return shares

    def median_ns(self, now: MonotonicNs) -> int | None:
        """The median of the last round trips; None where nothing was answered in 15 minutes."""
        self._advance(now)
        if not any(self._answered):
            return None
        return round(median(self._recent_us) * _MICROSECOND_NS)

    def worst_ns(self, now: MonotonicNs) -> int | None:
        """The worst round trip of the last 15 minutes."""
        self._advance(now)
        return max(self._worst_us) * _MICROSECOND_NS if any(self._answered) else None

    def _advance(self, now: MonotonicNs) -> int:
        """Empty the slots that have passed; the place of the running one."""
        slot = now // _SLOT_NS
        if slot > self._slot:
            for passed in range(max(self._slot + 1, slot - _SLOTS + 1), slot + 1):
                place = passed % _SLOTS
                self._answered[place] = self._lost[place] = self._worst_us[place] = 0
            self._slot = slot
        return self._slot % _SLOTS


class Ledger:
    """All outcomes ever: by layer and kind, round trips by layer, failures by name."""

    def __init__(self) -> None:
        self.outcomes = {layer: Counter[OutcomeKind]() for layer in Layer}
        self.rtts = {layer: RttHistogram() for layer in Layer}
        self.send_errors: Counter[str] = Counter()
        self.icmp_errors: Counter[str] = Counter()

    def note(self, outcome: Outcome) -> None:
        """Count the end of one probe."""
        layer, kind = outcome.probe.target.layer, outcome.kind
        self.outcomes[layer][kind] += 1
        if kind is OutcomeKind.REPLIED:
            self.rtts[layer].add(outcome.rtt_ns or 0)
        elif kind is OutcomeKind.SEND_FAILED:
            self.send_errors[outcome.detail] += 1
        elif kind is OutcomeKind.REJECTED:
            self.icmp_errors[outcome.detail] += 1


class Lateness:
    """How late the loop came back to what was due: altogether, and the worst of the last minute."""

    def __init__(self) -> None:
        self.total_ns = 0
        self._worst_ns: dict[int, int] = {}

    def note(self, late_ns: int, now: MonotonicNs) -> None:
        """It came ``late_ns`` after something was due."""
        self.total_ns += late_ns
        slot = now // _LATE_SLOT_NS
        self._worst_ns[slot] = max(self._worst_ns.get(slot, 0), late_ns)
        if len(self._worst_ns) > _LATE_SLOTS:
            del self._worst_ns[min(self._worst_ns)]

    def worst_ns(self, now: MonotonicNs) -> int:
        """The worst of the last minute."""
        oldest = now // _LATE_SLOT_NS - _LATE_SLOTS
        recent = (late for slot, late in self._worst_ns.items() if slot > oldest)
        return max(recent, default=0)
