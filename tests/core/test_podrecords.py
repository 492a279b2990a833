"""Checks which changes of pods are told."""

from typing import Any

from pokepodsd.core.podrecords import MOST_REMEMBERED, PodRecords
from pokepodsd.core.pods import pod_from_object
from pokepodsd.core.records import PodChanged, PodIgnored, PodRemoved, PodsListed
from tests.apiserver.podfactory import pod


def made(name: str = "a", **arguments: Any) -> dict[str, Any]:
    return pod(name, addresses=arguments.pop("addresses", ["10.0.0.1"]), **arguments)


def test_a_change_that_matters_to_nobody_is_not_told_again() -> None:
    """A restart of a container, or a pod that is ready: told once, as its first change."""
    records = PodRecords(tells_ready=False)
    assert records.changed(made()) == [PodChanged(pod=pod_from_object(made()))]
    assert records.changed(made(restart_count=3, ready=False)) == []
    assert records.changed(made(labels={"tier": "front"})) == []


def test_every_change_that_matters_is_told() -> None:
    """Each of them, and the way back."""
    records = PodRecords(tells_ready=False)
    changes = [
        made(node=None, phase="Pending", addresses=[]),
        made(phase="Pending", addresses=[]),
        made(),
        made(addresses=["10.0.0.1", "fd00::1"]),
        made(host_address="192.168.10.12"),
        made(phase="Failed"),
        made(deletion="2026-11-23T02:00:00Z"),
        made(),
    ]
    told = [records.changed(one) for one in changes]
    assert told == [[PodChanged(pod=pod_from_object(one))] for one in changes]


def test_readiness_is_told_where_it_matters() -> None:
    """With kubernetes.skip_ready."""
    records = PodRecords(tells_ready=True)
    assert [len(records.changed(made(ready=ready))) for ready in (True, True, False)] == [1, 0, 1]


def test_a_pod_that_is_gone_is_forgotten() -> None:
    """A uid comes back where an object stops matching and matches again: it is told again."""
    records = PodRecords(tells_ready=False)
    uid = pod_from_object(made()).uid
    records.changed(made())
    assert records.removed(made()) == PodRemoved(uid=uid)
    assert len(records.changed(made())) == 1


def test_a_list_begins_anew() -> None:
    """What it does not name is withdrawn, so that its next change is news."""
    records = PodRecords(tells_ready=False)
    records.changed(made())
    records.begin()
    assert len(records.changed(made())) == 1


def test_no_more_is_remembered_than_has_its_place() -> None:
    """The one that changed longest ago is told once more than it need be."""
    records = PodRecords(tells_ready=False)
    names = [f"pod-{number}" for number in range(MOST_REMEMBERED + 1)]
    for name in names:
        records.changed(made(name))
    assert [len(records.changed(made(name))) for name in (names[-1], names[0])] == [0, 1]


def test_objects_that_cannot_be_read_do_not_cost_the_others() -> None:
    """Each is told with its reason."""
    records = PodRecords(tells_ready=False)
    listed, ignored = records.listed([made(), {"metadata": {}}])
    assert isinstance(listed, PodsListed)
    assert [one.name for one in listed.pods] == ["a"]
    assert isinstance(ignored, PodIgnored)
    assert isinstance(records.changed({})[0], PodIgnored)
    assert isinstance(records.removed({}), PodIgnored)
