"""Checks that stamped pods are like made ones, and are listed and watched as such."""

from tests.apiserver import podfactory
from tests.apiserver.stamping import Stamp, stamp_pods
from tests.apiserver.store import Store

STAMPS = [Stamp(f"web-{n}", f"node-{n % 2}", f"10.9.0.{n % 2}", f"10.1.0.{n}") for n in range(5)]


def test_stamped_pod_is_a_made_one_but_for_its_owner() -> None:
    """The bytes parse to the object that the factory makes of the same words."""
    (record, *_) = stamp_pods("shop", STAMPS, 77)
    pod = record.parse()
    made = podfactory.pod(
        "web-0",
        "shop",
        node="node-0",
        addresses=["10.1.0.0"],
        host_address="10.9.0.0",
        uid=pod["metadata"]["uid"],
        labels={"app": "web"},
    )
    made["metadata"]["resourceVersion"] = "77"
    made["metadata"]["ownerReferences"] = pod["metadata"]["ownerReferences"]
    assert pod == made
    assert (record.name, record.node, record.version) == ("web-0", "node-0", 77)


def test_stamped_pods_are_there_without_events() -> None:
    """They have versions in a row, and what comes later goes on from the last."""
    store = Store()
    first = store.version + 1
    store.take_records(stamp_pods("shop", STAMPS, first))
    assert [one.version for one in store.pods()] == [first + n for n in range(5)]
    assert len({one.parse()["metadata"]["uid"] for one in store.pods()}) == 5
    later = store.put_pod(podfactory.pod("later", "shop"))
    assert later.version == first + 5
    assert [event.record.name for event in store.events_after(store.floor)] == ["later"]
