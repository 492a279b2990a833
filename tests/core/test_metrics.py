"""The numbers that the daemon tells its exporter, and how many series they can become.

Owns the bound of what others could make grow. What the numbers are is `test_status`' to check.
"""

from pokepodsd.core.model import MonotonicNs, Outcome, OutcomeKind
from tests.core.builders import T0, make_outcome, make_target
from tests.core.reported import metrics
from tests.core.world import make_world


def test_whoever_sends_icmp_errors_cannot_make_series_of_them() -> None:
    """What no RFC names is counted together: each type and code of it would be a series."""
    world = make_world()
    ledger = world.engine.stages.poking.ledger
    probe = make_outcome(make_target(1)).probe
    named = ["host unreachable", "communication prohibited"]
    for detail in (*named, *(f"ICMP type 3 code {code}" for code in range(16, 256))):
        kind, now = OutcomeKind.REJECTED, MonotonicNs(T0)
        ledger.note(Outcome(probe=probe, kind=kind, at_ns=now, detail=detail))
    assert metrics(world)["icmp_errors"] == {**dict.fromkeys(named, 1), "other": 240}
