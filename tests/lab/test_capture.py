"""Checks that a capture shows each echo exactly once, at its time, or says that it cannot."""

import subprocess
import time

import pytest

from tests.lab import EchoCapture, Kind, Lab, LabError, LabTimeoutError, gaps, largest_window
from tests.lab.asking import FAMILIES, is_answered, pod


class TestCapture:
    """A capture shows each ping exactly once, at its time."""

    @pytest.mark.parametrize("version", FAMILIES)
    def test_each_ping_is_seen_once(self, lab: Lab, version: int) -> None:
        """Twenty pings are twenty requests out and twenty replies in, between start and end."""
        first, second, _ = lab.nodes
        address = pod(second, 9, version)
        with EchoCapture(first) as capture:
            start_ns, monotonic_start_ns = time.time_ns(), time.monotonic_ns()
            assert is_answered(first, address, "-c20", "-i0.002")
            end_ns, monotonic_end_ns = time.time_ns(), time.monotonic_ns()
            echoes = capture.snapshot()
        requests = [echo for echo in echoes if echo.kind is Kind.REQUEST]
        replies = [echo for echo in echoes if echo.kind is Kind.REPLY]
        for half in (requests, replies):
            assert [echo.sequence for echo in half] == list(range(1, 21))
        assert {(e.destination, e.outgoing) for e in requests} == {(address, True)}
        assert {(e.source, e.outgoing) for e in replies} == {(address, False)}
        assert [e.payload for e in requests] == [e.payload for e in replies]
        assert len({e.identifier for e in echoes}) == 1
        for sent, answered in zip(requests, replies, strict=True):
            assert start_ns <= sent.at_ns < answered.at_ns <= end_ns
            assert monotonic_start_ns < answered.monotonic_ns < monotonic_end_ns

    def test_wait_for_wakes_when_the_echo_comes(self, lab: Lab) -> None:
        """Waiting returns the echo that is wanted, also one that is still to come."""
        first, second, _ = lab.nodes
        with EchoCapture(second) as capture:
            pinger = first.popen("ping", "-c5", "-i0.01", "10.244.11.1", stdout=subprocess.DEVNULL)
            echo = capture.wait_for(lambda e: e.kind is Kind.REPLY and e.sequence == 5)
            assert (echo.source, echo.outgoing) == ("10.244.11.1", True)
            pinger.wait()

    def test_a_lull_loses_nothing(self, lab: Lab) -> None:
        """A capture that is not woken has the same echoes in the same order."""
        first, second, _ = lab.nodes
        with EchoCapture(second) as woken, EchoCapture(second, lull_seconds=0.02) as looking:
            assert is_answered(first, second.pod_address(9), "-c20", "-i0.002")
            assert looking.wait_for(lambda e: e.kind is Kind.REPLY and e.sequence == 20)
            echoes = [
                [(e.kind, e.sequence, e.payload) for e in one.snapshot()]
                for one in (woken, looking)
            ]
        assert len(echoes[0]) == 40
        assert echoes[0] == echoes[1]

    def test_wait_for_gives_up_in_time(self, lab: Lab) -> None:
        """What does not come is an error that says what came instead."""
        with EchoCapture(lab.hub) as capture:
            with pytest.raises(LabTimeoutError, match="0 arrived"):
                capture.wait_for(lambda _: True, 0.05)
            capture.close()
            with pytest.raises(LabError, match="ended"):
                capture.wait_for(lambda _: True)

    def test_lossy_capture_raises(self, lab: Lab) -> None:
        """Once the kernel had to drop a packet, the capture proves nothing and says so."""
        first, second, _ = lab.nodes
        address = second.pod_address(1)

        def flood(_: object) -> bool:
            # Nothing can be taken in while a predicate runs.
            return not is_answered(first, address, "-c100", "-i0.001")

        with EchoCapture(first, buffer_bytes=1) as capture:
            assert is_answered(first, address)
            with pytest.raises(LabError, match="lost"):
                capture.wait_for(flood)
            with pytest.raises(LabError, match="lost"):
                capture.snapshot()

    def test_namespace_and_interface_can_be_named(self, lab: Lab) -> None:
        """A capture shows one interface, eth0 where a namespace is given without one."""
        node = lab.nodes[0]
        with EchoCapture(node.namespace) as cable, EchoCapture(node, "lo") as loopback:
            assert is_answered(node, node.pod_address(1))
            assert is_answered(node, lab.hub.address)
            assert {echo.destination for echo in cable.snapshot()} == {
                lab.hub.address,
                node.address,
            }
            assert len(cable.snapshot()) == 2
            assert len(loopback.snapshot()) == 4


class TestFigures:
    """The arithmetic of assertions."""

    def test_largest_window_is_half_open(self) -> None:
        """Times exactly one window apart do not share it; order does not matter."""
        assert largest_window([], 10) == 0
        assert largest_window([0, 10, 20], 10) == 1
        assert largest_window([25, 0, 9, 10, 18, 19], 10) == 3

    def test_gaps_follow_time(self) -> None:
        """Gaps are those between neighbours in time."""
        assert gaps([30, 0, 10]) == [10, 20]
        assert gaps([5]) == []
