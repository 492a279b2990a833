"""What is seen of one peer's layers, from the beliefs about its targets.

Owns what counts as an answer through a tunnel: the tunnel's own address, or any pod behind it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from pokepodsd.core.health import HealthBook, Record, Tally
from pokepodsd.core.kernel import Tunnel, TunnelId
from pokepodsd.core.model import Health, Layer, MonotonicNs, Target, TargetId
from pokepodsd.core.peers import Peer
from pokepodsd.core.verdict import Sight

Books = Mapping[Layer, HealthBook]
# One lost packet is normal.
_IN_A_ROW = 2
_SIGHTS = {
    Health.UP: Sight.ANSWERS,
    Health.DOWN: Sight.SILENT,
    Health.OPENING: Sight.UNSURE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One peer as it is seen now.

    ``record`` is that of a tunnel, of one that fails if there is one; ``failing_since_ns`` is when
    the first poke through it left that was lost, ``replied_ns`` when the last one that was
    answered. ``underlay_failure`` is how its own address last failed. ``example`` is a target
    behind the tunnel, one that fails if there is one.
    """

    underlay: Sight
    tunnel: Sight
    pods: Sight
    is_doubtful: bool
    is_failing: bool
    record: Record | None
    example: Target | None
    failing_since_ns: MonotonicNs | None
    replied_ns: MonotonicNs | None
    underlay_failed_ns: MonotonicNs | None = None
    underlay_failure: str = ""
    failed_ns: MonotonicNs | None = None

    def contrasts_since(self, since_ns: MonotonicNs) -> bool:
        """Whether, since then, the tunnel has answered and the node's own address has failed."""
        return (self.replied_ns or 0) > since_ns and (self.underlay_failed_ns or 0) > since_ns


def tunnel_target(tunnel_id: TunnelId) -> TargetId:
    """The id of the target that stands for a tunnel."""
    return TargetId(f"tunnel/{tunnel_id}")


def underlay_target(address: str) -> TargetId:
    """The id of the target that stands for a node's own address."""
    return TargetId(f"underlay/{address}")


def view(peer: Peer, books: Books) -> View:
    """What is seen of a peer."""
    tally = books[Layer.POD].tally(peer.node) if peer.node is not None else Tally()
    own = books[Layer.UNDERLAY].get(underlay_target(peer.address or ""))
    underlay = _underlay(own)
    records = [
        (tunnel, record)
        for tunnel in peer.tunnels
        if (record := books[Layer.TUNNEL].get(tunnel_target(tunnel.id))) is not None
    ]
    silent = [record for tunnel, record in records if _sight(tunnel, record, tally) is Sight.SILENT]
    tunnel = _through(records, tally) if records else _by_pods(tally, underlay)
    answers = [record.replied_ns for _, record in records] + list(tally.replied.values())
    began = [record.since_ns for record in silent] or [
        record.unanswered_since_ns for _, record in records if record.unanswered_since_ns
    ]
    failing_since = min(began, default=None)
    if silent and underlay is Sight.ANSWERS and own is not None:
        # What it answered before says nothing of now.
        underlay = _fresh(own, failing_since or own.since_ns)
    record = min(
        silent or [record for _, record in records],
        key=lambda record: (not record.failures, record.since_ns),
        default=None,
    )
    return View(
        underlay=underlay,
        tunnel=tunnel,
        pods=_pods(tally),
        is_doubtful=_is_doubtful(records, tally),
        is_failing=tunnel is Sight.SILENT or _is_doubtful(records, tally, least=_IN_A_ROW),
        record=record,
        example=record.target if record is not None else tally.failing,
        failing_since_ns=failing_since,
        failed_ns=_failed(records, tally),
        underlay_failed_ns=own.failed_ns if own is not None else None,
        underlay_failure=own.failure if own is not None else "",
        replied_ns=max((at for at in answers if at is not None), default=None),
    )


def _underlay(record: Record | None) -> Sight:
    if record is None:
        return Sight.UNKNOWN
    if record.health is Health.UP and record.failures:
        return Sight.UNSURE
    return _SIGHTS[record.health]


def _fresh(own: Record, since_ns: MonotonicNs) -> Sight:
    return Sight.ANSWERS if (own.replied_ns or 0) >= since_ns else Sight.UNSURE


def _sight(tunnel: Tunnel, record: Record, tally: Tally) -> Sight:
    """Pods that answer, and have since the tunnel's own address does not, show that it passes."""
    sight = _SIGHTS[record.health]
    if sight is Sight.ANSWERS:
        return sight
    answered = tally.replied.get(tunnel.family)
    since = record.unanswered_since_ns or record.since_ns
    passes = tally.answering[tunnel.family] > 0 and answered is not None and answered >= since
    return Sight.ANSWERS if passes else sight


def _through(records: Iterable[tuple[Tunnel, Record]], tally: Tally) -> Sight:
    sights = set(_by_device(records, tally))
    order = (Sight.SILENT, Sight.ANSWERS, Sight.UNSURE)
    return next(sight for sight in order if sight in sights)


def _by_device(records: Iterable[tuple[Tunnel, Record]], tally: Tally) -> Iterator[Sight]:
    """Of the ways through one device any will do; those through another may still be broken."""

    def device(item: tuple[Tunnel, Record]) -> tuple[str, int]:
        return (item[0].device, item[0].family.value)

    for _, group in groupby(sorted(records, key=device), key=device):
        sights = {_sight(tunnel, record, tally) for tunnel, record in group}
        order = (Sight.ANSWERS, Sight.UNSURE, Sight.SILENT)
        yield next(sight for sight in order if sight in sights)


def _by_pods(tally: Tally, underlay: Sight) -> Sight:
    """Where the kernel shows no tunnel, the pods stand for it; a single one may just be dead."""
    if not tally.targets:
        return Sight.UNKNOWN
    if tally.down < tally.targets:
        # One that is new says nothing yet.
        return Sight.ANSWERS if tally.up else Sight.UNSURE
    is_enough = tally.targets > 1 or underlay is Sight.SILENT
    return Sight.SILENT if is_enough else Sight.UNKNOWN


def _failed(records: Sequence[tuple[Tunnel, Record]], tally: Tally) -> MonotonicNs | None:
    """When the last poke left that was lost."""
    if not records:
        return tally.failed_ns
    return max((one.failed_ns for _, one in records if one.failed_ns is not None), default=None)


def _is_doubtful(records: Sequence[tuple[Tunnel, Record]], tally: Tally, *, least: int = 1) -> bool:
    """Whether what goes through the tunnel fails, and is not believed to be down yet."""
    if records:
        return any(
            record.failures >= least and record.health is not Health.DOWN for _, record in records
        )
    return tally.doubtful > 0 and tally.doubtful + tally.down == tally.targets


def _pods(tally: Tally) -> Sight:
    if not tally.targets:
        return Sight.UNKNOWN
    return Sight.SILENT if tally.down == tally.targets else Sight.ANSWERS
