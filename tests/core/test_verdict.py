"""Checks the table of verdicts, every row of it."""

import pytest

from pokepodsd.core.verdict import Sight, Verdict, judge

ANSWERS, SILENT, UNSURE, UNKNOWN = Sight.ANSWERS, Sight.SILENT, Sight.UNSURE, Sight.UNKNOWN
# By tunnel and underlay; where both answer, the pods decide.
TABLE: dict[tuple[Sight, Sight], Verdict | None] = {
    (ANSWERS, SILENT): Verdict.UNDERLAY_FILTERED,
    (SILENT, ANSWERS): Verdict.TUNNEL_BROKEN,
    (SILENT, SILENT): Verdict.NODE_UNREACHABLE,
    (SILENT, UNSURE): None,
    (SILENT, UNKNOWN): Verdict.TUNNEL_BROKEN,
    (UNSURE, ANSWERS): Verdict.OPENING,
    (UNSURE, SILENT): Verdict.OPENING,
    (UNSURE, UNSURE): Verdict.OPENING,
    (UNSURE, UNKNOWN): Verdict.OPENING,
    (UNKNOWN, ANSWERS): Verdict.OK,
    (UNKNOWN, SILENT): Verdict.OPENING,
    (UNKNOWN, UNSURE): Verdict.OPENING,
    (UNKNOWN, UNKNOWN): Verdict.OPENING,
}
PASSING = {
    ANSWERS: Verdict.OK,
    SILENT: Verdict.POD_ONLY,
    UNSURE: Verdict.OK,
    UNKNOWN: Verdict.OK,
}


@pytest.mark.parametrize("pods", Sight)
@pytest.mark.parametrize(("tunnel", "underlay"), TABLE)
def test_pods_change_nothing_where_the_nodes_say_it_all(
    tunnel: Sight, underlay: Sight, pods: Sight
) -> None:
    """The tunnel and the underlay decide; what the pods show is in what the tunnel shows."""
    assert judge(underlay=underlay, tunnel=tunnel, pods=pods) is TABLE[tunnel, underlay]


@pytest.mark.parametrize("underlay", [ANSWERS, UNSURE, UNKNOWN])
@pytest.mark.parametrize(("pods", "verdict"), PASSING.items())
def test_tunnel_that_passes_is_well_or_its_pods_are_not(
    underlay: Sight, pods: Sight, verdict: Verdict
) -> None:
    """Silent pods behind a tunnel that answers are the pods' own trouble."""
    assert judge(underlay=underlay, tunnel=ANSWERS, pods=pods) is verdict


def test_only_what_cuts_a_peer_off_is_a_fault() -> None:
    """Filtered pings and dead pods are no fault of the peer."""
    faults = {verdict for verdict in Verdict if verdict.is_fault}
    assert faults == {Verdict.TUNNEL_BROKEN, Verdict.NODE_UNREACHABLE}
