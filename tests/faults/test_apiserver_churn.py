"""Pods change faster than anybody would have them: what is poked in the end, and meanwhile."""

import uuid
from time import monotonic_ns
from typing import Final

from tests.apiserver.podfactory import PodArguments
from tests.cluster import pod_on
from tests.daemon.wire import SECOND_NS, wait_request_to
from tests.faults.asking import Asking, bounded_reader, meet
from tests.faults.stage import PODS, Stage

LIVES: Final = 1_000
PAIRS: Final = 15_000
READER_MB: Final = 20.0
# Of the other node's block, beyond the stage's own pods.
FLEETING: Final = PODS + 1


def test_one_pod_that_lives_a_thousand_times(staged: Stage) -> None:
    """Created and deleted 1,000 times under one name, each time with another UID: as it is at last.

    No life of it is told, no request is made over it, and nothing of it stays.
    """
    control = staged.cluster.api.control
    asking = Asking.since_now(staged)
    for _ in range(LIVES):
        control.make_pods([reborn(staged, FLEETING)])
        control.delete_pod("shop", f"{staged.there.name}-{FLEETING}")
    staged.wait_well()
    control.make_pods([reborn(staged, FLEETING)])
    staged.pods.add(FLEETING)
    wait_request_to(staged.capture, staged.there.pod_address(FLEETING))
    staged.wait_well()
    assert asking.requests() == []
    staged.survived()


def reborn(staged: Stage, number: int) -> PodArguments:
    """A pod of the same name and address, and another UID."""
    arguments = pod_on(staged.there, number)
    arguments["uid"] = str(uuid.uuid4())
    return arguments


def test_names_and_addresses_that_change_hands(staged: Stage) -> None:
    """A UID that changes under a name, and an address that moves to another pod: poked on as one.

    So in either order: the old pod goes before the new one has the address, or after it.
    """
    control = staged.cluster.api.control
    for number in range(1, 6):
        # A StatefulSet's pod: deleted and made anew, under its name and with its address.
        control.delete_pod("shop", f"{staged.there.name}-{number}")
        control.make_pods([reborn(staged, number)])
    for number in range(6, 11):
        control.delete_pod("shop", f"{staged.there.name}-{number}")
        control.make_pods([heir_of(staged, number)])
    for number in range(11, 16):
        control.make_pods([heir_of(staged, number)])
        control.delete_pod("shop", f"{staged.there.name}-{number}")
    # An address that nobody had is poked in the place of one that nobody has any more.
    moved = pod_on(staged.there, 16)
    moved["addresses"] = [staged.there.pod_address(FLEETING)]
    control.make_pods([moved])
    staged.pods ^= {16, FLEETING}
    wait_request_to(staged.capture, staged.there.pod_address(FLEETING))
    staged.wait_well()
    staged.survived()


def heir_of(staged: Stage, number: int) -> PodArguments:
    """Another pod at the address of this one."""
    arguments = pod_on(staged.there, number)
    arguments["name"] = f"heir-{number}"
    return arguments


def test_ten_thousand_events_a_second(staged: Stage) -> None:
    """A pod goes and comes 5,000 times a second, 3 s long: no poke waits, and what it is counts.

    Where that is more than this machine can read, the server has to wait, and nobody else.
    """
    asking = Asking.since_now(staged)
    with bounded_reader(staged, READER_MB):
        meet(staged, "flood", "watch", size=PAIRS, interval_seconds=0.2)
        staged.make_pod(FLEETING)
        wait_request_to(staged.capture, staged.there.pod_address(FLEETING))
        staged.make_pod(FLEETING + 1)
        wait_request_to(
            staged.capture, staged.there.pod_address(FLEETING + 1), timeout_seconds=120.0
        )
        print(f"  {2 * PAIRS} events in {(monotonic_ns() - asking.began_ns) / SECOND_NS:.1f} s")
        staged.wait_well()
        assert [one.kind for one in asking.requests()] == ["watch"]
    staged.survived()
