"""The state of the daemon as the status document: header, peers, targets.

Owns its shape, which `packaging/schema/status-1.json` has in words. Costs nothing while nobody
asks. Knows neither the socket that it leaves by, nor the wall clock: who asks hands it in.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from pokepodsd.core.apibelief import ApiBelief
from pokepodsd.core.apiusage import ApiUsage
from pokepodsd.core.health import Record, Tally
from pokepodsd.core.model import SECOND_NS, Health, Layer, MonotonicNs, Target
from pokepodsd.core.moment import Moment
from pokepodsd.core.overview import Overlook
from pokepodsd.core.peering import Peering
from pokepodsd.core.peers import Peer
from pokepodsd.core.podding import Podding
from pokepodsd.core.poking import Poking
from pokepodsd.core.sights import tunnel_target, underlay_target
from pokepodsd.core.statistics import PokeWindow
from pokepodsd.core.verdict import Verdict

VERSION: Final = 1
# So few peers are shown whether they are well or not.
FEW_PEERS: Final = 20
# More than anybody reads: a program asks for all.
MOST_SHOWN: Final = 200

Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is asked for: "some", "all" or "none" of the peers and of the targets, narrowed."""

    peers: str = "some"
    targets: str = "some"
    peer: str | None = None
    namespace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """The parts of the engine that have something to say."""

    poking: Poking
    podding: Podding
    peering: Peering
    api: ApiBelief
    usage: ApiUsage
    overlook: Overlook
    started_ns: MonotonicNs


class StatusParts:
    """The status document, part by part."""

    def __init__(self, stages: Stages) -> None:
        self._stages = stages
        self._poking, self._peering = stages.poking, stages.peering

    def header(self, moment: Moment) -> Document:
        """Everything but the peers and the targets."""
        seen = self._stages.overlook.look(moment.now)
        api, usage = self._stages.api, self._stages.usage
        flights, lanes = self._poking.flights, self._poking.lanes
        window = self._peering.traffic.all
        now = moment.now
        return {
            "version": VERSION,
            "at": moment.text(now),
            "started": moment.text(self._stages.started_ns),
            "verdict": seen.document(moment),
            "peers_total": seen.counts.total(),
            "verdicts": {one.value: n for one, n in seen.counts.items() if n},
            "rtt": _rtt(window, now),
            "loss": window.losses(now),
            "tunnels_opened": self._peering.bulletin.opened,
            "held": len(self._peering.assessment.on_hold),
            "targets_by_layer": targets_by_layer(self._poking),
            "pods_known": len(self._stages.podding.population),
            "api": {
                "state": api.state.value,
                "text": str(api),
                "since": moment.text(api.since_ns),
                "heard": moment.text(usage.heard_ns),
            },
            "pokes": {
                "sent": flights.sent,
                "received": flights.received,
                "interval_seconds": lanes[Layer.POD].interval_ns / SECOND_NS,
                "tunnel_interval_seconds": lanes[Layer.TUNNEL].interval_ns / SECOND_NS,
                "max_rate": self._poking.max_rate,
                "strays": dict(flights.strays()),
                "send_errors": dict(self._poking.ledger.send_errors),
            },
        }

    def peers(self, selection: Selection, moment: Moment) -> Iterator[Document]:
        """A document for each peer that is asked for, those that are not well first."""
        peering = self._peering
        if selection.peers == "none":
            return
        unwell = self._stages.overlook.look(moment.now).unwell
        if selection.peer is not None:
            ids = sorted(one.id for one in peering.find(selection.peer))
        elif selection.peers == "some" and len(peering.all()) > FEW_PEERS:
            ids = list(unwell[:MOST_SHOWN])
        else:
            first = frozenset(unwell)
            ids = [*unwell, *sorted(one.id for one in peering.all() if one.id not in first)]
        for peer_id in ids:
            # Whoever asks takes them one by one, and meanwhile some may go.
            peer = peering.get(peer_id)
            if peer is not None:
                yield self._peer(peer, *peering.assessment.told_of(peer_id), moment)

    def targets(self, selection: Selection, moment: Moment) -> Iterator[Document]:
        """A document for each target that is asked for."""
        if selection.targets == "none":
            return
        nodes = self._nodes(selection.peer)
        wanted = (
            record
            for record in self._records(selection)
            if _is_wanted(record.target, selection.namespace, nodes)
        )
        most = MOST_SHOWN if selection.targets == "some" else None
        for record in islice(wanted, most):
            yield _target(record, moment)

    def _records(self, selection: Selection) -> Iterator[Record]:
        """Some: the pods that are not up, those that are down first. All: all."""
        books = self._poking.books
        if selection.targets == "some":
            not_up = list(books[Layer.POD].not_up.values())
            yield from (one for one in not_up if one.health is Health.DOWN)
            yield from (one for one in not_up if one.health is not Health.DOWN)
            return
        for layer in Layer:
            yield from list(books[layer].all())

    def _peer(
        self, peer: Peer, verdict: Verdict, since_ns: MonotonicNs, moment: Moment
    ) -> Document:
        traffic = self._peering.traffic.of(peer.id)
        pods = self._poking.books[Layer.POD]
        tally = Tally() if peer.node is None else pods.tally(peer.node)
        own = self._poking.get(Layer.UNDERLAY, underlay_target(peer.address or ""))
        return {
            "id": peer.id,
            "node": peer.node,
            "address": peer.address,
            "verdict": verdict.value,
            "is_fault": verdict.is_fault,
            "excuse": self._peering.assessment.excuse(peer.id),
            "is_held": peer.id in self._peering.assessment.on_hold,
            "since": moment.text(since_ns),
            "rtt": _rtt(traffic.window, moment.now),
            "loss": traffic.window.losses(moment.now),
            "opened": traffic.opened,
            "tunnels": list(self._tunnels(peer)),
            "underlay": None if own is None else _standing(own),
            "pods": {
                "up": tally.up,
                "down": tally.down,
                "opening": tally.targets - tally.up - tally.down,
            },
        }

    def _tunnels(self, peer: Peer) -> Iterator[Document]:
        for tunnel in peer.tunnels:
            record = self._poking.get(Layer.TUNNEL, tunnel_target(tunnel.id))
            standing = {"state": "not poked", "failure": ""}
            yield {
                "device": tunnel.device,
                "kind": tunnel.kind,
                "gateway": tunnel.gateway,
                "blocks": list(tunnel.blocks),
                "address": record.target.address if record is not None else None,
                **(_standing(record) if record is not None else standing),
            }

    def _nodes(self, peer: str | None) -> frozenset[str | None] | None:
        """The nodes whose targets are wanted; None for all."""
        if peer is None:
            return None
        return frozenset(one.node or one.address for one in self._peering.find(peer))


def targets_by_layer(poking: Poking) -> dict[str, dict[str, int]]:
    """How many targets of each layer are up, down and opening."""
    return {
        layer.value: {health.value: poking.books[layer].counts[health] for health in Health}
        for layer in Layer
    }


def _rtt(window: PokeWindow, now: MonotonicNs) -> dict[str, float] | None:
    median_ns, worst_ns = window.median_ns(now), window.worst_ns(now)
    if median_ns is None or worst_ns is None:
        return None
    return {"median_seconds": median_ns / SECOND_NS, "worst_seconds": worst_ns / SECOND_NS}


def _standing(record: Record) -> dict[str, str]:
    failure = "" if record.health is Health.UP else record.failure
    return {"state": record.health.value, "failure": failure}


def _is_wanted(target: Target, namespace: str | None, nodes: frozenset[str | None] | None) -> bool:
    if namespace is not None and target.namespace != namespace:
        return False
    return nodes is None or target.node in nodes or target.host in nodes


def _target(record: Record, moment: Moment) -> Document:
    target = record.target
    return {
        "layer": target.layer.value,
        **_standing(record),
        "since": moment.text(record.since_ns),
        "namespace": target.namespace,
        "name": target.name,
        "uid": target.uid,
        "node": target.node,
        "address": target.address,
        "failures": record.failures,
        "sent": record.sent,
    }
