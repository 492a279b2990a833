"""Checks that forged packets arrive as they were made."""

import dataclasses

import pytest

from tests.lab import EchoCapture, IcmpForger, Kind, Lab, echo_packet, packet_of
from tests.lab.asking import FAMILIES, pod, raw_socket, receive_error, request


class TestForger:
    """Forged packets arrive as they were made."""

    @pytest.mark.parametrize("version", FAMILIES)
    def test_kernel_takes_forged_packets_for_real(self, lab: Lab, version: int) -> None:
        """A forged request is answered to its forged source, a corrupt one by nobody."""
        first, second, third = lab.nodes
        with IcmpForger(first) as forger, EchoCapture(third) as capture:
            for sequence, corrupt in ((1, True), (2, False)):
                packet = echo_packet(
                    Kind.REQUEST,
                    source=pod(third, 3, version),
                    destination=pod(second, 3, version),
                    identifier=7,
                    sequence=sequence,
                    payload=b"forged",
                    corrupt=corrupt,
                )
                forger.send(packet)
            capture.wait_for(lambda echo: echo.kind is Kind.REPLY and echo.payload == b"forged")
            assert [echo.sequence for echo in capture.snapshot()] == [2]

    @pytest.mark.parametrize("version", FAMILIES)
    def test_answers_lie_as_told(self, lab: Lab, version: int) -> None:
        """Copies, cut and padded replies and replies from elsewhere arrive as ordered."""
        first, second, third = lab.nodes
        dead = pod(second, 5, version)
        second.kill_address(dead)
        with (
            EchoCapture(second) as capture,
            EchoCapture(first) as arrivals,
            IcmpForger(third) as forger,
            raw_socket(first, version) as endpoint,
        ):
            endpoint.sendto(request(version, payload=b"0123456789"), (dead, 0))
            asked = capture.wait_for(lambda echo: echo.destination == dead)
            forger.answer(asked, copies=2)
            forger.answer(asked, length=12)
            forger.answer(asked, length=20)
            forger.answer(dataclasses.replace(asked, destination=pod(third, 1, version)))
            arrivals.wait_for(lambda echo: echo.source == pod(third, 1, version))
            replies = [echo for echo in arrivals.snapshot() if echo.kind is Kind.REPLY]
        payloads = [b"0123456789", b"0123456789", b"0123", b"0123456789\0\0", b"0123456789"]
        assert [echo.payload for echo in replies] == payloads
        assert {(e.identifier, e.sequence) for e in replies} == {(9, 1)}

    @pytest.mark.parametrize(("version", "icmp_type"), [(4, 11), (6, 3)])
    def test_error_cites_the_original(self, lab: Lab, version: int, icmp_type: int) -> None:
        """A forged error arrives with the packet that it is about."""
        first, second, third = lab.nodes
        with (
            EchoCapture(second) as capture,
            IcmpForger(third) as forger,
            raw_socket(first, version) as endpoint,
        ):
            endpoint.sendto(request(version), (pod(second, 5, version), 0))
            asked = capture.wait_for(lambda echo: echo.kind is Kind.REQUEST)
            original = packet_of(asked)
            forger.error(
                source=pod(second, 200, version),
                destination=asked.source,
                icmp_type=icmp_type,
                code=0,
                original=original,
            )
            message, reporter = receive_error(endpoint, version)
            assert (message[0], reporter) == (icmp_type, pod(second, 200, version))
            assert message[8:] == original
