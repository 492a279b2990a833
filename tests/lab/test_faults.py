"""Checks that each fault of the lab looks as it does in the field, and can be undone."""

import socket

import pytest

from tests.lab import EchoCapture, Kind, Lab, LabError, Rejection, by_destination
from tests.lab.asking import (
    FAMILIES,
    is_answered,
    is_silent,
    pod,
    raw_socket,
    receive_error,
    request,
)


class TestFaults:
    """Each fault looks to the poker as it does in the field, and can be undone."""

    @pytest.mark.parametrize("version", FAMILIES)
    def test_killed_address_is_silent(self, lab: Lab, version: int) -> None:
        """The ping arrives at the node and nothing comes back, until the address is revived."""
        first, second, _ = lab.nodes
        dead, living = pod(second, 5, version), pod(second, 6, version)
        second.kill_address(dead)
        with EchoCapture(second) as capture:
            assert is_silent(first, dead)
            assert is_answered(first, living)
            assert [e.kind for e in by_destination(capture.snapshot())[dead]] == [Kind.REQUEST]
            assert [e for e in capture.snapshot() if e.source == dead] == []
        second.revive_address(dead)
        assert is_answered(first, dead)

    def test_killed_block_is_silent(self, lab: Lab) -> None:
        """A prefix dies as a whole, and nothing else with it."""
        first, second, _ = lab.nodes
        second.kill_address("10.244.11.128/25", "10.244.11.3")
        assert is_silent(first, "10.244.11.200")
        assert is_silent(first, "10.244.11.3")
        assert is_answered(first, "10.244.11.4")

    @pytest.mark.parametrize(
        ("version", "kind", "expected"),
        [
            (4, Rejection.HOST, (3, 1)),
            (4, Rejection.NETWORK, (3, 0)),
            (4, Rejection.PORT, (3, 3)),
            (4, Rejection.PROHIBITED, (3, 13)),
            (6, Rejection.HOST, (1, 3)),
            (6, Rejection.NETWORK, (1, 0)),
            (6, Rejection.PORT, (1, 4)),
            (6, Rejection.PROHIBITED, (1, 1)),
        ],
    )
    def test_rejected_address_gives_the_icmp_error(
        self, lab: Lab, version: int, kind: Rejection, expected: tuple[int, int]
    ) -> None:
        """The error of that kind comes from the node's address, also after another fate."""
        first, second, _ = lab.nodes
        address = pod(second, 5, version)
        second.kill_address(address)
        second.reject_address(address, kind=kind)
        with raw_socket(first, version) as endpoint:
            endpoint.sendto(request(version), (address, 0))
            sender = second.address if version == 4 else second.address6
            message, reporter = receive_error(endpoint, version)
            assert (message[0], message[1], reporter) == (*expected, sender)

    @pytest.mark.parametrize("version", FAMILIES)
    def test_errors_are_not_rate_limited(self, lab: Lab, version: int) -> None:
        """Each of many pings in a row gets its error."""
        first, second, _ = lab.nodes
        address = pod(second, 5, version)
        second.reject_address(address)
        with raw_socket(first, version) as endpoint:
            for sequence in range(200):
                endpoint.sendto(request(version, sequence), (address, 0))
                receive_error(endpoint, version)

    def test_revival_of_the_living_is_refused(self, lab: Lab) -> None:
        """Undoing what was never done is an error of the test."""
        with pytest.raises(LabError, match="neither killed nor rejected"):
            lab.nodes[1].revive_address("10.244.11.5")

    @pytest.mark.parametrize("version", FAMILIES)
    def test_blocked_output_fails_with_eperm(self, lab: Lab, version: int) -> None:
        """Sending fails at once, to all or to one destination, until it is allowed again."""
        first, second, _ = lab.nodes
        one, other = pod(second, 1, version), pod(second, 2, version)
        with raw_socket(first, version) as endpoint:
            for blocked in (None, one):
                first.block_output(blocked)
                with pytest.raises(PermissionError):
                    endpoint.sendto(request(version), (one, 0))
                if blocked is not None:
                    assert endpoint.sendto(request(version), (other, 0)) == 8
                first.allow_output(blocked)
                assert endpoint.sendto(request(version), (one, 0)) == 8

    def test_pulled_cable_loses_packets_and_keeps_routes(self, lab: Lab) -> None:
        """While the cable is out nothing passes; when link_up returns, all does again."""
        first, second, _ = lab.nodes
        routes = second.run("ip", "-o", "route", "show", "scope", "global").stdout.count("\n")
        second.link_down()
        assert is_silent(first, second.pod_address(1))
        assert is_silent(second, first.pod_address6(1))
        second.link_up()
        for version in FAMILIES:
            assert is_answered(first, pod(second, 1, version))
            assert is_answered(second, pod(first, 1, version))
        after = second.run("ip", "-o", "route", "show", "scope", "global").stdout.count("\n")
        assert after == routes == 2

    @pytest.mark.parametrize("port_is_servers", [True, False])
    def test_half_open_connection_stalls_in_silence(self, lab: Lab, port_is_servers: bool) -> None:
        """Both ends may write and neither hears the other nor an error, until it is healed."""
        node = lab.nodes[0]
        with lab.hub.inside():
            listener = socket.create_server((lab.hub.address, 6443))
        with node.inside():
            client = socket.create_connection((lab.hub.address, 6443), timeout=5)
        with listener, client, listener.accept()[0] as server:
            port = 6443 if port_is_servers else client.getsockname()[1]
            node.half_open(port)
            for end in (client, server):
                end.settimeout(0.1)
                end.sendall(b"lost")
            for end in (client, server):
                with pytest.raises(TimeoutError):
                    end.recv(4)
            assert is_answered(node, lab.hub.address)
            node.heal(port)
            for end in (client, server):
                end.settimeout(5)
                assert end.recv(4) == b"lost"
