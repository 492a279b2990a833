"""What happened to the peers, as journal entries in their time.

Owns the holding back: tunnels that open at the same time are one entry, and a peer that is gone is
told when it stays away.
"""

from collections.abc import Callable, Iterable

from pokepodsd.core.assessment import Assessment
from pokepodsd.core.decisions import Decision
from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.kernel import KernelEvent, Link, LinkChanged, LinkRemoved
from pokepodsd.core.model import SECOND_NS, MonotonicNs, NodeName
from pokepodsd.core.patience import GONE_NS
from pokepodsd.core.peernews import (
    Opening,
    tell,
    tell_cut_off,
    tell_filtered,
    tell_openings,
    tell_withdrawals,
)
from pokepodsd.core.peers import Peer, PeerId
from pokepodsd.core.verdict import Verdict
from pokepodsd.core.words import count

# Tunnels open within the burst of a start, or of an outage that ends.
OPENINGS_NS = 3 * SECOND_NS
# Those that go within so long of each other are told together.
_TOGETHER_NS = 3 * SECOND_NS
# A carrier that was lost before is not what cuts this node off now.
_CARRIER_NS = 60 * SECOND_NS


class Bulletin:
    """Collects what is to be told of peers."""

    def __init__(self) -> None:
        self._openings: list[Opening] = []
        self._openings_due: MonotonicNs | None = None
        self._filtered: dict[PeerId, Decision] = {}
        self._filtered_since = MonotonicNs(0)
        self._gone: dict[PeerId, tuple[Peer, MonotonicNs]] = {}
        self._links: dict[int, Link] = {}
        self._carriers_lost: dict[int, MonotonicNs] = {}
        self._are_tunnels_told = False
        self.is_way_bad: Callable[[NodeName | None], bool] = lambda _: False
        """Whether the way to a node is told to lose much, which shuts no tunnel."""
        self.opened = 0
        """How many tunnels answered after having been shut, ever."""

    def take_link(self, event: KernelEvent, now: MonotonicNs) -> None:
        """Notice which link lost its carrier or was set down, and when."""
        match event:
            case LinkChanged(link=link):
                self._notice(link, now)
            case LinkRemoved(index=index):
                self._links.pop(index, None)
                self._carriers_lost.pop(index, None)
            case _:
                pass

    def _notice(self, link: Link, now: MonotonicNs) -> None:
        before = self._links.get(link.index)
        self._links[link.index] = link
        if link.has_carrier:
            self._carriers_lost.pop(link.index, None)
        elif before is not None and before.has_carrier:
            self._carriers_lost[link.index] = now

    def note_opening(self, opening: Opening, now: MonotonicNs, *, is_told: bool) -> None:
        """A tunnel answered after having been shut; ``is_told`` if that it is back tells it."""
        self.opened += 1
        if is_told:
            return
        self._openings.append(opening)
        if self._openings_due is None:
            self._openings_due = MonotonicNs(now + OPENINGS_NS)

    def note_gone(self, peer: Peer, now: MonotonicNs) -> None:
        """A peer's route and pods are gone."""
        self._filtered.pop(peer.id, None)
        self._gone[peer.id] = (peer, MonotonicNs(now + GONE_NS))

    def note_back(self, peer_id: PeerId) -> None:
        """It exists, perhaps again."""
        self._gone.pop(peer_id, None)

    def tunnels_found(self, peers: Iterable[Peer]) -> list[Entry]:
        """The first full reading of the routes is done: what they show, said once."""
        if self._are_tunnels_told:
            return []
        self._are_tunnels_told = True
        found = [peer for peer in peers if peer.tunnels]
        devices = sorted({f"{one.device} ({one.kind})" for peer in found for one in peer.tunnels})
        if devices:
            text = (
                f"the kernel's routes show {count(len(found), 'peer')} behind "
                f"{', '.join(devices)}; each tunnel is poked, with or without the API"
            )
        else:
            text = (
                "the kernel's routes show no tunnel to another node: peers are known by the API "
                "alone. A device that this misses can be named in tunnels.devices"
            )
        return [Entry(kind=EventKind.TUNNELS_FOUND, level=Level.INFO, text=text)]

    def flush(
        self, assessment: Assessment, now: MonotonicNs, *, round_ns: int | None
    ) -> list[Entry]:
        """The entries whose time has come; all of them if ``round_ns`` is None.

        ``round_ns`` is how long it takes until every node's own address was asked: those that are
        filtered are told together.
        """
        all_of_it = round_ns is None
        entries = tell(self._without_filtered(assessment.decisions), now)
        lost = [
            self._links[index]
            for index, since in self._carriers_lost.items()
            if now - since < _CARRIER_NS
        ]
        entries += [tell_cut_off(news, lost, now) for news in assessment.isolation.news]
        self._note_filtered(assessment.decisions, now)
        if self._filtered and now >= self._filtered_since + (round_ns or 0):
            entries.append(tell_filtered(list(self._filtered.values())))
            self._filtered.clear()
        assessment.decisions.clear()
        assessment.isolation.news.clear()
        if self._openings and (all_of_it or now >= (self._openings_due or now)):
            openings = [one for one in self._openings if not self.is_way_bad(one.peer.node)]
            entries += [tell_openings(openings)] if openings else []
            self._openings, self._openings_due = [], None
        is_due = any(now >= due for _, due in self._gone.values())
        gone = [
            peer
            for peer, due in self._gone.values()
            if all_of_it or (is_due and now >= due - _TOGETHER_NS)
        ]
        if gone:
            entries.append(tell_withdrawals(gone))
            for peer in gone:
                del self._gone[peer.id]
        return entries

    def _without_filtered(self, decisions: Iterable[Decision]) -> list[Decision]:
        """Those to tell at once: not that an address is filtered, nor that it was, untold."""
        return [
            one
            for one in decisions
            if one.verdict is not Verdict.UNDERLAY_FILTERED
            and (one.before.is_fault or one.verdict.is_fault or one.peer.id not in self._filtered)
        ]

    def _note_filtered(self, decisions: Iterable[Decision], now: MonotonicNs) -> None:
        for decision in decisions:
            if decision.verdict is not Verdict.UNDERLAY_FILTERED:
                self._filtered.pop(decision.peer.id, None)
                continue
            if not self._filtered:
                self._filtered_since = now
            self._filtered[decision.peer.id] = decision

    def next_due(self) -> MonotonicNs | None:
        """When `flush` has something by the time alone."""
        times = [due for _, due in self._gone.values()]
        times += [self._openings_due] if self._openings_due is not None else []
        return min(times, default=None)
