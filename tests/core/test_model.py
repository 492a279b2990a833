"""Checks the vocabulary: what it says to a person, and what must be unique."""

import re
from dataclasses import replace

import pytest

from pokepodsd.core.entries import EventKind
from pokepodsd.core.model import (
    Family,
    Layer,
    NodeName,
    Outcome,
    OutcomeKind,
    Skip,
    Snapshot,
    Target,
    TargetId,
)
from tests.core.builders import make_outcome, make_target


def test_message_ids_are_128_bits_in_hex_and_all_differ() -> None:
    """MESSAGE_ID is a UUID in 32 lower-case hex digits (systemd.journal-fields(7))."""
    ids = [kind.value for kind in EventKind]
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in ids)
    # An Enum makes an alias of a repeated value, which leaves the list shorter than the names.
    assert len(ids) == len(EventKind.__members__)


def test_every_reason_to_skip_has_its_own_words() -> None:
    """No two reasons read the same."""
    assert len(Skip) == len(Skip.__members__)


@pytest.mark.parametrize(
    ("node", "shown"),
    [("node-b", "shop/pod-1 (10.0.0.1) on node-b"), (None, "shop/pod-1 (10.0.0.1)")],
)
def test_target_is_shown_with_pod_address_and_node(node: str | None, shown: str) -> None:
    """An operator sees who, where, and on which node if it is known."""
    assert str(make_target(1, node=node)) == shown


@pytest.mark.parametrize(
    ("outcome", "name"),
    [
        (make_outcome(make_target()), "timed out"),
        (make_outcome(make_target(), OutcomeKind.REPLIED), "replied"),
        (make_outcome(make_target(), OutcomeKind.REJECTED, detail="host unreachable"), None),
        (make_outcome(make_target(), OutcomeKind.SEND_FAILED, detail="EPERM"), None),
    ],
)
def test_outcome_is_named_by_what_was_said_of_it(outcome: Outcome, name: str | None) -> None:
    """The ICMP error or the errno names an outcome, and else its kind."""
    assert outcome.name == (name or outcome.detail)


@pytest.mark.parametrize(
    ("peers", "is_cut_off", "beginning"),
    [
        ({}, False, "0 peers; "),
        ({"tunnel broken": 1, "ok": 4}, False, "5 peers: 4 ok, 1 tunnel broken; "),
        ({"ok": 1}, True, "this node is cut off; 1 peer; "),
    ],
)
def test_snapshot_is_the_status_line(
    peers: dict[str, int], is_cut_off: bool, beginning: str
) -> None:
    """STATUS= says the peers by verdict, the pods by belief and the API's state in one line."""
    snapshot = Snapshot(
        peers=peers,
        is_cut_off=is_cut_off,
        opened=3,
        targets=7,
        up=4,
        down=2,
        opening=1,
        api="watching",
        interval_ns=5,
        sent=1,
        received=1,
        strays={},
    )
    assert str(snapshot) == f"{beginning}7 targets: 4 up, 2 down, 1 opening; API: watching"


def test_what_is_poked_is_named_by_its_layer() -> None:
    """A tunnel by its device and its far end, a node by its name."""
    tunnel = Target(
        id=TargetId("t"),
        name="tunl0",
        node=None,
        address="10.1.0.0",
        family=Family.V4,
        host="192.168.0.2",
        layer=Layer.TUNNEL,
    )
    assert str(tunnel) == "the tunnel tunl0 to 192.168.0.2 (10.1.0.0)"
    named = replace(tunnel, node=NodeName("node-b"))
    assert str(named) == "the tunnel tunl0 to node-b (10.1.0.0)"
    assert str(replace(named, layer=Layer.UNDERLAY)) == "the node node-b (10.1.0.0)"
    assert str(replace(tunnel, layer=Layer.UNDERLAY)) == "the node  (10.1.0.0)"
