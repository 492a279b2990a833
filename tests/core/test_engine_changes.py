"""Checks the stages together when targets, settings, the API or the loop change."""

from dataclasses import replace

import pytest

from pokepodsd.core.entries import EventKind
from pokepodsd.core.model import SECOND_NS, MonotonicNs, NodeName, Scope
from pokepodsd.core.records import (
    Alive,
    Identified,
    ListBegun,
    ListEnded,
    Lost,
    PodChanged,
    PodRemoved,
    PodsListed,
    Refused,
    Watching,
)
from tests.core.builders import T0, at, make_config, make_pod, make_target
from tests.core.world import is_silent, make_world, per_address, pods, world_of


def test_stretch_is_told_once_after_the_list_and_so_is_its_end() -> None:
    """More targets than the cap carries: one warning, and one entry when they fit again."""
    world = make_world(max_rate=20)
    world.engine.take(ListBegun(), world.now)
    world.engine.take(PodsListed(pods=tuple(pods(200))), world.now)
    world.run(5)
    assert world.told() == []
    world.engine.take(ListEnded(scope=Scope.CLUSTER), world.now)
    world.engine.take(Watching(scope=Scope.CLUSTER), world.now)
    world.run(60)
    (entry,) = world.entries
    assert entry.text.startswith(
        "200 targets at 20 packets a second: each is poked every 10s instead of every 5s. "
    )
    assert world.engine.snapshot().interval_ns == 10 * SECOND_NS
    world.told()
    world.take_list(*pods(100))
    world.run(5)
    assert world.told() == [EventKind.INTERVAL_RESTORED]


def test_stretch_is_told_although_a_list_broke_off() -> None:
    """An API server that is gone in the middle of a list does not keep the warning back."""
    world = make_world(max_rate=20)
    world.take_list(*pods(200))
    world.engine.take(ListBegun(), world.now)
    world.engine.take(Lost(reason="gone"), world.now)
    world.run(11)
    assert world.told().count(EventKind.INTERVAL_STRETCHED) == 1


def test_refusal_of_a_moment_costs_no_restored_target() -> None:
    """A daemon that starts while the API server does keeps poking what it knew."""
    world = make_world()
    world.engine.take(Identified(node=NodeName("node-a"), source="certificate"), T0)
    world.engine.restore([make_target(1)], world.now)
    for record in (
        Refused(message="no"),
        ListBegun(),
        PodsListed(pods=()),
        ListEnded(scope=Scope.NODE),
        Watching(scope=Scope.NODE),
    ):
        world.engine.take(record, world.now)
    world.run(10)
    assert world.counts() == (1, 0, 0)


def test_address_that_is_not_poked_is_told_once() -> None:
    """Although its pod comes with every list."""
    world = make_world()
    for _ in range(5):
        world.take_list(make_pod(addresses=("169.254.1.1",)))
        world.turn()
    assert world.told() == [EventKind.POD_IGNORED]


def test_restored_targets_are_poked_before_the_api_answers() -> None:
    """And go on being poked while it does not; the first full list drops the unconfirmed."""
    world = make_world()
    saved = [make_target(n, uid=f"uid-p{n}", address=f"10.1.0.{n + 1}") for n in (0, 1)]
    world.engine.restore(saved, world.now)
    world.run(1)
    assert set(per_address(world.sends)) == {"10.1.0.1", "10.1.0.2"}
    world.engine.take(Lost(reason="HTTP 503"), world.now)
    world.run(60)
    assert world.told() == [EventKind.API_LOST]
    assert world.counts() == (2, 0, 0)
    world.take_list(*pods(1))
    world.sends.clear()
    world.run(10)
    assert set(per_address(world.sends)) == {"10.1.0.1"}
    assert world.told() == [EventKind.API_BACK]
    assert [target.address for target in world.engine.targets] == ["10.1.0.1"]


def test_withdrawn_target_is_poked_and_told_no_more() -> None:
    """A removed pod's late answer, or its silence, is nobody's business; its node goes with it."""
    world = make_world(is_silent)
    pod = make_pod()
    world.take_list(pod)
    world.run(14)
    world.engine.take(PodRemoved(uid=pod.uid), world.now)
    world.sends.clear()
    world.run(20)
    assert (world.sends, world.counts()) == ([], (0, 0, 0))
    assert world.told() == [EventKind.PEER_WITHDRAWN]


def test_withdrawn_target_that_was_told_down_is_closed() -> None:
    """Its end is told too."""
    world = make_world(is_silent)
    pod = make_pod()
    world.take_list(pod)
    world.run(30)
    world.engine.take(PodRemoved(uid=pod.uid), world.now)
    world.run(1)
    assert world.told() == [EventKind.TARGET_DOWN, EventKind.TARGET_WITHDRAWN]


def test_silent_target_delays_no_other() -> None:
    """Ninety that never answer leave ten that do their pokes, and their health."""
    world = make_world(lambda target: "reply" if target.address.endswith("1.1.1") else "silence")
    living = make_pod("living", node="node-c", addresses=("10.1.1.1",))
    world.take_list(*pods(90), living)
    world.run(10)
    world.sends.clear()
    world.run(100)
    assert per_address(world.sends)["10.1.1.1"] in {19, 20, 21}
    assert world.counts() == (1, 90, 0)


def test_new_limits_hold_from_then_on_and_beliefs_stay() -> None:
    """A reload changes the pace, and forgets nothing."""
    world = make_world()
    world.take_list(*pods(40))
    world.run(10)
    world.engine.reconfigure(make_config(poke={"interval": "1s", "timeout": "500ms"}))
    assert world.counts() == (40, 0, 0)
    world.sends.clear()
    world.run(20)
    assert len(world.sends) == pytest.approx(20 * 40, abs=5)
    assert world.told() == []


def test_new_timeout_and_new_patience_hold_for_the_next_failure() -> None:
    """With fail_after 1 and a timeout of 3 s, a target is down 3 s after the poke."""
    world = make_world()
    world.take_list(make_pod())
    world.run(10)
    world.answer = is_silent
    world.engine.reconfigure(make_config(poke={"timeout": "3s", "fail_after": 1}))
    world.run(20)
    assert "timed out; 1 poke in 3s" in world.entries[0].text


def test_own_addresses_and_own_node_are_known_to_the_selection() -> None:
    """What the reader and the host say of this node is heeded."""
    world = make_world()
    assert world.engine.node is None
    world.engine.take(Identified(node=NodeName("node-a"), source="certificate"), T0)
    world.engine.set_own_addresses(frozenset({"10.244.1.1"}), world.now)
    world.take_list(make_pod())
    assert world.engine.node == "node-a"
    assert not list(world.engine.targets)


def test_revision_grows_with_the_targets_and_only_with_them() -> None:
    """What keeps the state file knows from it whether there is something to save."""
    world = make_world()
    world.take_list(*pods(3))
    revision = world.engine.revision
    world.take_list(*pods(3))
    world.engine.take(Alive(), T0)
    world.run(10)
    assert world.engine.revision == revision
    world.engine.take(PodRemoved(uid=pods(1)[0].uid), world.now)
    assert world.engine.revision > revision


def test_refusal_and_grant_are_told() -> None:
    """The API's state reaches the journal and the status line."""
    world = make_world()
    world.engine.take(Refused(message="no"), T0)
    world.engine.take(Watching(scope=Scope.NODE), T0)
    assert "own pods only" in str(world.engine.snapshot())
    world.engine.take(Watching(scope=Scope.CLUSTER), T0)
    world.run(1)
    assert world.told() == [EventKind.API_REFUSED, EventKind.API_GRANTED]


def test_idle_engine_sleeps_long_and_a_busy_one_no_longer_than_needed() -> None:
    """Without targets a wake-up every few seconds; with a probe out, in time for its end."""
    world = make_world(is_silent)
    world.take_list()
    world.run(1)
    assert world.engine.next_wake() - world.now >= SECOND_NS
    world.take_list(make_pod())
    world.run(4.5)
    assert world.engine.next_wake() <= at(1 + 5 + 1)


def test_stuck_loop_is_noticed_and_an_unanswered_network_is_not() -> None:
    """Work that is due and left undone is a reason; silence and a dead API are none."""
    world = make_world(is_silent)
    world.engine.take(Lost(reason="dead"), T0)
    world.take_list(*pods(20))
    world.run(60)
    assert world.engine.reason_stuck(world.now) is None
    reason = world.engine.reason_stuck(MonotonicNs(world.now + 30 * SECOND_NS))
    assert reason is not None
    assert reason.startswith("a poke is due since 30s")


def test_a_new_pod_is_poked_beside_the_one_of_its_node() -> None:
    """While it is young: pods that start are who needs their tunnels open."""
    world = world_of({"pods": {"scope": "per-node", "per_node": 1}})
    world.engine.take(Identified(node=NodeName("node-a"), source="certificate"), T0)
    world.take_list(*pods(3))
    world.run(60)
    (poked,) = per_address(world.sends)
    new = make_pod("new", addresses=("10.2.0.9",))
    world.engine.take(PodChanged(pod=new), world.now)
    world.run(10)
    assert set(per_address(world.sends)) == {poked, "10.2.0.9"}


def test_withdrawals_of_one_node_in_one_turn_are_one_entry() -> None:
    """Pods that were told down are deleted together: told once, with the count."""
    living = make_pod("living", addresses=("10.2.0.1",))
    world = make_world(lambda target: "reply" if target.address == "10.2.0.1" else "silence")
    world.take_list(*pods(30), living)
    world.run(30)
    assert world.told() == [EventKind.TARGET_DOWN]
    world.take_list(living)
    world.run(0.1)
    (entry,) = [one for one in world.entries if one.kind is EventKind.TARGET_WITHDRAWN]
    assert entry.fields["COUNT"] == "30"
    assert "likewise 29 more targets on" in entry.text


def test_dead_node_that_is_removed_is_closed_once_for_all_its_pods() -> None:
    """What was told of the node is closed as a whole, a while after its pods are gone."""
    world = make_world(is_silent)
    world.take_list(*pods(30))
    world.run(30)
    assert world.told() == [EventKind.TUNNEL_BROKEN]
    world.take_list()
    world.run(9)
    assert world.told() == []
    world.run(2)
    assert world.told() == [EventKind.PEER_WITHDRAWN]


def test_change_of_a_pod_that_is_not_poked_changes_no_poke() -> None:
    """One of each node is poked, and it is not this one that another pod's news is about."""
    world = world_of({"pods": {"scope": "per-node", "per_node": 1}})
    world.engine.take(Identified(node=NodeName("node-a"), source="certificate"), T0)
    world.take_list(*pods(3))
    world.run(60)
    (poked,) = per_address(world.sends)
    other = next(pod for pod in pods(3) if poked not in pod.addresses)
    world.engine.take(PodChanged(pod=replace(other, host="10.9.0.77")), world.now)
    world.run(60)
    assert set(per_address(world.sends)) == {poked}
    assert world.counts() == (1, 0, 0)
