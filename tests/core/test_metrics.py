"""The numbers that the daemon tells its exporter, and how many series they can become.

Owns the bound of what others could make grow. What the numbers are is `test_status`' to check.
"""

import pytest

from pokepodsd.core.model import MonotonicNs, Outcome, OutcomeKind
from tests.core.builders import T0, make_outcome, make_target
from tests.core.metricsfacts import metrics_document
from tests.core.reported import metrics
from tests.core.world import make_world, pods


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


def test_the_exporter_is_told_what_it_knows() -> None:
    """Under the names that it looks for, on every level."""
    world = make_world()
    world.take_list(*pods(3))
    world.run(2)
    said, known = metrics(world), metrics_document()
    known.pop("program")
    known.pop("pid")
    known.pop("loop")
    known.pop("reloads")
    assert said.keys() >= known.keys() - {"node"}
    assert said["rtt"]["pod"].keys() == known["rtt"]["pod"].keys()
    count = said["outcomes"]["pod"]["replied"]
    assert count >= 3
    assert said["rtt"]["pod"]["count"] == count
    assert said["rtt"]["pod"]["sum_seconds"] == pytest.approx(0.002 * count)
    assert sum(said["rtt"]["pod"]["buckets"].values()) == count
    assert said["targets"]["pod"] == {"up": 3, "down": 0, "opening": 0}
    assert said["pods_known"] == 3
    assert said["api"].keys() >= known["api"].keys() - {"reader_starts"}
