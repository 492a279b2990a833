"""Changes of belief about pods, as journal entries: who, what, how long, and what to do.

Owns the words. When something is told, and together with what, is the narration's.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.health import Tally
from pokepodsd.core.model import Health, Layer, Outcome, OutcomeKind, Target, Transition
from pokepodsd.core.words import count, milliseconds, span


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
            more = f"; likewise {count(counts[node] - 1, 'more target')} on {node or 'no node'}"
            merged[place] = replace(
                merged[place],
                text=merged[place].text + more,
                fields={"NODE": node, "COUNT": str(counts[node])},
            )
    return merged


def tell_withdrawal(target: Target, down_ns: int) -> Entry:
    """A target that was down is withdrawn."""
    return Entry(
        kind=EventKind.TARGET_WITHDRAWN,
        level=Level.INFO,
        text=f"{target} is not poked any more; it was down for {span(down_ns)}",
        fields=_who(target),
    )


def kind_of(transition: Transition) -> EventKind:
    """The kind of entry that tells this change."""
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


def tell(transitions: Sequence[Transition], counts: Tally) -> Entry:
    """Changes of one kind, of targets on one node, as one entry."""
    first = transitions[0]
    outcomes = [transition.outcome for transition in transitions]
    kind = kind_of(first)
    match kind:
        case EventKind.TARGET_DOWN:
            level = Level.WARNING
            text = _down_text(transitions, counts)
        case EventKind.TARGET_UP:
            level = Level.NOTICE
            longest = max(t.at_ns - t.since_ns for t in transitions)
            text = f"{_subject(transitions)} up after {span(longest)} down{_rtt(outcomes)}"
        case _:
            level = Level.INFO
            longest = max(t.at_ns - t.failing_since_ns for t in transitions)
            pokes = max(t.pokes for t in transitions)
            text = (
                f"{_subject(transitions)} open: answered after {count(pokes, 'lost poke')} "
                f"in {span(longest)}{_rtt(outcomes)}"
            )
    fields = {
        "STATE": first.after.value,
        "COUNT": str(len(transitions)),
        "LAYER": Layer.POD.value,
    }
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
        f"{count(pokes, 'poke')} in {span(longest)}"
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
    return f", RTT {milliseconds(max(times))}" if times else ""


def _who(target: Target) -> dict[str, str]:
    fields = {"LAYER": target.layer.value, "ADDRESS": target.address}
    if target.layer is Layer.POD:
        fields |= {"NAMESPACE": target.namespace, "POD": target.name, "POD_UID": target.uid}
    if target.host:
        fields["PEER"] = target.host
    return {**fields, "NODE": target.node} if target.node else fields
