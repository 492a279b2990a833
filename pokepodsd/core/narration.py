"""Changes of belief about pods to journal entries: when, and together with what.

Owns the grouping: changes of many targets of one node become one entry. A change is
held back only while other targets of its node are about to change too, and for a hold at the
most; what is withdrawn meanwhile is not told at all. What a verdict on the whole peer explains is
not told either, unless it lasts when the peer is well again, and each has been poked since.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from pokepodsd.core.decisions import Mood, MoodOf
from pokepodsd.core.entries import Entry, EventKind
from pokepodsd.core.health import Record, Tally
from pokepodsd.core.model import Health, MonotonicNs, NodeName, Target, TargetId, Transition
from pokepodsd.core.podnews import kind_of, tell, tell_withdrawal


@dataclass(slots=True)
class _Group:
    """The changes of one node's targets in one direction, and when they are told at the latest.

    Not before either, where ``is_patient``.
    """

    deadline: MonotonicNs
    is_patient: bool = False
    transitions: dict[TargetId, Transition] = field(default_factory=dict)

    @property
    def since_ns(self) -> int:
        """When the first of the pokes left that made the changes."""
        return min(one.outcome.probe.sent_ns for one in self.transitions.values())


_AT_ONCE = (Health.OPENING, Health.UP, 0)
_Key = tuple[NodeName | None, EventKind]
_TallyOf = Callable[[NodeName | None], Tally]


class Narrator:
    """Collects transitions, and tells them in the order in which they happened to a target."""

    def __init__(self) -> None:
        self._groups: dict[_Key, _Group] = {}
        self._held: dict[TargetId, _Key] = {}
        self._muffled: dict[NodeName | None, dict[TargetId, Transition]] = {}
        self._ready: list[Entry] = []

    def note(
        self, transition: Transition, counts: Tally, *, hold_ns: int, mood: Mood = Mood.CLEAR
    ) -> None:
        """Take a change of belief; a newcomer that answered its first poke is not worth telling.

        ``counts`` and ``mood`` are those of the target's node.
        """
        if (transition.before, transition.after, transition.pokes) == _AT_ONCE:
            return
        target = transition.target
        if self._unmuffle(target) is not None:
            # That it went down was not told, for its peer's sake, and it is up again.
            return
        if mood is not Mood.CLEAR and self._forget_down(target):
            return
        if (earlier := self._held.get(target.id)) is not None:
            # What happened to this target before is told first.
            self._ready.append(self._tell(earlier, counts))
        self._hold(transition, MonotonicNs(transition.at_ns + hold_ns))

    def withdraw(self, target: Target, record: Record, now: MonotonicNs) -> list[Entry]:
        """A target is no more: what was not told of it is dropped, what was told is closed."""
        down_ns = now - record.since_ns
        was_told_down = record.health is Health.DOWN and self._unmuffle(target) is None
        if (key := self._held.pop(target.id, None)) is not None:
            group = self._groups[key]
            dropped = group.transitions.pop(target.id)
            if not group.transitions:
                del self._groups[key]
            was_told_down = dropped.before is Health.DOWN
            down_ns = dropped.at_ns - dropped.since_ns
        if not was_told_down:
            return []
        gone = tell_withdrawal(target, down_ns)
        # That it went down may be ready and not written yet.
        entries, self._ready = [*self._ready, gone], []
        return entries

    def flush(
        self, now: MonotonicNs, tally: _TallyOf, mood: MoodOf, *, hold_ns: int
    ) -> list[Entry]:
        """The entries whose time has come.

        ``hold_ns`` is how long a peer that is well again has for its pods.
        """
        entries, self._ready = self._ready, []
        for node in [one for one in self._muffled if mood(one, now) is Mood.CLEAR]:
            deadline = MonotonicNs(now + hold_ns)
            for transition in self._muffled.pop(node).values():
                group = self._hold(transition, deadline)
                group.deadline, group.is_patient = deadline, True
        for key, group in list(self._groups.items()):
            node, kind = key
            counts = tally(node)
            is_down = kind is EventKind.TARGET_DOWN
            # They were poked again since the peer was well.
            since_ns = now if group.is_patient else group.since_ns
            felt = mood(node, since_ns) if is_down else Mood.CLEAR
            if felt is Mood.MUFFLED:
                self._muffle(key)
                continue
            waiting_for = counts.doubtful if is_down else counts.down
            is_due = now >= group.deadline or not (group.is_patient or waiting_for)
            if is_due and felt is Mood.CLEAR:
                entries.append(self._tell(key, counts))
        return entries

    def flush_all(self, tally: _TallyOf) -> list[Entry]:
        """Every entry that is held back, whatever its time."""
        entries, self._ready = self._ready, []
        return entries + [self._tell(key, tally(key[0])) for key in list(self._groups)]

    def next_flush(self) -> MonotonicNs | None:
        """When `flush` has something at the latest."""
        return min((group.deadline for group in self._groups.values()), default=None)

    def _hold(self, transition: Transition, deadline: MonotonicNs) -> _Group:
        target = transition.target
        key = (target.node, kind_of(transition))
        group = self._groups.setdefault(key, _Group(deadline=deadline))
        group.transitions[target.id] = transition
        self._held[target.id] = key
        return group

    def _muffle(self, key: _Key) -> None:
        transitions = self._groups.pop(key).transitions
        for target_id in transitions:
            del self._held[target_id]
        self._muffled.setdefault(key[0], {}).update(transitions)

    def _unmuffle(self, target: Target) -> Transition | None:
        """Forget a change that was held back for its peer's sake, if there is one."""
        group = self._groups.get((target.node, EventKind.TARGET_DOWN))
        if group is not None and group.is_patient and target.id in group.transitions:
            return self._forget_down(target)
        muffled = self._muffled.get(target.node, {})
        muffled_one = muffled.pop(target.id, None)
        if not muffled:
            self._muffled.pop(target.node, None)
        return muffled_one

    def _forget_down(self, target: Target) -> Transition | None:
        """Forget that a target went down, if that is held back."""
        key = (target.node, EventKind.TARGET_DOWN)
        if self._held.get(target.id) != key:
            return None
        del self._held[target.id]
        group = self._groups[key]
        transition = group.transitions.pop(target.id)
        if not group.transitions:
            del self._groups[key]
        return transition

    def _tell(self, key: _Key, counts: Tally) -> Entry:
        transitions = self._groups.pop(key).transitions
        for target_id in transitions:
            del self._held[target_id]
        return tell(list(transitions.values()), counts)
