"""An assessment of peers that are seen as a test says, and time that it lets pass.

Owns the stage. Refuses: to judge.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from pokepodsd.core.assessment import Assessment
from pokepodsd.core.decisions import CutOff, Decision
from pokepodsd.core.health import Record
from pokepodsd.core.kernel import Counters, Findings, Inspect
from pokepodsd.core.model import Family, Health, Layer, Target
from pokepodsd.core.peers import Peer, PeerId
from pokepodsd.core.sights import View, tunnel_target
from pokepodsd.core.verdict import Sight, Verdict
from tests.core.builders import at
from tests.core.peerfacts import make_peer, make_tunnel

STEP = 0.1


def numbered(number: int) -> Peer:
    """A peer with one tunnel, by its number."""
    address = f"10.9.1.{number}"
    tunnel = make_tunnel(address, f"10.244.{number}.0/26")
    return make_peer(f"node-{number:02}", address, tunnel)


def make_view(
    peer: Peer,
    tunnel: Sight = Sight.ANSWERS,
    underlay: Sight = Sight.ANSWERS,
    *,
    since: float | None = None,
    replied: float | None = None,
    doubtful: bool = False,
    failure: str = "timed out",
) -> View:
    """What is seen of a peer with one tunnel, whose first lost poke left at ``since``."""
    first = peer.tunnels[0]
    target = Target(
        id=tunnel_target(first.id),
        name=first.device,
        node=peer.node,
        address=first.addresses[0],
        family=Family.V4,
        host=peer.address or "",
        layer=Layer.TUNNEL,
    )
    is_silent = tunnel is Sight.SILENT
    record = Record(
        target=target,
        health=Health.DOWN if is_silent else Health.UP,
        since_ns=at(since or 0),
        failures=int(is_silent or doubtful),
        failure=failure if is_silent or doubtful else "",
    )
    return View(
        underlay=underlay,
        tunnel=tunnel,
        pods=Sight.UNKNOWN,
        is_doubtful=doubtful,
        is_failing=doubtful or tunnel is Sight.SILENT,
        # It fails on: the last poke that was lost is always a new one.
        failed_ns=at(1_000_000) if doubtful or tunnel is Sight.SILENT else None,
        record=record,
        example=target,
        failing_since_ns=None if since is None else at(since),
        replied_ns=None if replied is None else at(replied),
    )


@dataclass
class Stage:
    """Peers as they are seen, and what is decided of them."""

    peers: list[Peer]
    now: float = 0.0
    views: dict[PeerId, View] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    cut_offs: list[CutOff] = field(default_factory=list)
    asked: list[tuple[float, Inspect]] = field(default_factory=list)
    witnesses: int = 0

    def __post_init__(self) -> None:
        self.assessment = Assessment(lambda peer: self.views[peer.id], at(0))
        for peer in self.peers:
            self.views[peer.id] = make_view(peer, replied=0)
            self.assessment.put(peer, at(0))
        self.run(0.1)

    def see(
        self,
        peer: Peer,
        tunnel: Sight = Sight.ANSWERS,
        underlay: Sight = Sight.ANSWERS,
        *,
        doubtful: bool = False,
        failure: str = "timed out",
    ) -> None:
        """From now on it is seen like this; a tunnel that fails has since now."""
        before = self.views[peer.id]
        after = make_view(peer, tunnel, underlay, doubtful=doubtful, failure=failure)
        if doubtful or tunnel is Sight.SILENT:
            since = before.failing_since_ns if before.record and before.record.failures else None
            began = since or at(self.now)
            after = replace(after, failing_since_ns=began, replied_ns=before.replied_ns)
        else:
            after = replace(after, replied_ns=at(self.now))
        if underlay is Sight.SILENT:
            after = replace(after, underlay_failed_ns=at(self.now))
        self.views[peer.id] = after
        self.assessment.touch(peer.id)

    def fall(self, peers: Iterable[Peer], underlay: Sight = Sight.ANSWERS) -> None:
        """Their tunnels fall silent."""
        for peer in peers:
            self.see(peer, Sight.SILENT, underlay)

    def answer(self, peers: Iterable[Peer]) -> None:
        """They are asked, and answer."""
        for peer in peers:
            self.see(peer)

    def run(self, seconds: float) -> None:
        """Let time pass; what the kernel is asked, it answers."""
        for _ in range(round(seconds / STEP)):
            self.assessment.tick(at(self.now))
            for inspect in self.assessment.inquiries.inspections:
                self.asked.append((round(self.now, 1), inspect))
                counters = Counters(sent=len(self.asked), received=0)
                self.assessment.inspected(PeerId(inspect.peer), Findings(counters=counters))
            self.assessment.inquiries.inspections.clear()
            self.witnesses += self.assessment.are_witnesses_wanted
            self.assessment.are_witnesses_wanted = False
            self.decisions += self.assessment.decisions
            self.cut_offs += self.assessment.isolation.news
            self.assessment.decisions.clear()
            self.assessment.isolation.news.clear()
            self.now = round(self.now + STEP, 3)

    def told(self) -> list[tuple[str, Verdict]]:
        """Which verdicts were told of whom since the last time."""
        decisions, self.decisions = self.decisions, []
        return [(one.peer.id, one.verdict) for one in decisions]

    def alarming(self) -> list[tuple[PeerId, Verdict]]:
        """The faults that nothing excuses."""
        return [
            (peer_id, verdict)
            for peer_id, verdict, _ in self.assessment.told()
            if verdict.is_fault and not self.assessment.excuse(peer_id)
        ]

    def cuts(self) -> list[tuple[bool, int, int]]:
        """Whether it is over, how many fail, and of how many, since the last time."""
        cut_offs, self.cut_offs = self.cut_offs, []
        return [(one.is_over, one.failing, one.asked) for one in cut_offs]


def make_stage(count: int) -> Stage:
    """So many peers that have all answered."""
    return Stage([numbered(number) for number in range(count)])
