"""Checks that no verdict is lost or made by a peer that is renamed or gone."""

from pokepodsd.core.kernel import Findings
from pokepodsd.core.verdict import Verdict
from tests.core.assessed import make_stage
from tests.core.builders import at


def test_a_peer_that_goes_under_another_name_keeps_its_fault() -> None:
    """Of two that turn out to be one, and are counted as one."""
    stage = make_stage(3)
    old, new = stage.peers[0], stage.peers[1]
    stage.fall([old])
    stage.run(20)
    assert stage.told() == [(old.id, Verdict.TUNNEL_BROKEN)]
    stage.assessment.rename(old.id, new.id)
    stage.assessment.drop(old.id, at(stage.now))
    assert stage.alarming() == [(new.id, Verdict.TUNNEL_BROKEN)]
    assert sum(stage.assessment.counts.values()) == 2
    assert stage.assessment.counts[Verdict.TUNNEL_BROKEN] == 1


def test_what_is_said_of_a_peer_that_is_gone_is_nothing() -> None:
    """An answer of the kernel, and a touch, that come too late."""
    stage = make_stage(2)
    gone = stage.peers[0]
    stage.assessment.drop(gone.id, at(stage.now))
    stage.assessment.inspected(gone.id, Findings())
    stage.assessment.touch(gone.id)
    stage.run(1)
    assert stage.told() == []
