"""One target and the way to it: what is poked at each layer, in which order, and what that shows.

Owns the plan of `pokepodsd trace` and the sights that come of it. A tunnel's own address need not
exist and a pod may be dead by itself, so that others may stand for them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby

from pokepodsd.core.aims import is_behind
from pokepodsd.core.kernel import Findings, Tunnel
from pokepodsd.core.model import Family, Layer, Target, TargetId
from pokepodsd.core.peers import Peer
from pokepodsd.core.reported import Belief
from pokepodsd.core.sights import tunnel_target, underlay_target
from pokepodsd.core.verdict import Sight
from pokepodsd.core.volley import Poke

# Pods that stand for a tunnel that does not answer by itself, or that the kernel does not show.
MOST_STAND_INS = 2
_OTHER_PROTOCOLS = frozenset({"vxlan", "geneve", "wireguard", "gre", "sit", "ip6tnl"})


class Source(Enum):
    """Who knows the target."""

    DAEMON = "the running pokepodsd"
    ROUTES = "the kernel's routes"
    API = "the API server"
    SAVED = "the targets that pokepodsd saved"
    ADDRESS = "its address alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is traced.

    ``end`` is the address at the end of the way, where that is not the peer itself; ``hop`` is the
    next hop to it, where it is behind no peer. ``others`` are pods of the peer that may stand for
    its tunnel. ``notes`` say who could not be asked.
    """

    text: str
    source: Source
    peer: Peer | None = None
    end: Target | None = None
    hop: Target | None = None
    others: tuple[Target, ...] = ()
    belief: Belief | None = None
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.end is None:
            return str(self.peer)
        if self.end.name:
            return str(self.end)
        return f"{self.end.address} behind {self.peer}" if self.peer else self.end.address


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One address to poke; ``node`` is the own address of the node that it is behind.

    ``is_second`` is so for one that stands for another that did not answer.
    """

    target: Target
    tunnel: Tunnel | None = None
    node: str | None = None
    is_second: bool = False

    @property
    def layer(self) -> Layer:
        """What its pokes cross."""
        return self.target.layer

    @property
    def is_tracked(self) -> bool:
        """Whether its pokes may leave this host as IP protocol 4, which conntrack has an entry of.

        A device of a kind that nobody knows may be an IP-in-IP tunnel made of a TUN device.
        """
        if self.tunnel is None or self.node is None:
            return False
        return self.tunnel.kind not in _OTHER_PROTOCOLS


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A step that begins, with what the kernel says before it."""

    step: Step
    device: str
    before: Findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a step: what the kernel said before and after, the pokes by their numbers.

    ``device`` is the one whose counters were read, "" where there is no route.
    """

    step: Step
    device: str
    before: Findings
    after: Findings
    pokes: tuple[Poke, ...]

    @property
    def is_answered(self) -> bool:
        """Whether any poke was replied to."""
        return any(poke.is_answered for poke in self.pokes)

    @property
    def failure(self) -> str:
        """Short text of the last poke that was not."""
        names = [poke.outcome.name for poke in self.pokes if not poke.is_answered]
        return names[-1] if names else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sights:
    """What is seen of each layer, for the table of verdicts."""

    underlay: Sight
    tunnel: Sight
    pods: Sight

    @property
    def are_good(self) -> bool:
        """Whether every layer that was asked answers."""
        return Sight.SILENT not in {self.underlay, self.tunnel, self.pods}


def underlay_of(address: str) -> Target:
    """A node's own address, or that of a next hop."""
    return Target(
        id=underlay_target(address),
        node=None,
        address=address,
        family=Family.of(address),
        host=address,
        layer=Layer.UNDERLAY,
    )


def end_of(address: str, layer: Layer) -> Target:
    """An address of which no name is known."""
    return Target(
        id=TargetId(f"trace/{address}"),
        node=None,
        address=address,
        family=Family.of(address),
        layer=layer,
    )


def next_step(
    subject: Subject, results: Sequence[Result], families: frozenset[Family]
) -> Step | None:
    """What is poked next; None when nothing is left to ask.

    ``families`` are those that this host has a socket of.
    """
    for group in _groups(subject, results):
        there = [step for step in group if step.target.family in families]
        tried = [one for one in results if one.step in there]
        if len(tried) < len(there) and not any(one.is_answered for one in tried):
            return there[len(tried)]
    return None


def sights(results: Sequence[Result]) -> Sights:
    """What is seen of each layer."""
    pods = [one for one in results if one.step.layer is Layer.POD]
    asked = [one for one in pods if not one.step.is_second] or pods
    underlay = _seen(one for one in results if one.step.layer is Layer.UNDERLAY)
    return Sights(underlay=underlay, tunnel=_through(results, pods, underlay), pods=_seen(asked))


def _groups(subject: Subject, results: Sequence[Result]) -> Iterator[tuple[Step, ...]]:
    """The addresses of each layer, of which one that answers is enough."""
    peer = subject.peer
    own = peer.address if peer is not None else None
    if own is not None:
        yield (Step(target=underlay_of(own), node=own),)
    elif subject.hop is not None:
        yield (Step(target=subject.hop),)
    for tunnel in peer.tunnels if peer is not None else ():
        yield tuple(_tunnel_steps(tunnel, peer))
    if subject.end is not None:
        yield (Step(target=subject.end, tunnel=_tunnel_to(subject.end, peer), node=own),)
    if peer is not None and sights(results).tunnel is not Sight.ANSWERS:
        asked = {address for tunnel in peer.tunnels for address in tunnel.addresses}
        others = [one for one in subject.others if one.address not in asked][:MOST_STAND_INS]
        yield tuple(
            Step(target=one, tunnel=_tunnel_to(one, peer), node=own, is_second=True)
            for one in others
        )


def _tunnel_steps(tunnel: Tunnel, peer: Peer | None) -> Iterator[Step]:
    for number, address in enumerate(tunnel.addresses):
        target = Target(
            id=tunnel_target(tunnel.id),
            name=tunnel.device,
            node=peer.node if peer is not None else None,
            address=address,
            family=tunnel.family,
            host=tunnel.underlay or "",
            layer=Layer.TUNNEL,
        )
        own = peer.address if peer is not None else None
        yield Step(target=target, tunnel=tunnel, node=own, is_second=number > 0)


def _tunnel_to(target: Target, peer: Peer | None) -> Tunnel | None:
    """The peer's tunnel whose blocks the target is in."""
    if peer is None or target.layer is not Layer.POD:
        return None
    return next((one for one in peer.tunnels if is_behind(target.address, one)), None)


def _seen(results: Iterable[Result]) -> Sight:
    answers = [one.is_answered for one in results]
    if not answers:
        return Sight.UNKNOWN
    return Sight.ANSWERS if any(answers) else Sight.SILENT


def _through(results: Sequence[Result], pods: Sequence[Result], underlay: Sight) -> Sight:
    """As `core.sights` sees it: of the ways through one device any will do, and pods show them."""
    shown = {one.step.target.family for one in pods if one.is_answered}

    def way(result: Result) -> tuple[str, int]:
        return result.step.target.name, result.step.target.family.value

    tunnels = sorted((one for one in results if one.step.layer is Layer.TUNNEL), key=way)
    if tunnels:
        by_way = {key: _seen(group) for key, group in groupby(tunnels, key=way)}
        is_good = all(
            sight is Sight.ANSWERS or Family(family) in shown
            for (_, family), sight in by_way.items()
        )
        return Sight.ANSWERS if is_good else Sight.SILENT
    sight = _seen(pods)
    # A single one may just be dead.
    is_enough = len(pods) > 1 or underlay is Sight.SILENT
    return Sight.UNKNOWN if sight is Sight.SILENT and not is_enough else sight
