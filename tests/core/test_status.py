"""The status as documents: the verdict on this node, its peers, its targets.

Owns what is reported of a world. Refuses: how it is shown, and how it is sent.
"""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pokepodsd.core.model import Scope
from pokepodsd.core.records import Alive, Asked, Lost, NodeSeen, Watching
from pokepodsd.core.requests import Request, Result
from pokepodsd.core.status import FEW_PEERS, MOST_SHOWN, Selection, StatusParts
from tests.core.nodes import (
    Faults,
    feed,
    name_of,
    own_address,
    pod_address,
    route_to,
    tunnel_address,
)
from tests.core.reported import header, metrics, moment, peers, targets
from tests.core.world import World, make_world

NODES = range(1, 20)
SCHEMA = Path(__file__).resolve().parents[2] / "packaging" / "schema" / "status-1.json"


def quiet_world(nodes: range = NODES, pods_each: int = 3) -> tuple[World, Faults]:
    faults = Faults()
    world = make_world(faults)
    feed(world, nodes, pods_each)
    world.run(40)
    return world, faults


def verdict(world: World) -> tuple[str, str]:
    told = header(world)["verdict"]
    return told["state"], told["text"]


def test_nothing_is_known_at_first() -> None:
    """Neither ok nor a fault: it is only starting."""
    world = make_world()
    assert verdict(world) == ("starting", "no other node is known yet")
    assert header(world)["api"]["state"] == "unasked"


def test_all_well_is_said_in_one_sentence() -> None:
    """With every peer and what its pokes came to."""
    world, _ = quiet_world()
    assert verdict(world) == ("ok", "this node reaches its 19 peers")
    found = header(world)
    assert (found["verdicts"], found["peers_total"]) == ({"ok": 19}, 19)
    assert found["loss"] == {"1m": 0.0, "5m": 0.0, "15m": 0.0}
    assert found["rtt"] == {"median_seconds": 0.002, "worst_seconds": 0.002}
    assert found["targets_by_layer"]["pod"] == {"up": 57, "down": 0, "opening": 0}
    assert [one["verdict"] for one in peers(world)] == ["ok"] * 19
    assert targets(world) == []
    assert found["verdict"]["since"] == max(one["since"] for one in peers(world))


def test_a_broken_tunnel_comes_first_with_its_reason() -> None:
    """The verdict names it; the peer's document says which layer fails, since when, and how."""
    world, faults = quiet_world()
    faults.shut.add(7)
    world.run(30)
    state, text = verdict(world)
    assert state == "fault"
    assert text == f"this node does not reach 1 of its 19 peers: {name_of(7)} (tunnel broken)"
    first = peers(world)[0]
    assert (first["id"], first["verdict"], first["is_fault"]) == (name_of(7), "tunnel broken", True)
    assert first["since"] == header(world)["verdict"]["since"]
    (tunnel,) = first["tunnels"]
    assert (tunnel["state"], tunnel["failure"]) == ("down", "timed out")
    assert tunnel["address"] == tunnel_address(7)
    assert first["underlay"] == {"state": "up", "failure": ""}
    assert first["pods"] == {"up": 0, "down": 3, "opening": 0}
    assert first["loss"]["1m"] > 0.5
    assert {one["node"] for one in targets(world)} == {name_of(7)}


def test_what_recovers_is_well_again_and_remembers_the_opening() -> None:
    """Since when is when it came back."""
    world, faults = quiet_world()
    faults.shut.add(7)
    world.run(30)
    before = header(world)["at"]
    faults.heal()
    world.run(40)
    assert verdict(world)[0] == "ok"
    (peer,) = [one for one in peers(world) if one["id"] == name_of(7)]
    assert (peer["opened"], header(world)["tunnels_opened"]) == (1, 1)
    assert peer["since"] > before


def test_one_dead_pod_is_no_fault_of_its_peer() -> None:
    """But something is down, and is named."""
    world, faults = quiet_world()
    faults.pods.add(pod_address(3, 1))
    world.run(60)
    assert verdict(world) == ("fault", "this node reaches its 19 peers, 1 pod does not answer")
    (target,) = targets(world)
    assert (target["address"], target["state"]) == (pod_address(3, 1), "down")
    assert target["failures"] >= 3


def test_a_node_that_is_cut_off_blames_nobody() -> None:
    """And no peer becomes a series."""
    world, faults = quiet_world()
    faults.shut |= set(NODES)
    world.run(30)
    assert verdict(world)[0] == "cut-off"
    assert metrics(world)["cut_off"] is True
    assert metrics(world)["unwell"] == []


def test_many_well_peers_are_a_number() -> None:
    """With more than a screen of them, only those that are not well are listed; all on request."""
    world, faults = quiet_world(range(1, FEW_PEERS + 10))
    assert peers(world) == []
    assert len(peers(world, peers="all")) == FEW_PEERS + 9
    faults.shut.add(7)
    world.run(30)
    assert [one["id"] for one in peers(world)] == [name_of(7)]
    assert peers(world, peers="none") == []


@pytest.mark.parametrize("text", [name_of(5), own_address(5), tunnel_address(5)])
def test_one_peer_is_found_by_any_of_its_names(text: str) -> None:
    """With all of its targets, and none of others'."""
    world, _ = quiet_world()
    assert [one["id"] for one in peers(world, peer=text)] == [name_of(5)]
    found = targets(world, targets="all", peer=text)
    assert {one["layer"] for one in found} == {"underlay", "tunnel", "pod"}
    assert {one["node"] for one in found} == {name_of(5)}


def test_a_namespace_narrows_the_targets() -> None:
    """None of another namespace, and no tunnel, which is in none."""
    world, _ = quiet_world()
    everything = targets(world, targets="all")
    (namespace,) = {one["namespace"] for one in everything if one["layer"] == "pod"}
    assert len(targets(world, targets="all", namespace=namespace)) == 57
    assert targets(world, targets="all", namespace="elsewhere") == []


def test_no_more_is_listed_than_anybody_reads() -> None:
    """Of many pods that are down some are listed; how many there are is in the header."""
    world, faults = quiet_world(range(1, 11), 30)
    faults.pods |= {pod_address(node, pod) for node in range(1, 11) for pod in range(30)}
    world.run(60)
    assert len(targets(world)) == MOST_SHOWN < 300
    assert header(world)["targets_by_layer"]["pod"]["down"] == 300
    assert len(targets(world, targets="all")) == 300 + 20


def test_every_report_is_json() -> None:
    """Whatever the state: what a program reads has no type of ours."""
    world, faults = quiet_world()
    faults.shut.add(7)
    world.run(30)
    for document in (header(world), metrics(world), *peers(world), *targets(world)):
        assert json.loads(json.dumps(document)) == document


@pytest.mark.parametrize("has_fault", [False, True])
def test_the_document_is_as_its_schema_says(has_fault: bool) -> None:
    """The one that is shipped, which allows nothing else; what the daemon adds is given here."""
    world, faults = quiet_world()
    if has_fault:
        faults.shut.add(7)
        faults.pods.add(pod_address(3, 1))
        world.run(60)
    document: dict[str, Any] = {
        "program": "1",
        "node": {"name": None, "host": "here", "addresses": []},
        "loop": {"lag_seconds": 0.0},
        **header(world),
        "peers": peers(world, peers="all"),
        "targets": targets(world, targets="all"),
    }
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)


def test_metrics_name_the_peers_that_are_not_well() -> None:
    """With the time since when, on Prometheus' clock; none when all are well again."""
    world, faults = quiet_world()
    assert metrics(world)["unwell"] == []
    faults.shut.add(7)
    world.run(30)
    (unwell,) = metrics(world)["unwell"]
    assert (unwell["peer"], unwell["verdict"]) == (name_of(7), "tunnel broken")
    assert unwell["address"] == own_address(7)
    assert metrics(world)["peers"]["tunnel broken"] == 1
    faults.heal()
    world.run(40)
    assert metrics(world)["unwell"] == []


def test_an_excused_peer_is_no_series() -> None:
    """A cordoned node that goes is no alarm, here as in the journal; the status still tells it."""
    world, faults = quiet_world()
    faults.dead.add(7)
    world.engine.take(Watching(scope=Scope.CLUSTER), world.now)
    for _ in range(30):
        world.run(1)
        for node in world.engine.take_lookups():
            seen = NodeSeen(
                node=node, unschedulable=True, ready=True, deleting=False, created="2026"
            )
            world.engine.take(seen, world.now)
    assert metrics(world)["peers"]["node unreachable"] == 1
    assert metrics(world)["unwell"] == []
    (first, *_) = peers(world)
    assert (first["is_fault"], first["excuse"]) == (True, "the node is cordoned")
    text = f"this node reaches 18 of its 19 peers; no alarm: {name_of(7)} (the node is cordoned)"
    assert verdict(world) == ("ok", text)


def test_the_api_server_s_cost_is_counted_over_readers() -> None:
    """Requests by their result; bytes of a reader and of the one that replaced it."""
    world, _ = quiet_world()
    for record in (
        Asked(request=Request.LIST, result=Result.REFUSED),
        Asked(request=Request.WATCH, result=Result.OK),
        Alive(received=100, heard_ns=0),
        Alive(received=250, heard_ns=world.now),
        Alive(received=40, heard_ns=world.now),
    ):
        world.engine.take(record, world.now)
    api = metrics(world)["api"]
    assert api["received_bytes"] == 290
    assert (api["requests"]["list"]["refused"], api["requests"]["watch"]["ok"]) == (1, 1)
    assert header(world)["api"]["heard"] == header(world)["at"]


def test_a_lost_api_server_says_since_when() -> None:
    """The reason in words, and the time at which it was lost."""
    world, _ = quiet_world()
    before = header(world)["at"]
    world.engine.take(Lost(reason="connection refused"), world.now)
    world.run(20)
    api = header(world)["api"]
    assert (api["state"], api["text"]) == ("lost", "lost (connection refused)")
    assert api["since"] == before
    assert verdict(world)[0] == "ok"


def test_no_targets_are_listed_where_none_are_asked_for() -> None:
    """Nor peers; the header says how many there are."""
    world, _ = quiet_world(range(1, 4))
    assert targets(world, targets="none") == []
    assert peers(world, peers="none") == []
    assert header(world)["peers_total"] == 3


def test_a_peer_that_goes_while_it_is_told_is_left_out() -> None:
    """Whoever asks takes one after the other."""
    world, _ = quiet_world(range(1, 4), pods_each=0)
    told = StatusParts(world.engine.stages).peers(Selection(peers="all"), moment(world))
    first = next(told)
    for number in range(1, 4):
        if own_address(number) != first["address"]:
            world.retract(route_to(number))
    world.run(2)
    assert list(told) == []


def test_peers_that_are_being_asked_are_told_at_the_start() -> None:
    """Neither ok nor a fault."""
    world = make_world()
    feed(world, range(1, 4), 1)
    world.turn()
    state, text = verdict(world)
    assert state == "starting"
    assert text == "this node reaches 0 of its 3 peers, 3 being asked"
