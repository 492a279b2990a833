"""How the delays of new pods are made of events and packets, and the loop's of its parts."""

import pytest

from tests.apiserver.control_client import EventWritten
from tests.bench.newcomer import delays_ms, loop_delay_ms
from tests.lab import Echo, Kind, Lab

NODE = Lab(1).nodes[0]


def added(number: int, at_ns: int, kind: str = "ADDED") -> EventWritten:
    return EventWritten(number, "7", kind, f"node-b-{number}", "shop", at_ns, 1)


def request(number: int, at_ns: int) -> Echo:
    return Echo(
        at_ns=0,
        monotonic_ns=at_ns,
        source="192.168.10.10",
        destination=NODE.pod_address(number),
        kind=Kind.REQUEST,
        identifier=1,
        sequence=1,
        payload=b"",
        outgoing=True,
    )


def test_the_first_request_counts() -> None:
    """From the event of each new pod to the first request to it; changes are no new pods."""
    events = [added(5, 1_000_000), added(6, 2_000_000), added(9, 3_000_000, "MODIFIED")]
    pokes = [request(6, 4_500_000), request(5, 6_000_000), request(5, 9_000_000)]
    assert delays_ms(events, pokes, NODE) == pytest.approx([5.0, 2.5])


def test_a_pod_that_nobody_poked_is_an_error() -> None:
    """It must not be left out of a median."""
    with pytest.raises(ValueError, match=r"node-b-5 at .* was not poked"):
        delays_ms([added(5, 1_000_000)], [], NODE)


def test_the_loop_waits_for_its_round_and_for_those_before() -> None:
    """Half of 7 s until the next list, and half of the 2 s of pings."""
    assert loop_delay_ms(1_000, ping_seconds=0.002) == pytest.approx(4_500.0)
