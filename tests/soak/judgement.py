"""The daemons' alarms against the truth: none is false, each real outage has one, and one end.

Owns the rules, and how long an outage must last before it must be told. Reads no journal.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from pokepodsd.core.entries import EventKind
from tests.soak.notices import Notice, Says
from tests.soak.pokes import Violation
from tests.soak.truth import SECOND_NS, Outage, Truth

# Faults that make entries which tell of no outage, on the daemon that has them.
TROUBLE: Final[Mapping[EventKind, frozenset[str]]] = {
    EventKind.CONFIG_RELOADED: frozenset({"reloaded"}),
    EventKind.READER_REPLACED: frozenset({"reader-killed"}),
    EventKind.STATE_SET_ASIDE: frozenset({"state-rubbish"}),
    EventKind.STATE_NOT_SAVED: frozenset({"state-read-only"}),
    EventKind.STOPPED: frozenset({"the end"}),
}
_TROUBLE_LINGERS_NS: Final = 40 * SECOND_NS
# Of a pod, an outage of its peer explains nothing any more soon after its end.
_ELSE_NS: Final = 5 * SECOND_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long an outage of one kind of subject must last to be told, and how late that may be.

    ``linger_ns`` is how long after its end it may still be told, ``clear_ns`` how long after it
    the end may be told.
    """

    least_ns: int
    linger_ns: int
    clear_ns: int


def patiences(interval_ns: int, tunnel_interval_ns: int) -> Mapping[str, Patience]:
    """By what the subject begins with.

    A tunnel is asked once in its interval, then a burst of 3 s, then the verdict takes 2.5 s, or
    10 s where the underlay must be asked first. A pod is down after three lost pokes in a row,
    held back for 15 s. Each is up with its first answer, held back for 5 s.
    """
    slack = 6 * SECOND_NS
    peer = Patience(
        least_ns=tunnel_interval_ns + 15 * SECOND_NS,
        linger_ns=5 * SECOND_NS,
        clear_ns=tunnel_interval_ns + 10 * SECOND_NS + slack,
    )
    return {
        "peer": peer,
        "self": peer,
        "pod": Patience(
            least_ns=4 * interval_ns + slack,
            linger_ns=15 * SECOND_NS + slack,
            clear_ns=interval_ns * 3 // 2 + 5 * SECOND_NS + slack,
        ),
        "api": Patience(
            least_ns=15 * SECOND_NS, linger_ns=120 * SECOND_NS, clear_ns=120 * SECOND_NS
        ),
    }


class Judge:
    """Judges what was told until ``now_ns``."""

    def __init__(self, truth: Truth, rules: Mapping[str, Patience], now_ns: int) -> None:
        self._truth = truth
        self._rules = rules
        self._now_ns = now_ns
        self.excused: list[Notice] = []
        """Alarms that nothing explains but the slowness of this machine."""

    def violations(self, notices: Sequence[Notice]) -> list[Violation]:
        """All that is wrong with these, by time."""
        found: list[Violation] = []
        ordered = sorted(notices, key=lambda one: (one.daemon, one.at_ns))
        by_daemon = {key: [*group] for key, group in groupby(ordered, lambda one: one.daemon)}
        for daemon in self._truth.outages.keys() | by_daemon.keys():
            told = by_daemon.get(daemon, [])
            found += self._false(daemon, told)
            found += self._untold(daemon, told)
            found += self._unpaired(daemon, told)
        return sorted(found, key=lambda one: (one.at_ns, one.daemon))

    def reported(self, notices: Iterable[Notice]) -> tuple[int, int]:
        """How many outages had to be told, and how many alarms there were."""
        must = sum(self._is_due(one) for one in self._truth.all_outages())
        return must, sum(one.says is Says.ALARM for one in notices)

    def _false(self, daemon: str, told: Iterable[Notice]) -> Iterator[Violation]:
        for notice in told:
            match notice.says:
                case Says.ALARM if self._explained(daemon, notice):
                    pass
                case Says.ALARM if any(
                    one.overlaps(notice.at_ns, notice.at_ns) for one in self._truth.slow
                ):
                    self.excused.append(notice)
                case Says.ALARM:
                    yield self._wrong(notice, "no alarm about what is well")
                case Says.TROUBLE if not self._is_of_fault(notice):
                    yield self._wrong(notice, "no such entry")
                case _:
                    pass

    def _explained(self, daemon: str, notice: Notice) -> bool:
        linger = self._rule(notice.subject).linger_ns
        return any(
            one.overlaps(
                notice.at_ns - (linger if one.subject == notice.subject else _ELSE_NS),
                notice.at_ns,
            )
            for one in self._truth.outages[daemon]
            if _explains(one, notice)
        )

    def _is_of_fault(self, notice: Notice) -> bool:
        since = notice.at_ns - _TROUBLE_LINGERS_NS
        wanted = TROUBLE.get(notice.kind, frozenset())
        return any(
            one.fault.split()[0] in wanted and notice.daemon in one.fault
            for one in self._truth.faults
            if one.overlaps(since, notice.at_ns)
        )

    def _untold(self, daemon: str, told: Sequence[Notice]) -> Iterator[Violation]:
        for outage in self._truth.outages[daemon]:
            if not self._is_due(outage):
                continue
            about = [one for one in told if one.subject == outage.subject]
            rule = self._rule(outage.subject)
            alarms = [
                one
                for one in about
                if one.says is Says.ALARM
                and outage.begin_ns <= one.at_ns <= outage.end_ns + rule.linger_ns
            ]
            if len(alarms) != 1:
                yield self._miscounted(outage, "alarm", alarms)
                continue
            clears = [
                one
                for one in about
                if one.says is Says.CLEAR
                and alarms[0].at_ns < one.at_ns <= outage.end_ns + rule.clear_ns
            ]
            if len(clears) != 1:
                yield self._miscounted(outage, "end of it", clears)

    def _unpaired(self, daemon: str, told: Iterable[Notice]) -> Iterator[Violation]:
        """Whatever else is the matter: nothing is told twice in a row, and all of it has an end."""
        open_alarms: dict[str, Notice] = {}
        for notice in told:
            if notice.says not in (Says.ALARM, Says.CLEAR) or notice.subject.startswith("pods/"):
                # Several pods that are told together may come back apart.
                continue
            before = open_alarms.pop(notice.subject, None)
            if notice.says is Says.ALARM:
                open_alarms[notice.subject] = notice
            if before is None or notice.says is Says.CLEAR:
                continue
            is_again = notice.kind is before.kind
            if is_again and not self._was_away(daemon, before.at_ns, notice.at_ns):
                yield self._wrong(notice, f"no second alarm about {notice.subject}")
        for notice in open_alarms.values():
            end = self._end_ns(daemon, notice)
            if self._now_ns > end and not self._was_away(daemon, notice.at_ns, self._now_ns):
                yield self._wrong(notice, "an end of this alarm")

    def _was_away(self, daemon: str, begin_ns: int, end_ns: int) -> bool:
        """Whether it may have begun anew meanwhile, and remembers nothing."""
        return any(one.overlaps(begin_ns, end_ns) for one in self._truth.absent[daemon])

    def _end_ns(self, daemon: str, notice: Notice) -> int:
        """When the end of what an alarm tells must have been told."""
        ends = [
            one.end_ns
            for one in self._truth.outages[daemon]
            if _explains(one, notice) and one.end_ns >= notice.at_ns
        ]
        return max(ends, default=notice.at_ns) + self._rule(notice.subject).clear_ns

    def _is_due(self, outage: Outage) -> bool:
        """Whether it must have been told by now, and nothing else was the matter meanwhile."""
        rule = self._rule(outage.subject)
        begin, end = outage.begin_ns - rule.clear_ns, outage.end_ns + rule.clear_ns
        if outage.certain_ns < rule.least_ns or end > self._now_ns:
            return False
        hindrances = (*self._truth.absent[outage.daemon], *self._truth.slow)
        if any(one.overlaps(begin, end) for one in hindrances):
            return False
        return not any(
            one is not outage and one.overlaps(begin, end) and _meets(one, outage)
            for one in self._truth.outages[outage.daemon]
        )

    def _rule(self, subject: str) -> Patience:
        return self._rules[subject.partition("/")[0].removesuffix("s")]

    def _wrong(self, notice: Notice, expected: str) -> Violation:
        return Violation(
            at_ns=notice.at_ns,
            daemon=notice.daemon,
            expected=expected,
            seen=f"{notice.kind.name}: {notice.text}",
            faults=tuple(self._truth.on(notice.at_ns, _TROUBLE_LINGERS_NS)),
        )

    def _miscounted(self, outage: Outage, what: str, seen: Sequence[Notice]) -> Violation:
        told = ", ".join(f"{one.kind.name} at {one.at_ns}" for one in seen) or "none"
        return Violation(
            at_ns=outage.sure_ns,
            daemon=outage.daemon,
            expected=f"one {what} about {outage.subject}, {outage.certain_ns / SECOND_NS:.0f} s",
            seen=f"{len(seen)}: {told}",
            faults=tuple(self._truth.on(outage.sure_ns, _TROUBLE_LINGERS_NS)),
        )


def _explains(outage: Outage, notice: Notice) -> bool:
    """Whether an outage is a reason for an alarm.

    While a daemon is cut off from all, no peer is to blame; its pods are told of with it.
    """
    if outage.subject == notice.subject:
        return True
    if notice.subject.startswith("pods/"):
        return outage.subject == "self" or outage.node == notice.node
    is_pod = notice.subject.startswith("pod/")
    return is_pod and outage.subject in ("self", f"peer/{notice.node}")


def _meets(other: Outage, outage: Outage) -> bool:
    """Whether another outage can change how this one is told."""
    if other.subject in (outage.subject, "self"):
        return outage.subject != "api" or other.subject == "api"
    return other.node == outage.node and other.subject != "api" and outage.subject != "api"
