"""Whose turn it is: due times, even spread, newcomers first.

Owns when each target of one layer is poked. The steady pokes go round: one target every
``interval / n``, the one that waited longest first. So they are spread evenly whatever is added or
withdrawn, and each target has one poke an interval. A newcomer is poked at once, and again a few
times quickly until it answers; so is a target that a burst is asked for. All of it takes its
tokens from the bucket that it shares with the other layers.
"""

import heapq
from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import NamedTuple

from pokepodsd.core.bucket import Bucket
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


class Turn(NamedTuple):
    """A target's turn; ``opening`` for a newcomer's quick pokes, not for those of a burst."""

    id: TargetId
    opening: bool


class Pacing:
    """The order and the times of the pokes of one layer."""

    def __init__(self, bucket: Bucket, *, interval_ns: int, now: MonotonicNs) -> None:
        self.bucket = bucket
        self._interval_ns = interval_ns
        self._token_ns = bucket.token_ns
        self._last_slot: int = now
        self._round: OrderedDict[TargetId, int] = OrderedDict()
        self._opening: dict[TargetId, int] = {}
        self._newcomers: deque[TargetId] = deque()
        self._retries: list[tuple[int, int, TargetId, int]] = []
        self._bursting: set[TargetId] = set()
        self._expected: dict[TargetId, int] = {}
        self._taken_round = 0
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

    def set_limits(self, *, interval_ns: int, rate: float | None = None) -> None:
        """Take a new interval, and the packets a second that other layers leave; all, if None.

        Nobody loses the turn.
        """
        self._interval_ns = interval_ns
        self._token_ns = self.bucket.token_ns if rate is None else int(SECOND_NS / rate)

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

    def join(self, target_id: TargetId, now: MonotonicNs) -> None:
        """A newcomer that has time: its first turn is the last of the round."""
        if not self._round:
            self._last_slot = now
        self._round[target_id] = now

    def burst(self, target_id: TargetId) -> None:
        """Poke a target of the round at once, and quickly until it answers, as if it were new.

        A burst that is under way goes on as it is.
        """
        if target_id in self._opening or self._round.pop(target_id, None) is None:
            return
        self._bursting.add(target_id)
        self.add(target_id)

    def __contains__(self, target_id: TargetId) -> bool:
        return target_id in self._round or target_id in self._opening

    def remove(self, target_id: TargetId) -> None:
        """A target is withdrawn."""
        if self._opening.pop(target_id, None) == 0:
            self._unpoked -= 1
        self._round.pop(target_id, None)
        self._bursting.discard(target_id)
        self._expected.pop(target_id, None)

    def settle(self, target_id: TargetId) -> None:
        """It answered: no more quick pokes."""
        if self._opening.get(target_id):
            del self._opening[target_id]
            self._bursting.discard(target_id)
            self._expected.pop(target_id, None)

    def take(self, now: MonotonicNs) -> Iterator[Turn]:
        """Every turn that is due and allowed at ``now``, since the bucket was opened for it."""
        bucket = self.bucket
        self._last_slot = max(self._last_slot, now - self._slot_ns() - bucket.depth_ns)
        self._taken_round = 0
        for _ in range(bucket.room(now)):
            # Nearly always there is nobody but the round.
            is_plain = not self._newcomers and not self._retries
            turn = self._take_round(now) if is_plain else self._next_turn(now)
            if turn is None:
                return
            bucket.take()
            yield turn

    def sent(self, now: MonotonicNs) -> None:
        """All that was taken has left by ``now``: see `Bucket.sent`."""
        slot_ns = self._slot_ns()
        oldest = now - self.bucket.depth_ns
        self._last_slot = max(self._last_slot, oldest - slot_ns + self._taken_round * slot_ns)

    def next_due(self) -> MonotonicNs | None:
        """When `take` has something again; None without targets."""
        self._drop_stale()
        times: list[int] = [self.bucket.spent_until] if self._newcomers else []
        if self._retries:
            times.append(self._retries[0][0])
        if self._round:
            times.append(self._last_slot + self._slot_ns())
        if not times:
            return None
        return MonotonicNs(max(min(times), self.bucket.next_token()))

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
            self._expected[target_id] = self._pushed
            heapq.heappush(self._retries, (now + gap, self._pushed, target_id, following))
        else:
            del self._opening[target_id]
            self._expected.pop(target_id, None)
        is_burst = target_id in self._bursting
        if following == len(OPENING_OFFSETS_NS):
            self._bursting.discard(target_id)
        return Turn(id=target_id, opening=not is_burst)

    def _take_round(self, now: MonotonicNs) -> Turn | None:
        if not self._round:
            return None
        # As `_slot_ns`, without the call for every poke.
        due = self._last_slot + max(self._interval_ns // len(self._round), self._token_ns)
        if due > now:
            return None
        self._last_slot = due
        self._taken_round += 1
        target_id, _ = self._round.popitem(last=False)
        self._round[target_id] = now
        return Turn(target_id, opening=False)

    def _slot_ns(self) -> int:
        """The time between two steady pokes."""
        return max(self._interval_ns // max(1, len(self._round)), self._token_ns)

    def _drop_stale(self) -> None:
        """Withdrawn and settled newcomers stay queued until they come to the front."""
        while self._newcomers and self._opening.get(self._newcomers[0]) != 0:
            self._newcomers.popleft()
        while self._retries:
            # One that is left over from an earlier burst is not this one's.
            _, pushed, target_id, attempt = self._retries[0]
            is_expected = self._expected.get(target_id) == pushed
            if is_expected and self._opening.get(target_id) == attempt:
                return
            heapq.heappop(self._retries)
