"""Answers what status and metrics ask: the engine's reports, and what the daemon knows besides.

Owns the requests' form, and the facts about the process itself. Each answer is made a line at a
time, as it is sent.
"""

import os
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from pokepodsd import __version__
from pokepodsd.core.metrics import numbers
from pokepodsd.core.model import MILLISECOND_NS, SECOND_NS, MonotonicNs, NodeName
from pokepodsd.core.moment import Moment
from pokepodsd.core.statistics import Lateness
from pokepodsd.core.status import Selection, Stages, StatusParts
from pokepodsd.edge.clock import monotonic_ns, wall_ns

Lines = Iterator[Mapping[str, Any]]
_CHOICES = ("some", "all", "none")
# Two clocks are never read at once, and one of them is slewed.
_SAME_NS = 50 * MILLISECOND_NS


@dataclass(slots=True, kw_only=True)
class Facts:
    """What the daemon knows of itself; ``reloads`` by what came of them: ok or refused."""

    node: Callable[[], NodeName | None]
    reader_starts: Callable[[], int]
    addresses: frozenset[str] = frozenset()
    lateness: Lateness = field(default_factory=Lateness)
    reloads: Counter[str] = field(default_factory=Counter)


class Answering:
    """Makes the answers."""

    def __init__(self, stages: Stages, facts: Facts) -> None:
        self._stages = stages
        self._facts = facts
        self._status = StatusParts(stages)
        self._apart_ns = _apart_ns()

    def answer(self, request: Mapping[str, Any]) -> Lines:
        """Whatever of these is asked, as the exporter does."""
        now = monotonic_ns()
        if "metrics" in request:
            return self.metrics(now)
        return self.status(request, now)

    def status(self, request: Mapping[str, Any], now: MonotonicNs) -> Lines:
        """The status document, in lines: its header, each peer, each target, its end."""
        selection = _selection(request.get("status"))
        if isinstance(selection, str):
            yield {"error": selection}
            return
        moment = self._moment(now)
        yield {"status": {**self._status.header(moment), **self._own(now)}}
        peers = targets = 0
        for peer in self._status.peers(selection, moment):
            peers += 1
            yield {"peer": peer}
        for target in self._status.targets(selection, moment):
            targets += 1
            yield {"target": target}
        yield {"end": {"peers": peers, "targets": targets}}

    def metrics(self, now: MonotonicNs) -> Lines:
        """The numbers, in one line."""
        facts = self._facts
        found = numbers(self._stages, self._moment(now))
        found |= self._own(now) | {"pid": os.getpid()}
        found["api"]["reader_starts"] = facts.reader_starts()
        found["loop"]["late_seconds_total"] = facts.lateness.total_ns / SECOND_NS
        found["reloads"] = {"ok": facts.reloads["ok"], "refused": facts.reloads["refused"]}
        yield {"metrics": found}

    def _moment(self, now: MonotonicNs) -> Moment:
        """This time on both clocks, so that what happened once is always told at the same time.

        A start that is told a hair earlier or later looks like another start.
        """
        apart_ns = _apart_ns()
        if abs(apart_ns - self._apart_ns) > _SAME_NS:
            self._apart_ns = apart_ns
        return Moment(now=now, wall_ns=now + self._apart_ns)

    def _own(self, now: MonotonicNs) -> dict[str, Any]:
        facts = self._facts
        return {
            "program": __version__,
            "node": {
                "name": facts.node(),
                "host": socket.gethostname(),
                "addresses": sorted(one for one in facts.addresses if _is_reachable(one)),
            },
            "loop": {"lag_seconds": facts.lateness.worst_ns(now) / SECOND_NS},
        }


def _apart_ns() -> int:
    """By how much the wall clock is ahead: whoever is held up between the two reads less."""
    return max(wall_ns() - monotonic_ns() for _ in range(3))


def _is_reachable(address: str) -> bool:
    """Whether another node can know this one by it."""
    parsed = ip_address(address)
    return not (parsed.is_loopback or parsed.is_link_local)


def _selection(asked: object) -> Selection | str:
    """What is asked for, or what is wrong with it."""
    if not isinstance(asked, dict):
        return "status wants an object"
    if unknown := asked.keys() - {"peers", "targets", "peer", "namespace"}:
        return f"status knows no {', '.join(sorted(unknown))}"
    for name in ("peers", "targets"):
        if asked.get(name, "some") not in _CHOICES:
            return f"status wants {name} to be one of {', '.join(_CHOICES)}"
    for name in ("peer", "namespace"):
        if not isinstance(asked.get(name), str | None):
            return f"status wants {name} to be text"
    return Selection(**asked)
