"""Checks that each fault of a tunnel looks as it does in the field, and can be undone."""

from collections.abc import Iterator

import pytest

from tests.lab import EchoCapture, Encapsulation, Lab, TunnelFilter
from tests.lab.asking import greeting, is_answered, is_silent, raw_socket, request


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Two nodes whose tunnel is open."""
    with Lab(2, tunnels=Encapsulation.IPIP) as standing:
        first, second = standing.nodes
        is_silent(first, second.pod_address(1))
        assert is_answered(second, first.pod_address(1))
        yield standing


class TestFilters:
    """What a node swallows, and what it does not."""

    def test_closed_filter_drops_what_is_established(self, lab: Lab) -> None:
        """Packets leave, and arrive, and go no further; the node's address answers."""
        first, second = lab.nodes
        second.tunnel.set_filter(TunnelFilter.CLOSED)
        before = second.tunnel.packets()
        assert is_silent(first, second.pod_address(1))
        assert is_silent(second, first.pod_address(1))
        after = second.tunnel.packets()
        assert (after.left - before.left, after.arrived - before.arrived) == (1, 2)
        assert after.dropped - before.dropped == 2
        assert is_answered(first, second.address)
        second.tunnel.set_filter(TunnelFilter.STATEFUL)
        assert is_answered(first, second.pod_address(1))

    def test_open_filter_needs_no_poke(self, lab: Lab) -> None:
        """With protocol 4 accepted, one side alone gets through, until it is stateful again."""
        first, second = lab.nodes
        lab.flush_conntrack()
        second.tunnel.set_filter(TunnelFilter.OPEN)
        assert is_answered(first, second.pod_address(1))
        second.tunnel.set_filter(TunnelFilter.STATEFUL)
        second.flush_conntrack()
        assert is_silent(first, second.pod_address(1))

    def test_connections_are_tracked_whatever_the_filter(self, lab: Lab) -> None:
        """What a node sends while its filter is closed opens the stateful one."""
        first, second = lab.nodes
        second.tunnel.set_filter(TunnelFilter.CLOSED)
        second.flush_conntrack()
        assert is_silent(second, first.pod_address(1))
        second.tunnel.set_filter(TunnelFilter.STATEFUL)
        assert is_answered(first, second.pod_address(1))

    def test_swallowed_pings_of_the_underlay_leave_the_tunnel(self, lab: Lab) -> None:
        """ICMP to the node's address is filtered, TCP to it and the tunnel are not."""
        first, second = lab.nodes
        second.swallow_pings(second.address)
        assert is_silent(first, second.address)
        assert is_answered(first, second.pod_address(1))
        assert greeting(first, second.address) == "192.168.10.11 on node-b"
        second.allow_pings(second.address)
        assert is_answered(first, second.address)

    def test_policy_swallows_pings_of_one_pod(self, lab: Lab) -> None:
        """What came through the tunnel for one pod is swallowed, its TCP and other pods not."""
        first, second = lab.nodes
        address = second.pod_address(5)
        second.swallow_pings(address)
        with EchoCapture(second, "tunl0") as capture:
            assert is_silent(first, address)
            assert [echo.destination for echo in capture.snapshot()] == [address]
        assert is_answered(first, second.pod_address(6))
        assert greeting(first, address) == f"{address} on node-b"
        second.allow_pings(address)
        assert is_answered(first, address)

    def test_killed_pod_behind_a_tunnel(self, lab: Lab) -> None:
        """It answers neither pings nor TCP, until it is revived."""
        first, second = lab.nodes
        address = second.pod_address(5)
        second.kill_address(address)
        assert is_silent(first, address)
        with pytest.raises(TimeoutError):
            greeting(first, address, patience_seconds=0.3)
        second.revive_address(address)
        assert is_answered(first, address)


class TestRoutes:
    """What a node does not know, or knows wrongly."""

    def test_removed_route_is_an_error_at_once(self, lab: Lab) -> None:
        """The node says that there is no way, and its peer's way still is."""
        first, second = lab.nodes
        first.remove_route(second)
        with (
            raw_socket(first, 4) as endpoint,
            pytest.raises(OSError, match="unreachable"),
        ):
            endpoint.sendto(request(4), (second.pod_address(1), 0))
        assert is_answered(first, second.address)
        first.restore_route(second)
        assert is_answered(first, second.pod_address(1))

    def test_bypassed_tunnel_wraps_nothing(self, lab: Lab) -> None:
        """The pings leave by eth0 as they are, and are answered, until the route is restored."""
        first, second = lab.nodes
        first.bypass_tunnel(second)
        left = first.tunnel.packets().left
        with EchoCapture(first) as plain:
            assert is_answered(first, second.pod_address(1))
            assert [echo.source for echo in plain.snapshot()] == [first.address, "10.244.11.1"]
        assert first.tunnel.packets().left == left
        first.restore_route(second)
        assert is_answered(first, second.pod_address(1))
        assert first.tunnel.packets().left == left + 1

    def test_pulled_cable_stops_the_tunnel(self, lab: Lab) -> None:
        """While it is out nothing arrives; afterwards the tunnel is as it was."""
        first, second = lab.nodes
        second.link_down()
        assert is_silent(first, second.pod_address(1))
        second.link_up()
        assert is_answered(first, second.pod_address(1))
