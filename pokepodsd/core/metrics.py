"""The state of the daemon as numbers, for whoever makes metrics of them.

Owns which numbers there are. Their names, help and types are `edge.metrics`'.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from pokepodsd.core.model import SECOND_NS, Layer, OutcomeKind
from pokepodsd.core.moment import Moment
from pokepodsd.core.overview import Overview
from pokepodsd.core.packets import ERROR_NAMES
from pokepodsd.core.requests import Request, Result
from pokepodsd.core.statistics import SCHEMA, RttHistogram
from pokepodsd.core.status import VERSION, Stages, targets_by_layer
from pokepodsd.core.verdict import Verdict

# Who is still asked is not unwell, and a node that never answers pings would be unwell for ever.
_UNWELL: Final = (Verdict.TUNNEL_BROKEN, Verdict.NODE_UNREACHABLE, Verdict.POD_ONLY)
# Of what fails at once on every node, a bounded number of series: a Prometheus must not melt with
# the network.
MOST_UNWELL: Final = 100
_UNNAMED: Final = "other"


def numbers(stages: Stages, moment: Moment) -> dict[str, Any]:
    """All of them, as JSON has them; times in seconds since 1970, durations in seconds."""
    poking, peering = stages.poking, stages.peering
    seen = stages.overlook.look(moment.now)
    ledger, lanes = poking.ledger, poking.lanes
    return {
        "version": VERSION,
        "started_seconds": moment.seconds(stages.started_ns),
        "targets": targets_by_layer(poking),
        "pods_known": len(stages.podding.population),
        "peers": {one.value: seen.counts[one] for one in Verdict},
        "cut_off": peering.assessment.isolation.is_on,
        "held": len(peering.assessment.on_hold),
        "tunnels_opened": peering.bulletin.opened,
        "outcomes": {
            layer.value: {kind.value: ledger.outcomes[layer][kind] for kind in OutcomeKind}
            for layer in Layer
        },
        "rtt": {layer.value: _histogram(ledger.rtts[layer]) for layer in Layer},
        "send_errors": dict(ledger.send_errors),
        "icmp_errors": _by_name(ledger.icmp_errors),
        "strays": poking.flights.all_strays(),
        "intervals": {
            layer.value: lanes[layer].interval_ns / SECOND_NS for layer in (Layer.TUNNEL, Layer.POD)
        },
        "max_rate": poking.max_rate,
        "api": _api(stages, moment),
        "unwell": list(_unwell(stages, seen, moment)),
    }


def _by_name(errors: Mapping[str, int]) -> dict[str, int]:
    """Those without a name are one: each name is a series for ever, and others choose the code."""
    counts: Counter[str] = Counter()
    for name, number in errors.items():
        counts[name if name in ERROR_NAMES else _UNNAMED] += number
    return dict(counts)


def _histogram(histogram: RttHistogram) -> dict[str, Any]:
    return {
        "count": histogram.count,
        "sum_seconds": histogram.sum_ns / SECOND_NS,
        "zero": histogram.zero,
        "schema": SCHEMA,
        "buckets": {str(index): n for index, n in sorted(histogram.buckets.items())},
    }


def _api(stages: Stages, moment: Moment) -> dict[str, Any]:
    usage = stages.usage
    return {
        "state": stages.api.state.value,
        "heard_seconds": None if usage.heard_ns is None else moment.seconds(usage.heard_ns),
        "requests": {
            request.value: {result.value: usage.requests[request, result] for result in Result}
            for request in Request
        },
        "received_bytes": usage.received,
    }


def _unwell(stages: Stages, seen: Overview, moment: Moment) -> Iterator[dict[str, Any]]:
    """Those that are not well, faults first; what is excused is no alarm.

    While this node is cut off, that says it all.
    """
    assessment = stages.peering.assessment
    if assessment.isolation.is_on:
        return
    there = [one for one in seen.unwell if stages.peering.get(one) is not None]
    wanted = (one for one in there if not assessment.excuse(one))
    told = ((one, *assessment.told_of(one)) for one in wanted)
    unwell = (one for one in told if one[1] in _UNWELL)
    for peer_id, verdict, since_ns in islice(unwell, MOST_UNWELL):
        peer = stages.peering.get(peer_id)
        yield {
            "peer": peer_id,
            "address": peer.address if peer is not None else None,
            "verdict": verdict.value,
            "since_seconds": moment.seconds(since_ns),
        }
