"""Checks that nothing is lost for good: floods, overruns, changes in the midst of a dump."""

import socket
import sys
from collections.abc import Iterator

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pokepodsd.core.kernel import DumpBegun, DumpEnded, RouteChanged
from pokepodsd.edge.netlink import RouteSocket
from tests.edge.kernelview import Namespace, View, namespace
from tests.edge.support import run_unprivileged
from tests.lab.namespace import inside

NODE = (
    "link add eth0 type veth peer name cable",
    "link set cable up",
    "link set eth0 up",
    "addr add 192.168.7.1/24 dev eth0",
    "addr add fd00:7::1/64 dev eth0 nodad",
    "tuntap add tunl0 mode tun",
    "link set tunl0 up",
)
MANY = [
    f"10.{64 + (n >> 8)}.{n & 255}.0/24 via 192.168.7.{n % 250 + 2} dev tunl0 onlink"
    for n in range(1000)
]
AS_NOBODY = """
from pokepodsd.core.kernel import DumpEnded
from pokepodsd.edge.netlink import RouteSocket, counters, route_to
socket, events = RouteSocket(), []
socket.request_dump()
while not isinstance((events or [None])[-1], DumpEnded):
    events += socket.read()
print(len(events) > 5, route_to("192.168.7.2").device, counters("eth0") is not None)
"""


@pytest.fixture
def node() -> Iterator[Namespace]:
    with namespace() as place:
        place.ip(*NODE)
        yield place


def begins(view: View) -> int:
    return sum(isinstance(event, DumpBegun) for event in view.events)


def test_thousand_routes_at_once(node: Namespace) -> None:
    """A thousand routes in one go, and away again, are all known, however they come to be."""
    with View(node) as view:
        node.ip(*(f"route add {line}" for line in MANY))
        view.settle()
        node.ip(*(f"route del {line}" for line in MANY[::2]))
        view.settle()
        assert len([r for r in view.routes.values() if r.destination.startswith("10.")]) == 500


def test_overrun_is_made_good(node: Namespace) -> None:
    """A socket whose buffer is too small for the news starts anew, and ends up knowing all."""
    with View(node, receive_buffer=1) as view:
        node.ip(*(f"route add {line}" for line in MANY[:200]))
        view.settle()
        assert begins(view) > 1
        before = begins(view)
        # Once it has caught up it hears again.
        node.ip(f"route del {MANY[0]}")
        view.settle()
        assert begins(view) == before


def test_dump_is_asked_for_while_one_runs(node: Namespace) -> None:
    """A new dump takes the place of the one that runs."""
    node.ip(*(f"route add {line}" for line in MANY))
    with View(node) as view:
        view.socket.request_dump()
        view.read(100)
        view.socket.request_dump()
        told = view.settle()
        kinds = [type(event) for event in told]
        assert kinds.count(DumpEnded) == 1
        assert kinds.count(RouteChanged) >= 1000


def test_news_comes_between(node: Namespace) -> None:
    """What changes while a dump is read is known at its end."""
    node.ip(*(f"route add {line}" for line in MANY))
    with View(node) as view:
        view.socket.request_dump()
        for line in MANY[:20]:
            view.read(25)
            node.ip(f"route del {line}", "link add dummy0 type veth", "link del dummy0")
        view.settle()


def test_next_hop_object_takes_its_routes_along(node: Namespace) -> None:
    """The kernel drops the routes of a next hop that is deleted without a word."""
    node.ip("nexthop add id 1 via 192.168.7.4 dev eth0", "route add 10.3.0.0/24 nhid 1")
    with View(node) as view:
        node.ip("nexthop replace id 1 via 192.168.7.5 dev eth0")
        view.settle()
        node.ip("nexthop del id 1")
        view.settle()
        assert view.route("10.3.0.0/24") is None


def test_source_address_takes_its_routes_along(node: Namespace) -> None:
    """So do routes whose source address is deleted."""
    node.ip("addr add 192.168.9.1/32 dev lo", "route add 10.3.0.0/24 dev eth0 src 192.168.9.1")
    with View(node) as view:
        node.ip("addr del 192.168.9.1/32 dev lo")
        view.settle()
        assert view.route("10.3.0.0/24") is None


def test_silent_ipv6(node: Namespace) -> None:
    """IPv6 may be told to be as silent as IPv4 about the routes of a link that goes down."""
    node.run("sysctl", "-w", "net.ipv6.route.skip_notify_on_dev_down=1")
    node.ip("route add fd00:1::/64 dev tunl0", "route add fd00:1::/64 via fd00:7::2 metric 5")
    with View(node) as view:
        node.ip("link set tunl0 down")
        view.settle()
        node.ip("link set eth0 down")
        view.settle()
        assert view.route("fd00:1::/64") is None


def test_only_the_kernel_is_believed(node: Namespace) -> None:
    """A message from another process does not count, not even if it looks right."""
    with inside(node.name), View(node) as view:
        forger = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        spy = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        with forger, spy:
            spy.bind((0, 1 << 6))
            node.ip("route add 10.1.0.0/24 via 192.168.7.2")
            message = spy.recv(4096)
            node.ip("route del 10.1.0.0/24")
            view.settle()
            with socket.socket(fileno=socket.dup(view.socket.fileno())) as own:
                port = own.getsockname()[0]
            forger.sendto(message, (port, 0))
            assert view.settle() == []


def test_refusal_is_raised(node: Namespace) -> None:
    """A question that the kernel does not take is an error, and the next one may succeed."""
    with View(node) as view:
        view.socket._questions = iter([b"\x14\0\0\0\x12\0\x01\x03" + bytes(12)])
        view.socket._ask_next()
        with pytest.raises(OSError, match="rtnetlink: Invalid argument"):
            view.settle()
        view.socket.request_dump()
        view.settle()


def test_no_privilege_is_needed(node: Namespace) -> None:
    """Everything works for nobody, without any capability."""
    prefix = ["ip", "netns", "exec", node.name]
    done = run_unprivileged([sys.executable, "-c", AS_NOBODY], prefix=prefix)
    assert done.stdout == "True eth0 True\n", done.stderr


def test_closed_socket_has_no_descriptor(node: Namespace) -> None:
    """Closing gives the descriptor back."""
    with inside(node.name):
        opened = RouteSocket()
    opened.close()
    assert opened.fileno() == -1


# Of IPv6 no routes with and without gateway have one key: the kernel's dump, and so `ip`, leaves
# out what stands between two next hops (fib6_dump_node jumps to the last of them). Nor are there
# two without: replacing the first by the second makes two that are the same.
TARGETS = {
    "10.1.0.0/24": ["via 192.168.7.2", "via 192.168.7.3", "dev tunl0"],
    "10.2.0.0/24": ["via 192.168.7.2", "nexthop via 192.168.7.4 nexthop dev tunl0"],
    "fd00:1::/64": ["via fd00:7::2", "nexthop via fd00:7::2 nexthop via fd00:7::5"],
    "fd00:2::/64": ["dev tunl0"],
}


@st.composite
def commands(draw: st.DrawFn) -> str:
    if draw(st.integers(0, 5)) == 0:
        name, word = draw(st.sampled_from(["tunl0", "eth0"])), draw(st.sampled_from(["up", "down"]))
        return f"link set {name} {word}"
    word = draw(st.sampled_from(["add", "append", "prepend", "replace", "change", "del"]))
    destination = draw(st.sampled_from(list(TARGETS)))
    if draw(st.integers(0, 5)) == 0:
        return f"route {word} blackhole {destination} metric {9 if ':' in destination else 7}"
    target = draw(st.sampled_from(TARGETS[destination]))
    return f"route {word} {destination} {target}{draw(st.sampled_from(['', ' metric 7']))}"


# To shrink a failure would take longer than a test may, because each try waits for more news.
@settings(max_examples=40, deadline=None, phases=[Phase.generate])
@given(steps=st.lists(st.lists(commands(), min_size=1, max_size=4), min_size=1, max_size=12))
def test_any_sequence_adds_up(steps: list[list[str]]) -> None:
    """Whatever is done to routes and links, the events add up to what `ip` shows."""
    with namespace() as place:
        place.ip(*NODE)
        with View(place) as view:
            for lines in steps:
                place.ip(*lines, check=False)
                view.settle()
