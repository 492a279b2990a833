"""The table of legal changes of belief about one target.

Owns what is believed of each target; nothing else changes it. A target is down after
``fail_after`` failures in a row, and up after one reply.
"""

from collections import Counter
from collections.abc import ValuesView
from dataclasses import dataclass, field
from typing import Final, NamedTuple, assert_never

from pokepodsd.core.model import (
    Closed,
    Family,
    Health,
    MonotonicNs,
    NodeName,
    Outcome,
    OutcomeKind,
    Probe,
    Target,
    TargetId,
    Transition,
)


class Sign(Closed):
    """What an Outcome says about its target."""

    REPLY = "a reply"
    FAILURE = "a failure, and fewer in a row than fail_after"
    LAST_STRAW = "the failure that makes it fail_after in a row"
    NOTHING = "nothing: an opening poke, one sent before one that was answered, or congestion here"


LEGAL: Final[dict[tuple[Health, Sign], Health]] = {
    (Health.OPENING, Sign.REPLY): Health.UP,
    (Health.OPENING, Sign.FAILURE): Health.OPENING,
    (Health.OPENING, Sign.LAST_STRAW): Health.DOWN,
    (Health.OPENING, Sign.NOTHING): Health.OPENING,
    (Health.UP, Sign.REPLY): Health.UP,
    (Health.UP, Sign.FAILURE): Health.UP,
    (Health.UP, Sign.LAST_STRAW): Health.DOWN,
    (Health.UP, Sign.NOTHING): Health.UP,
    (Health.DOWN, Sign.REPLY): Health.UP,
    (Health.DOWN, Sign.FAILURE): Health.DOWN,
    (Health.DOWN, Sign.LAST_STRAW): Health.DOWN,
    (Health.DOWN, Sign.NOTHING): Health.DOWN,
}


@dataclass(slots=True)
class Tally:
    """How many targets of one node there are, in doubt (failing, not yet down), down, and up.

    ``replied`` is when the last poke left that one answered, and ``answering`` how many do, by
    family, without those that are the node's own address; ``failing`` is the last that did not,
    and ``failed_ns`` when that poke left.
    """

    targets: int = 0
    doubtful: int = 0
    down: int = 0
    up: int = 0
    replied: dict[Family, MonotonicNs] = field(default_factory=dict)
    answering: Counter[Family] = field(default_factory=Counter)
    failing: Target | None = None
    failed_ns: MonotonicNs | None = None


@dataclass(slots=True)
class Record:
    """The belief about one target and what it rests on.

    ``sent`` counts its probes, ``answered`` is the number of the last one that was answered,
    ``replied_ns`` is when that left; ``failure`` is the last failure's short text, and
    ``failed_ns`` when the last one that counted left.
    """

    target: Target
    health: Health
    since_ns: MonotonicNs
    failures: int = 0
    sent: int = 0
    answered: int = 0
    unanswered_since_ns: MonotonicNs | None = None
    replied_ns: MonotonicNs | None = None
    failure: str = ""
    failed_ns: MonotonicNs | None = None

    def standing(self) -> "Standing":
        """As it is now, to compare with later."""
        return Standing(self.health, self.failures, self.answered, self.unanswered_since_ns)


class Standing(NamedTuple):
    """What a record said before an Outcome changed it."""

    health: Health
    failures: int
    answered: int
    unanswered_since_ns: MonotonicNs | None


class HealthBook:
    """The beliefs about all targets, with their counts by health and by node."""

    def __init__(self) -> None:
        self._records: dict[TargetId, Record] = {}
        self._tallies: dict[NodeName | None, Tally] = {}
        self.counts = dict.fromkeys(Health, 0)
        self.not_up: dict[TargetId, Record] = {}
        """The records of all that are not up, so that whoever asks need not look at all."""

    def add(self, target: Target, now: MonotonicNs) -> None:
        """A new target; nothing is known of it."""
        record = Record(target=target, health=Health.OPENING, since_ns=now)
        self._records[target.id] = self.not_up[target.id] = record
        self._count(record, 1)

    def change(self, target: Target) -> None:
        """The target's names or node changed; it is still the same target."""
        record = self._records[target.id]
        before = record.target.node
        self._count(record, -1)
        record.target = target
        self._count(record, 1)
        self._drop_empty(before)

    def remove(self, target_id: TargetId) -> Record | None:
        """Forget a target; what was believed of it is returned."""
        record = self._records.pop(target_id, None)
        self.not_up.pop(target_id, None)
        if record is not None:
            self._count(record, -1)
            self._drop_empty(record.target.node)
        return record

    def get(self, target_id: TargetId) -> Record | None:
        """The belief about a target; None if it was withdrawn."""
        return self._records.get(target_id)

    def all(self) -> ValuesView[Record]:
        """The beliefs about all targets."""
        return self._records.values()

    def tally(self, node: NodeName | None) -> Tally:
        """The counts of one node."""
        return self._tallies.get(node) or Tally()

    def sent(self, probe: Probe) -> None:
        """A probe is on its way; it gets its number among all that were sent to its target."""
        record = self._records[probe.target.id]
        if record.sent == record.answered:
            record.unanswered_since_ns = probe.sent_ns
        record.sent += 1
        probe.ordinal = record.sent

    def judge(self, outcome: Outcome, fail_after: int) -> Transition | None:
        """Take one Outcome; the change of belief that it causes, if any."""
        record = self._records.get(outcome.probe.target.id)
        if record is None:
            return None
        sign = _sign(record, outcome, fail_after)
        transition = None
        if sign is Sign.REPLY and record.health is Health.UP and not record.failures:
            # As nearly always: nothing changes that is counted.
            _note(record, outcome, sign)
        else:
            after = LEGAL[record.health, sign]
            self._count(record, -1)
            if after is not record.health:
                transition = _change(record, after, outcome)
            _note(record, outcome, sign)
            self._count(record, 1)
            if transition is not None:
                self._note_standing(record)
        target = record.target
        tally = self._tallies[target.node]
        if sign is not Sign.REPLY:
            tally.failing, tally.failed_ns = target, outcome.probe.sent_ns
        elif target.address != target.host:
            tally.replied[target.family] = outcome.probe.sent_ns
        return transition

    def _note_standing(self, record: Record) -> None:
        if record.health is Health.UP:
            self.not_up.pop(record.target.id, None)
        else:
            self.not_up[record.target.id] = record

    def _drop_empty(self, node: NodeName | None) -> None:
        """Nothing is left of a node without targets, not even that one has answered."""
        if not self._tallies[node].targets:
            del self._tallies[node]

    def _count(self, record: Record, by: int) -> None:
        self.counts[record.health] += by
        tally = self._tallies.setdefault(record.target.node, Tally())
        tally.targets += by
        tally.up += by if record.health is Health.UP else 0
        if record.health is Health.DOWN:
            tally.down += by
        elif record.failures:
            tally.doubtful += by
        elif record.health is Health.UP and record.target.address != record.target.host:
            tally.answering[record.target.family] += by


def _change(record: Record, after: Health, outcome: Outcome) -> Transition:
    transition = Transition(
        target=record.target,
        before=record.health,
        after=after,
        at_ns=outcome.at_ns,
        since_ns=record.since_ns,
        failing_since_ns=record.unanswered_since_ns or outcome.probe.sent_ns,
        pokes=outcome.probe.ordinal - record.answered - (after is Health.UP),
        outcome=outcome,
    )
    record.health = after
    # An outage began with the first poke that was lost, not with the verdict about it.
    record.since_ns = transition.failing_since_ns if after is Health.DOWN else outcome.at_ns
    return transition


def _sign(record: Record, outcome: Outcome, fail_after: int) -> Sign:
    if outcome.kind is OutcomeKind.REPLIED:
        return Sign.REPLY
    is_overtaken = outcome.probe.ordinal < record.answered
    if outcome.probe.opening or is_overtaken or outcome.is_for_want_of_room:
        return Sign.NOTHING
    return Sign.LAST_STRAW if record.failures + 1 >= fail_after else Sign.FAILURE


def _note(record: Record, outcome: Outcome, sign: Sign) -> None:
    match sign:
        case Sign.REPLY:
            probe = outcome.probe
            record.answered = max(record.answered, probe.ordinal)
            record.failures = 0
            record.replied_ns = probe.sent_ns
            is_all_answered = record.sent == record.answered
            record.unanswered_since_ns = None if is_all_answered else outcome.at_ns
        case Sign.FAILURE | Sign.LAST_STRAW:
            record.failures += 1
            record.failure = outcome.name
            record.failed_ns = outcome.probe.sent_ns
        case Sign.NOTHING:
            record.failure = outcome.name
        case _:
            assert_never(sign)
