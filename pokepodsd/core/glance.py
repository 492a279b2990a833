"""The state of the daemon at one glance: for its status line, and for this node's condition.

Owns which numbers these are, and changes none.
"""

from pokepodsd.core.condition import Outlook
from pokepodsd.core.model import Health, Layer, Snapshot
from pokepodsd.core.status import Stages
from pokepodsd.core.verdict import Verdict


def outlook(stages: Stages) -> Outlook:
    """What this node's condition is made of."""
    assessment = stages.peering.assessment
    faults = [
        (str(stages.peering.get(peer_id)), verdict.value)
        for peer_id, verdict, _ in assessment.told()
        if verdict.is_fault and not assessment.excuse(peer_id)
    ]
    return Outlook(
        peers=len(stages.peering.all()),
        opening=assessment.counts[Verdict.OPENING],
        is_cut_off=assessment.isolation.is_on,
        faults=tuple(faults),
    )


def snapshot(stages: Stages) -> Snapshot:
    """The state as it is now."""
    counts = stages.poking.books[Layer.POD].counts
    flights = stages.poking.flights
    assessment = stages.peering.assessment
    return Snapshot(
        targets=len(stages.podding.population),
        up=counts[Health.UP],
        down=counts[Health.DOWN],
        opening=counts[Health.OPENING],
        peers={one.value: n for one, n in assessment.counts.items() if n},
        is_cut_off=assessment.isolation.is_on,
        opened=stages.peering.bulletin.opened,
        api=str(stages.api),
        interval_ns=stages.poking.lanes[Layer.POD].interval_ns,
        sent=flights.sent,
        received=flights.received,
        strays=flights.strays(),
    )
