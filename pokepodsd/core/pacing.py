"""Whose turn it is: due times, even spread, the rate cap, newcomers first.

Owns when each target is poked. The steady pokes go round: one target every ``interval / n``, the
one that waited longest first. So they are spread evenly whatever is added or withdrawn, and each
target has one poke an interval. A newcomer is poked at once, and again a few times quickly until
it answers. All of it together stays under ``max_rate``, by a token bucket that is never deeper
than `DEPTH_NS`; what the loop could not send in time is skipped, not made up for in a burst.
"""

import heapq
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass

from pokepodsd.core.model import MILLISECOND_NS, SECOND_NS, MonotonicNs, TargetId

# The first pokes of a newcomer, after it appeared. A tunnel opens when both ends have sent
# something, so the second or third passes where the first is lost by design; the gaps double.
OPENING_OFFSETS_NS = (
    0,
    200 * MILLISECOND_NS,
    600 * MILLISECOND_NS,
    1400 * MILLISECOND_NS,
    3000 * MILLISECOND_NS,
)
# How far behind the loop may be and still catch up. With 90 ms no window of 100 ms holds more
# than (90 + 100) / 100 = 1.9 times its share.
DEPTH_NS = 90 * MILLISECOND_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A target's turn; ``opening`` for a newcomer's quick pokes."""

    id: TargetId
    opening: bool


class Pacing:
    """The order and the times of all pokes."""

    def __init__(self, *, interval_ns: int, max_rate: int, now: MonotonicNs) -> None:
        self._interval_ns = interval_ns
        self._token_ns = SECOND_NS // max_rate
        self._depth_ns = max(DEPTH_NS, self._token_ns)
        self._spent_until: int = now - self._depth_ns
        self._last_slot: int = now
        self._round: OrderedDict[TargetId, int] = OrderedDict()
        self._opening: dict[TargetId, int] = {}
        self._newcomers: deque[TargetId] = deque()
        self._retries: list[tuple[int, int, TargetId, int]] = []
        self._taken = self._taken_round = 0
        self._turns = self._pushed = 0
        self._unpoked = 0
        new, again, steady = self._take_newcomer, self._take_retry, self._take_round
        self._spare_order = (new, again, steady)
        # Where targets wait longer than they should, first pokes and steady ones alternate; of
        # the turns that no newcomer needs, every fourth of all is for a second poke.
        self._scarce_orders = (
            (steady, new, again),
            (new, steady, again),
            (steady, new, again),
            (new, again, steady),
        )

    def set_limits(self, *, interval_ns: int, max_rate: int) -> None:
        """Take new settings; nobody loses the turn."""
        self._interval_ns = interval_ns
        self._token_ns = SECOND_NS // max_rate
        self._depth_ns = max(DEPTH_NS, self._token_ns)

    @property
    def interval_ns(self) -> int:
        """The interval that is really kept: the one asked for, stretched by the rate cap."""
        return max(self._interval_ns, len(self) * self._token_ns)

    @property
    def is_stretched(self) -> bool:
        """Whether the rate cap makes the interval longer than asked for."""
        return self.interval_ns > self._interval_ns

    @property
    def has_unpoked(self) -> bool:
        """Whether a newcomer waits for its first poke."""
        return self._unpoked > 0

    def __len__(self) -> int:
        return len(self._round) + self._unpoked

    def add(self, target_id: TargetId) -> None:
        """A newcomer: its first turn is now."""
        self._opening[target_id] = 0
        self._unpoked += 1
        self._newcomers.append(target_id)

    def remove(self, target_id: TargetId) -> None:
        """A target is withdrawn."""
        if self._opening.pop(target_id, None) == 0:
            self._unpoked -= 1
        self._round.pop(target_id, None)

    def settle(self, target_id: TargetId) -> None:
        """A newcomer answered: no more quick pokes."""
        if self._opening.get(target_id):
            del self._opening[target_id]

    def take(self, now: MonotonicNs) -> Iterator[Turn]:
        """Every turn that is due and allowed at ``now``."""
        self._spent_until = max(self._spent_until, now - self._depth_ns)
        self._last_slot = max(self._last_slot, now - self._slot_ns() - self._depth_ns)
        self._taken = self._taken_round = 0
        while self._spent_until + self._token_ns <= now:
            turn = self._next_turn(now)
            if turn is None:
                return
            self._spent_until += self._token_ns
            self._taken += 1
            self._taken_round += not turn.opening
            yield turn

    def sent(self, now: MonotonicNs) -> None:
        """All that was taken has left by ``now``.

        A loop that was held up between taking and sending must not send the next packets as if
        these had left in time.
        """
        oldest = now - self._depth_ns
        slot_ns = self._slot_ns()
        self._spent_until = max(self._spent_until, oldest + self._taken * self._token_ns)
        self._last_slot = max(self._last_slot, oldest - slot_ns + self._taken_round * slot_ns)

    def next_due(self) -> MonotonicNs | None:
        """When `take` has something again; None without targets."""
        self._drop_stale()
        times = [self._spent_until] if self._newcomers else []
        if self._retries:
            times.append(self._retries[0][0])
        if self._round:
            times.append(self._last_slot + self._slot_ns())
        if not times:
            return None
        return MonotonicNs(max(min(times), self._spent_until + self._token_ns))

    def _next_turn(self, now: MonotonicNs) -> Turn | None:
        self._drop_stale()
        oldest = next(iter(self._round.values()), now)
        is_scarce = now - oldest > self.interval_ns * 5 // 4
        order = self._scarce_orders[self._turns % 4] if is_scarce else self._spare_order
        self._turns += 1
        return next((turn for take in order if (turn := take(now)) is not None), None)

    def _take_newcomer(self, now: MonotonicNs) -> Turn | None:
        if not self._newcomers:
            return None
        target_id = self._newcomers.popleft()
        self._unpoked -= 1
        if not self._round:
            self._last_slot = now
        return self._take_opening(target_id, 0, now)

    def _take_retry(self, now: MonotonicNs) -> Turn | None:
        if not self._retries or self._retries[0][0] > now:
            return None
        _, _, target_id, attempt = heapq.heappop(self._retries)
        return self._take_opening(target_id, attempt, now)

    def _take_opening(self, target_id: TargetId, attempt: int, now: MonotonicNs) -> Turn:
        """Where turns are scarce, a quick poke counts as the target's turn of the round."""
        if attempt == 0 or self.is_stretched:
            self._round[target_id] = now
            self._round.move_to_end(target_id)
        following = attempt + 1
        if following < len(OPENING_OFFSETS_NS):
            self._opening[target_id] = following
            gap = OPENING_OFFSETS_NS[following] - OPENING_OFFSETS_NS[attempt]
            self._pushed += 1
            heapq.heappush(self._retries, (now + gap, self._pushed, target_id, following))
        else:
            del self._opening[target_id]
        return Turn(id=target_id, opening=True)

    def _take_round(self, now: MonotonicNs) -> Turn | None:
        if not self._round:
            return None
        due = self._last_slot + self._slot_ns()
        if due > now:
            return None
        self._last_slot = due
        target_id = next(iter(self._round))
        self._round[target_id] = now
        self._round.move_to_end(target_id)
        return Turn(id=target_id, opening=False)

    def _slot_ns(self) -> int:
        """The time between two steady pokes."""
        return max(self._interval_ns // max(1, len(self._round)), self._token_ns)

    def _drop_stale(self) -> None:
        """Withdrawn and settled newcomers stay queued until they come to the front."""
        while self._newcomers and self._opening.get(self._newcomers[0]) != 0:
            self._newcomers.popleft()
        while self._retries:
            _, _, target_id, attempt = self._retries[0]
            if self._opening.get(target_id) == attempt:
                return
            heapq.heappop(self._retries)
