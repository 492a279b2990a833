"""What a trace shows, in words: the verdict, why, what to do, and what the daemon believes instead.

Owns these words; the reason for a broken tunnel is that of `core.remedies`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import assert_never

from pokepodsd.core.model import Layer, OutcomeKind
from pokepodsd.core.remedies import CHECK_NODE, CHECK_POD, not_sent, reason
from pokepodsd.core.reported import Belief
from pokepodsd.core.tracing import Result, Sights, Subject, sights
from pokepodsd.core.verdict import Sight, Verdict, judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What the pokes show.

    ``verdict`` is None where they do not suffice for one, or where it is this host that does not
    send. ``reason`` is why, with what to do, "" where all is well; ``hint`` says why the daemon
    may believe otherwise, "" where it does not.
    """

    sights: Sights
    verdict: Verdict | None
    text: str
    reason: str = ""
    hint: str = ""

    @property
    def is_good(self) -> bool:
        """Whether every layer that was asked answers."""
        return self.sights.are_good


def conclude(subject: Subject, results: Sequence[Result]) -> Conclusion:
    """The verdict on what was poked."""
    seen = sights(results)
    if results and all(_is_kept_back(one) for one in results):
        verdict, text = None, "none of the pokes left this host: they say nothing of the far side"
        why = _why(subject, results[-1])
    else:
        verdict = _verdict(seen)
        text, why = _say(subject, results, seen, verdict)
    said = "; ".join(part for part in (why, *_reported(results)) if part)
    hint = _hint(subject.belief, seen, verdict) if subject.belief is not None else ""
    return Conclusion(sights=seen, verdict=verdict, text=text, reason=said, hint=hint)


def _verdict(seen: Sights) -> Verdict | None:
    verdict = judge(underlay=seen.underlay, tunnel=seen.tunnel, pods=seen.pods)
    # Nothing but what is silent was asked: that is no verdict on a node.
    is_unsure = seen.tunnel is Sight.UNKNOWN and seen.pods is Sight.SILENT
    return None if is_unsure or verdict is Verdict.OPENING else verdict


def _say(
    subject: Subject, results: Sequence[Result], seen: Sights, verdict: Verdict | None
) -> tuple[str, str]:
    """The verdict as a sentence, and why."""
    failing = [one for one in results if not one.is_answered]
    match verdict:
        case Verdict.OK | Verdict.OPENING:
            return _say_good(subject, failing), ""
        case Verdict.UNDERLAY_FILTERED:
            own = "the next hop" if subject.peer is None else "the node's own address"
            text = f"what is behind {own} answers, {own} itself does not"
            return text, "ICMP to it is filtered, which is no fault"
        case Verdict.POD_ONLY:
            has_tunnel = any(one.step.layer is Layer.TUNNEL for one in results)
            passes = "the tunnel passes" if has_tunnel else "other pods on its node answer"
            return f"{passes}, {_silence(_last(failing, Layer.POD))}", CHECK_POD
        case Verdict.NODE_UNREACHABLE:
            who = f"the own address of {subject.peer}" if subject.peer else "the next hop"
            text = f"neither {who} nor what is behind it answers"
            return text, _unless_kept_back(failing, CHECK_NODE)
        case Verdict.TUNNEL_BROKEN:
            last = _last(failing, Layer.TUNNEL)
            own = f"{last.step.node} itself does" if seen.underlay is Sight.ANSWERS else _NOT_KNOWN
            text = f"the tunnel to {subject.peer} does not pass: {_silence(last)}, {own}"
            return text, _why(subject, last)
        case None:
            last = failing[-1]
            text = f"{_silence(last)}, and nothing else of it is known that could be asked"
            if seen.underlay is Sight.ANSWERS:
                text = f"{_silence(last)}, {_who_answers(results)} does"
            return text, _why_unsure(last, is_alone=len(results) == 1)
        case _:
            assert_never(verdict)


_NOT_KNOWN = "whether the node itself is up is not known"


def _say_good(subject: Subject, failing: Sequence[Result]) -> str:
    if not failing:
        return f"{subject} answers at every layer that was asked"
    addresses = ", ".join(one.step.target.address for one in failing)
    return f"the tunnel passes, as another address behind it shows; {addresses} does not answer"


def _last(failing: Sequence[Result], layer: Layer) -> Result:
    """The first of this layer, else the first behind the node."""
    behind = [one for one in failing if one.step.layer is not Layer.UNDERLAY]
    return next((one for one in behind if one.step.layer is layer), behind[0])


def _silence(result: Result) -> str:
    tunnel = result.step.tunnel
    through = f" through {tunnel.device} ({tunnel.kind})" if tunnel is not None else ""
    failure = f" ({result.failure})" if result.failure else ""
    return f"{result.step.target.address}{through} does not answer{failure}"


def _who_answers(results: Sequence[Result]) -> str:
    return next(one.step.target.address for one in results if one.is_answered)


def _why(subject: Subject, result: Result) -> str:
    """What the kernel says of the way to what does not answer, and what to do."""
    route, tunnel = result.after.route, result.step.tunnel
    if _is_kept_back(result) and (route is None or route.device is not None):
        return not_sent(poke.outcome.name for poke in result.pokes)
    if subject.peer is None and route is not None and route.device is None:
        return f"this host has no route to {result.step.target.address} ({route.error})"
    return reason(
        tunnel.kind if tunnel is not None else "",
        tunnel.device if tunnel is not None else "",
        result.step.node,
        result.step.target.address,
        (result.before, result.after),
    )


def _why_unsure(result: Result, *, is_alone: bool) -> str:
    address = result.step.target.address
    if _is_kept_back(result):
        return not_sent(poke.outcome.name for poke in result.pokes)
    if is_alone:
        return "check that it is up, and the network on the way to it"
    why = reason("", "", result.step.node, address, (result.before, result.after))
    return f"it may be this address alone, or the way to it: {why}; or {CHECK_POD}"


def _unless_kept_back(failing: Sequence[Result], remedy: str) -> str:
    kept = [one for one in failing if _is_kept_back(one)]
    return not_sent(poke.outcome.name for one in kept for poke in one.pokes) if kept else remedy


def _is_kept_back(result: Result) -> bool:
    """Whether the kernel took none of its packets."""
    return all(poke.outcome.kind is OutcomeKind.SEND_FAILED for poke in result.pokes)


def _reported(results: Sequence[Result]) -> Iterator[str]:
    """How far packets came, by the ICMP errors about them."""
    told: dict[str, None] = {}
    for result in results:
        route = result.after.route
        for poke in result.pokes:
            outcome = poke.outcome
            if not outcome.reporter:
                continue
            if route is not None and outcome.reporter == route.source:
                text = (
                    f"this host itself reports {outcome.detail}: nobody answers on {route.device}"
                )
            else:
                far = f"come as far as {outcome.reporter}, which reports {outcome.detail}"
                text = f"packets to {result.step.target.address} {far}"
            told[text] = None
    yield from told


def _hint(belief: Belief, seen: Sights, verdict: Verdict | None) -> str:
    """Why the daemon may believe otherwise."""
    is_fault = verdict is not None and verdict.is_fault
    is_well = verdict is not None and not verdict.is_fault
    believed = next((one for one in Verdict if one.value == belief.verdict), None)
    is_believed_fault = believed is not None and believed.is_fault
    reasons = (
        (belief.is_held, "its pokes to this peer are held, as pokepodsd need asked"),
        (belief.node != "" and is_well, "where its peers answer again, it says so within seconds"),
        (belief.node != "", ""),
        (believed is Verdict.OPENING and verdict is not None, _NOT_YET),
        (is_believed_fault and is_well, _BACK),
        (is_fault and believed is not None and not is_believed_fault, _JUST_NOW),
        (is_fault and believed is not None and believed is not verdict, _CHANGED),
        (belief.pod == "up" and seen.pods is Sight.SILENT, _POD_JUST_NOW),
        (belief.pod == "down" and seen.pods is Sight.ANSWERS, _BACK),
    )
    return next((text for holds, text in reasons if holds), "")


# Times as in `core.patience` and in the README.
_NOT_YET = "it has had no answer yet: a tunnel that never answered is judged after some 36 s"
_BACK = "it came back meanwhile, or these pokes opened it: the next poke of pokepodsd shows it"
_JUST_NOW = "pokepodsd decides some seconds after its first lost poke: ask again then"
_CHANGED = "what fails has changed: pokepodsd tells another fault when it lasted for a minute"
_POD_JUST_NOW = "pokepodsd calls a pod down after some lost pokes in a row (poke.fail_after)"
