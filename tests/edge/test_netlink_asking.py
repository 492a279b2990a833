"""Checks the short questions to the kernel: the route to an address, the counters of a device."""

import socket
from collections.abc import Iterator

import pytest

from pokepodsd.core.kernel import Counters, RouteAnswer
from pokepodsd.edge.netlink import counters, route_to
from tests.edge.kernelview import Namespace, namespace
from tests.lab.namespace import inside

NODE = (
    "link add eth0 type veth peer name cable",
    "link set cable up",
    "link set eth0 up",
    "addr add 192.168.7.1/24 dev eth0",
    "addr add fd00:7::1/64 dev eth0 nodad",
    "link add vxlan.calico type vxlan id 4096 dstport 4789 nolearning dev eth0",
    "link set vxlan.calico up",
    "addr add 10.244.1.0/32 dev vxlan.calico",
    "route add 10.244.14.0/26 via 10.244.14.0 dev vxlan.calico onlink",
    "route add fd00:8::/64 via fd00:7::9",
    "route add 10.1.0.0/24 via inet6 fd00:7::9 dev eth0",
    *(
        f"route add {word} {prefix}"
        for word, number in (("blackhole", 2), ("unreachable", 3), ("prohibit", 4))
        for prefix in (f"10.{number}.0.0/24", f"fd00:{number}::/64")
    ),
)


@pytest.fixture(scope="module")
def node() -> Iterator[Namespace]:
    with namespace() as place:
        place.ip(*NODE)
        yield place


def asked(node: Namespace, address: str) -> RouteAnswer:
    with inside(node.name):
        return route_to(address)


@pytest.mark.parametrize(
    ("address", "device", "kind", "gateway", "source"),
    [
        ("10.244.14.5", "vxlan.calico", "vxlan", "10.244.14.0", "10.244.1.0"),
        ("192.168.7.2", "eth0", "veth", None, "192.168.7.1"),
        ("192.168.7.1", "lo", "", None, "192.168.7.1"),
        ("fd00:8::5", "eth0", "veth", "fd00:7::9", "fd00:7::1"),
        ("10.1.0.1", "eth0", "veth", "fd00:7::9", "192.168.7.1"),
    ],
)
def test_route_is_the_one_that_packets_take(
    node: Namespace, address: str, device: str, kind: str, gateway: str | None, source: str
) -> None:
    """Device, gateway and source address, of both families."""
    answer = RouteAnswer(device=device, kind=kind, gateway=gateway, source=source)
    assert asked(node, address) == answer


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("10.9.9.9", "ENETUNREACH"),
        ("10.2.0.1", "EINVAL"),
        ("10.3.0.1", "EHOSTUNREACH"),
        ("10.4.0.1", "EACCES"),
        ("fd00:99::1", "ENETUNREACH"),
        ("fd00:2::1", "EINVAL"),
        ("fd00:3::1", "EHOSTUNREACH"),
        ("fd00:4::1", "EACCES"),
    ],
)
def test_no_route_is_an_answer_too(node: Namespace, address: str, error: str) -> None:
    """No route, and routes that forward nothing, have the error that a sender would get."""
    assert asked(node, address) == RouteAnswer(device=None, error=error)


def test_counters_count_packets(node: Namespace) -> None:
    """What goes out of one end of a cable comes in at the other."""
    with inside(node.name):
        sent, received = counted("eth0").sent, counted("cable").received
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
            sender.bind(("eth0", 0))
            for _ in range(10):
                sender.send(bytes(60))
        assert counted("eth0").sent >= sent + 10
        assert counted("cable").received >= received + 10


def test_counters_of_no_device(node: Namespace) -> None:
    """A device that is not there has none."""
    with inside(node.name):
        assert counters("tunl0") is None


def counted(device: str) -> Counters:
    found = counters(device)
    assert found is not None
    return found
