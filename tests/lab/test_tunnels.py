"""Checks that the lab's tunnels are shut, open and shut again as real ones."""

import socket
import time
from collections.abc import Iterator

import pytest

from tests.lab import EchoCapture, Encapsulation, Kind, Lab, LabError, Node, TunnelPackets
from tests.lab.asking import greeting, is_answered, is_silent, raw_socket, request
from tests.lab.digger import TIMEOUT


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab(tunnels=Encapsulation.IPIP) as standing:
        yield standing


def open_between(first: Node, second: Node) -> None:
    """Poke both ways; the first poke is lost."""
    is_silent(first, second.pod_address(1))
    assert is_answered(second, first.pod_address(1))
    assert is_answered(first, second.pod_address(1))


class TestOpening:
    """Each node must itself have sent to a peer before it takes what comes from there."""

    def test_one_side_alone_never_gets_through(self, lab: Lab) -> None:
        """All pings of one node are lost in front of the other, and there is no error."""
        first, second, _ = lab.nodes
        assert not is_ever_answered(first, second.pod_address(1), "-c20", "-i0.002")
        assert second.tunnel.packets() == TunnelPackets(left=0, arrived=20, dropped=20)
        assert second.tunnel.tracked() == []

    def test_one_ping_from_the_other_side_opens_both_ways(self, lab: Lab) -> None:
        """From then on both are answered, and no other pair of nodes."""
        first, second, third = lab.nodes
        assert is_silent(first, second.pod_address(1))
        assert is_answered(second, first.pod_address(1))
        assert is_answered(first, second.pod_address(62))
        assert first.tunnel.peers() == {second.address}
        assert second.tunnel.peers() == {first.address}
        assert is_silent(third, first.pod_address(1))

    def test_poke_without_an_answer_opens_as_well(self, lab: Lab) -> None:
        """What the node sends is what counts, not whether the pod that it pokes is alive."""
        first, second, _ = lab.nodes
        first.kill_address(first.pod_address(1))
        assert is_silent(second, first.pod_address(1))
        assert is_answered(first, second.pod_address(1))

    def test_shut_again_after_the_timeout(self, lab: Lab) -> None:
        """Once the connection tracking forgot the peer, it is as in the beginning."""
        first, second, _ = lab.nodes
        open_between(first, second)
        second.set_sysctl(TIMEOUT, 1)
        assert is_answered(first, second.pod_address(1))
        second.tunnel.wait_until_shut(first.address)
        assert is_silent(first, second.pod_address(1))
        assert is_answered(second, first.pod_address(1))
        assert is_answered(first, second.pod_address(1))

    def test_timeout_of_the_lab_holds_in_every_node(self) -> None:
        """It is the kernel's own 600 s unless it is set."""
        with Lab(2, tunnels=Encapsulation.IPIP, generic_timeout_seconds=7) as lab:
            assert [node.sysctl(TIMEOUT) for node in lab.nodes] == ["7", "7"]
            open_between(*lab.nodes)
            (entry,) = lab.nodes[1].tunnel.tracked()
            assert entry.seconds_left <= 7
            assert (entry.protocol, entry.is_replied) == (4, True)

    def test_flush_shuts(self, lab: Lab) -> None:
        """Of one node, it shuts that node's side; of all, every side."""
        first, second, third = lab.nodes
        open_between(first, second)
        open_between(first, third)
        second.flush_conntrack()
        assert is_silent(first, second.pod_address(1))
        assert is_answered(first, third.pod_address(1))
        lab.flush_conntrack()
        assert is_silent(third, first.pod_address(1))

    def test_underlay_is_not_filtered(self, lab: Lab) -> None:
        """Nodes answer pings to their own addresses, and reach the hub, while tunnels are shut."""
        first, second, _ = lab.nodes
        assert is_answered(first, second.address)
        assert is_answered(first, lab.hub.address)
        assert greeting(first, second.address) == "192.168.10.11 on node-b"


class TestPackets:
    """What the nodes see of the tunnels is what Calico makes them see."""

    def test_packets_are_really_wrapped(self, lab: Lab) -> None:
        """On the bridge there is protocol 4 from node to node, with the tunnel's source inside."""
        first, second, _ = lab.nodes
        open_between(first, second)
        with (
            EchoCapture(lab.hub, second.port_interface, wrapped=True) as wrapped,
            EchoCapture(lab.hub, second.port_interface) as plain,
        ):
            assert is_answered(first, second.pod_address(5))
            asked, answered = wrapped.snapshot()
            assert plain.snapshot() == []
        assert (asked.kind, answered.kind) == (Kind.REQUEST, Kind.REPLY)
        assert (asked.source, asked.destination) == ("10.244.10.0", "10.244.11.5")
        assert (asked.outer_source, asked.outer_destination) == (first.address, second.address)
        assert (answered.outer_source, answered.outer_destination) == (
            second.address,
            first.address,
        )

    def test_routes_are_calicos(self, lab: Lab) -> None:
        """The gateway is the peer's node address, the device tunl0, the source its address."""
        first, second, _ = lab.nodes
        shown = first.run("ip", "route", "show", str(second.block)).stdout
        wanted = f"{second.block} via {second.address} dev tunl0 proto bird onlink"
        assert shown.strip() == wanted
        chosen = first.run("ip", "route", "get", second.pod_address(9)).stdout
        assert f"src {first.tunnel.address} " in chosen
        assert (first.tunnel.address, str(first.block)) == ("10.244.10.0", "10.244.10.0/26")

    def test_each_packet_is_counted(self, lab: Lab) -> None:
        """Ten pings are ten packets out and ten in, at both ends."""
        first, second, _ = lab.nodes
        open_between(first, second)
        before = first.tunnel.packets(), second.tunnel.packets()
        assert is_answered(first, second.pod_address(1), "-c10", "-i0.002")
        for was, node in zip(before, (first, second), strict=True):
            now = node.tunnel.packets()
            assert (now.left - was.left, now.arrived - was.arrived) == (10, 10)
            assert now.dropped == was.dropped

    def test_tcp_goes_through(self, lab: Lab) -> None:
        """Every pod says its address and its node, over the tunnel as at home."""
        first, second, _ = lab.nodes
        open_between(first, second)
        left = first.tunnel.packets().left
        for number in (1, 2, 62):
            address = second.pod_address(number)
            assert greeting(first, address) == f"{address} on node-b"
        assert first.tunnel.packets().left > left
        assert greeting(second, second.pod_address(1)) == f"{second.pod_address(1)} on node-b"

    def test_who_talks_first_still_hears_the_line(self, lab: Lab) -> None:
        """The pod closes only after its guest has."""
        node = lab.nodes[0]
        with node.inside():
            guest = socket.create_connection((node.pod_address(1), 8080), timeout=5)
        with guest:
            guest.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert guest.recv(100) == b"10.244.10.1 on node-a\n"
            assert guest.recv(100) == b""

    def test_connection_is_tried_in_vain_while_shut(self, lab: Lab) -> None:
        """TCP times out as the pings do."""
        first, second, _ = lab.nodes
        with pytest.raises(TimeoutError):
            greeting(first, second.pod_address(1), patience_seconds=0.3)

    def test_plain_lab_has_no_tunnels(self) -> None:
        """Asking for one is an error of the test."""
        with Lab(1) as lab, pytest.raises(LabError, match="without tunnels"):
            _ = lab.nodes[0].tunnel


class TestVxlan:
    """The other encapsulation, which needs no poke."""

    def test_it_passes_from_the_start(self) -> None:
        """Pings and TCP go through, wrapped in UDP, by Calico's routes."""
        with Lab(2, tunnels=Encapsulation.VXLAN) as lab:
            first, second = lab.nodes
            with EchoCapture(lab.hub, second.port_interface) as plain:
                assert is_answered(first, second.pod_address(7))
                assert is_answered(second, first.pod_address(7))
                assert plain.snapshot() == []
            assert first.tunnel.packets() == TunnelPackets(left=2, arrived=2, dropped=0)
            assert greeting(first, second.pod_address(7)) == "10.244.11.7 on node-b"
            shown = first.run("ip", "route", "show", str(second.block)).stdout
            gateway = second.tunnel.address
            assert shown.strip() == f"{second.block} via {gateway} dev vxlan.calico onlink"
            neighbours = first.run("ip", "neigh", "show", "dev", "vxlan.calico").stdout
            assert f"{gateway} lladdr 66:00:c0:a8:0a:0b PERMANENT" in neighbours


class TestScale:
    """One helper carries a cluster."""

    def test_twenty_nodes_are_meshed(self) -> None:
        """After each of 20 nodes poked all others once, all 380 ways are open."""
        begin = time.monotonic()
        with Lab(20, tunnels=Encapsulation.IPIP) as lab:
            print(f"20 nodes were built in {time.monotonic() - begin:.2f} s")
            for node in lab.nodes:
                poke_all(node, lab.nodes)
            for node in lab.nodes:
                node.tunnel.wait_until_open(*({n.address for n in lab.nodes} - {node.address}))
            for node in lab.nodes:
                assert answering(node, lab.nodes) == {n.pod_address(1) for n in lab.nodes}

    def test_it_is_quick(self, lab: Lab) -> None:
        """No packet of a few thousand at full speed is lost."""
        first, second, _ = lab.nodes
        open_between(first, second)
        begin = time.monotonic()
        assert is_answered(first, second.pod_address(1), "-f", "-c3000")
        print(f"{6000 / (time.monotonic() - begin):.0f} packets a second")


def is_ever_answered(node: Node, address: str, *options: str) -> bool:
    done = node.run("ping", "-n", "-q", "-W0.3", *options, address, check=False)
    return " 100% packet loss" not in done.stdout


def poke_all(node: Node, nodes: list[Node]) -> None:
    with raw_socket(node, 4) as endpoint:
        for peer in nodes:
            endpoint.sendto(request(4), (peer.pod_address(1), 0))


def answering(node: Node, nodes: list[Node]) -> set[str]:
    """Return the pods that answered, each of which is waited for."""
    answered: set[str] = set()
    with raw_socket(node, 4) as endpoint:
        for peer in nodes:
            endpoint.sendto(request(4, 2), (peer.pod_address(1), 0))
        while len(answered) < len(nodes):
            data, sender = endpoint.recvfrom(2048)
            if data[20] == 0:
                answered.add(sender[0])
    return answered
