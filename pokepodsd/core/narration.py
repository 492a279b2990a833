"""Changes of belief to journal entries: who, what, how long, and what to do.

Owns the words, and the grouping: changes of many targets of one node become one entry. A change is
held back only while other targets of its node are about to change too, and for a hold at the
most; what is withdrawn meanwhile is not told at all.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pokepodsd.core.config import duration_text
from pokepodsd.core.health import Record, Tally
from pokepodsd.core.model import (
    MILLISECOND_NS,
    SECOND_NS,
    Entry,
    EventKind,
    Health,
    Level,
    MonotonicNs,
    NodeName,
    Outcome,
    OutcomeKind,
    Target,
    TargetId,
    Transition,
)


@dataclass(slots=True)
class _Group:
    """The changes of one node's targets in one direction, and when they are told at the latest."""

    deadline: MonotonicNs
    transitions: dict[TargetId, Transition]


_AT_ONCE = (Health.OPENING, Health.UP, 0)
_Key = tuple[NodeName | None, EventKind]


class Narrator:
    """Collects transitions, and tells them in the order in which they happened to a target."""

    def __init__(self) -> None:
        self._groups: dict[_Key, _Group] = {}
        self._held: dict[TargetId, _Key] = {}
        self._ready: list[Entry] = []

    def note(self, transition: Transition, counts: Tally, *, hold_ns: int) -> None:
        """Take a change of belief; a newcomer that answered its first poke is not worth telling.

        ``counts`` are those of the target's node.
        """
        if (transition.before, transition.after, transition.pokes) == _AT_ONCE:
            return
        target = transition.target
        if (earlier := self._held.get(target.id)) is not None:
            # What happened to this target before is told first.
            self._ready.append(self._tell(earlier, counts))
        key = (target.node, _kind(transition))
        deadline = MonotonicNs(transition.at_ns + hold_ns)
        group = self._groups.setdefault(key, _Group(deadline=deadline, transitions={}))
        group.transitions[target.id] = transition
        self._held[target.id] = key

    def withdraw(self, target: Target, record: Record, now: MonotonicNs) -> list[Entry]:
        """A target is no more: what was not told of it is dropped, what was told is closed."""
        down_ns = now - record.since_ns
        was_told_down = record.health is Health.DOWN
        if (key := self._held.pop(target.id, None)) is not None:
            group = self._groups[key]
            dropped = group.transitions.pop(target.id)
            if not group.transitions:
                del self._groups[key]
            was_told_down = dropped.before is Health.DOWN
            down_ns = dropped.at_ns - dropped.since_ns
        if not was_told_down:
            return []
        gone = Entry(
            kind=EventKind.TARGET_WITHDRAWN,
            level=Level.INFO,
            text=f"{target} is not poked any more; it was down for {_span(down_ns)}",
            fields=_who(target),
        )
        # That it went down may be ready and not written yet.
        entries, self._ready = [*self._ready, gone], []
        return entries

    def flush(self, now: MonotonicNs, tally: Callable[[NodeName | None], Tally]) -> list[Entry]:
        """The entries whose time has come."""
        entries, self._ready = self._ready, []
        for key, group in list(self._groups.items()):
            node, kind = key
            counts = tally(node)
            waiting_for = counts.doubtful if kind is EventKind.TARGET_DOWN else counts.down
            if now >= group.deadline or not waiting_for:
                entries.append(self._tell(key, counts))
        return entries

    def flush_all(self, tally: Callable[[NodeName | None], Tally]) -> list[Entry]:
        """Every entry that is held back, whatever its time."""
        entries, self._ready = self._ready, []
        return entries + [self._tell(key, tally(key[0])) for key in list(self._groups)]

    def next_flush(self) -> MonotonicNs | None:
        """When `flush` has something at the latest."""
        return min((group.deadline for group in self._groups.values()), default=None)

    def _tell(self, key: _Key, counts: Tally) -> Entry:
        transitions = self._groups.pop(key).transitions
        for target_id in transitions:
            del self._held[target_id]
        return _tell(list(transitions.values()), counts)


def merge_withdrawals(entries: Sequence[Entry]) -> list[Entry]:
    """Make one entry of all that tell of withdrawals on one node, in the place of the first."""
    merged: list[Entry] = []
    places: dict[str, int] = {}
    counts: Counter[str] = Counter()
    for entry in entries:
        node = entry.fields.get("NODE", "")
        if entry.kind is EventKind.TARGET_WITHDRAWN:
            counts[node] += 1
            if node in places:
                continue
            places[node] = len(merged)
        merged.append(entry)
    for node, place in places.items():
        if counts[node] > 1:
            more = f"; likewise {_count(counts[node] - 1, 'more target')} on {node or 'no node'}"
            merged[place] = replace(
                merged[place],
                text=merged[place].text + more,
                fields={"NODE": node, "COUNT": str(counts[node])},
            )
    return merged


def _kind(transition: Transition) -> EventKind:
    if transition.after is Health.DOWN:
        return EventKind.TARGET_DOWN
    is_back = transition.before is Health.DOWN
    return EventKind.TARGET_UP if is_back else EventKind.TARGET_OPENED


def tell_failure(outcome: Outcome) -> Entry:
    """One failed ping, for ``log.failures = "each"``."""
    target = outcome.probe.target
    return Entry(
        kind=EventKind.POKE_FAILED,
        level=Level.INFO,
        text=f"{target}: {_what([outcome])}",
        fields={**_who(target), "OUTCOME": outcome.name},
    )


def tell_reply(outcome: Outcome) -> Entry:
    """One reply, for ``log.level = "debug"``."""
    target = outcome.probe.target
    return Entry(
        kind=EventKind.POKE_ANSWERED,
        level=Level.DEBUG,
        text=f"{target}: replied{_rtt([outcome])}",
        fields={**_who(target), "OUTCOME": outcome.name, **_rtt_field(outcome)},
    )


def _tell(transitions: Sequence[Transition], counts: Tally) -> Entry:
    first = transitions[0]
    outcomes = [transition.outcome for transition in transitions]
    kind = _kind(first)
    match kind:
        case EventKind.TARGET_DOWN:
            level = Level.WARNING
            text = _down_text(transitions, counts)
        case EventKind.TARGET_UP:
            level = Level.NOTICE
            longest = max(t.at_ns - t.since_ns for t in transitions)
            text = f"{_subject(transitions)} up after {_span(longest)} down{_rtt(outcomes)}"
        case _:
            level = Level.INFO
            longest = max(t.at_ns - t.failing_since_ns for t in transitions)
            pokes = max(t.pokes for t in transitions)
            text = (
                f"{_subject(transitions)} open: answered after {_count(pokes, 'lost poke')} "
                f"in {_span(longest)}{_rtt(outcomes)}"
            )
    fields = {"STATE": first.after.value, "COUNT": str(len(transitions))}
    outcome = first.outcome
    if len(transitions) == 1:
        fields |= {**_who(first.target), "OUTCOME": outcome.name}
        fields |= _rtt_field(outcome)
    elif first.target.node:
        fields["NODE"] = first.target.node
    return Entry(kind=kind, level=level, text=text, fields=fields)


def _down_text(transitions: Sequence[Transition], counts: Tally) -> str:
    longest = max(t.at_ns - t.failing_since_ns for t in transitions)
    pokes = max(t.pokes for t in transitions)
    text = (
        f"{_subject(transitions)} down: {_what([t.outcome for t in transitions])}; "
        f"{_count(pokes, 'poke')} in {_span(longest)}"
    )
    node = transitions[0].target.node
    if all(t.outcome.kind is OutcomeKind.SEND_FAILED for t in transitions):
        return f"{text}; it is this host that does not send: check its firewall and its routes"
    if not node or counts.targets == 1:
        return text
    if counts.down == counts.targets:
        return (
            f"{text}; none of the {counts.targets} targets on {node} answers: "
            f"check {node}, and the tunnel and routes to it"
        )
    answering = counts.targets - counts.down
    return (
        f"{text}; {answering} of the {counts.targets} targets on {node} are not down: "
        "check the pod, and the network policies that select it"
    )


def _subject(transitions: Sequence[Transition]) -> str:
    first = transitions[0].target
    if len(transitions) == 1:
        return f"{first} is"
    where = f" on {first.node}" if first.node else ""
    example = f"{first.namespace}/{first.name} ({first.address})"
    return f"{len(transitions)} targets{where}, for example {example}, are"


def _what(outcomes: Sequence[Outcome]) -> str:
    """The outcomes by name, the most frequent first, with who reported an ICMP error."""
    names = Counter(_outcome_text(outcome) for outcome in outcomes)
    if len(names) == 1:
        return next(iter(names))
    return ", ".join(f"{name} ({count})" for name, count in names.most_common())


def _outcome_text(outcome: Outcome) -> str:
    match outcome.kind:
        case OutcomeKind.REJECTED:
            return f"{outcome.name}, said {outcome.reporter}"
        case OutcomeKind.SEND_FAILED:
            return f"this host could not send to it: {outcome.name}"
        case _:
            return outcome.name


def _rtt_field(outcome: Outcome) -> dict[str, str]:
    return {} if outcome.rtt_ns is None else {"RTT_USEC": str(outcome.rtt_ns // 1_000)}


def _rtt(outcomes: Sequence[Outcome]) -> str:
    times = [outcome.rtt_ns for outcome in outcomes if outcome.rtt_ns is not None]
    return f", RTT {max(times) / MILLISECOND_NS:.3f} ms" if times else ""


def _who(target: Target) -> dict[str, str]:
    fields = {
        "NAMESPACE": target.namespace,
        "POD": target.name,
        "POD_UID": target.uid,
        "ADDRESS": target.address,
    }
    return {**fields, "NODE": target.node} if target.node else fields


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _span(duration_ns: int) -> str:
    """A duration to a tenth of a second below ten seconds, to a second above."""
    step = SECOND_NS // 10 if duration_ns < 10 * SECOND_NS else SECOND_NS
    return duration_text(round(duration_ns / step) * step)
