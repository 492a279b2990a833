"""Two nodes on one cable, the far one of which answers for thousands of pods.

Owns the place where pokes are compared: a veth and nothing else, so that what is measured is who
pings, and the least of the network.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pokepodsd.core.model import Family, NodeName, Target, TargetId, Uid
from tests.bench.accounting import icmp_count
from tests.lab import Lab, Node
from tests.lab.launch import ip_batch

POD_PREFIX = 18
"""Room for 16,382 pods."""
# How many nodes the pods are on, as the API tells it.
_NODES = 50
_CABLE = "cable"
_HERE, _THERE = "10.99.0.1", "10.99.0.2"


@contextmanager
def cabled() -> Iterator[tuple[Node, Node]]:
    """This node and the far one, whose pods are reached without a bridge between them."""
    with Lab(2, pod_prefix=POD_PREFIX) as lab:
        here, there = lab.nodes
        lay(here, there)
        yield here, there


def lay(here: Node, there: Node) -> None:
    """Lay the cable, and let every process use ICMP datagram sockets."""
    lines = [
        f"link add {_CABLE} type veth peer name {_CABLE} netns {there.namespace}",
        f"link set {_CABLE} up",
        f"addr add {_HERE}/24 dev {_CABLE}",
    ]
    ip_batch(here.namespace, lines)
    ip_batch(there.namespace, [f"link set {_CABLE} up", f"addr add {_THERE}/24 dev {_CABLE}"])
    ip_batch(here.namespace, [f"route replace {there.block} via {_THERE}"])
    allow_datagram_sockets(here)


def allow_datagram_sockets(node: Node) -> None:
    """Let every process use ICMP datagram sockets, as systemd does on most distributions."""
    node.set_sysctl("net.ipv4.ping_group_range", "0 2147483647")


def pods_on(there: Node, count: int) -> list[Target]:
    """So many pods behind the cable, as the daemon knows them from before."""
    return [
        _pod(number, there.pod_address(number), there.address) for number in range(1, count + 1)
    ]


def echo_requests(there: Node) -> int:
    """How many echo requests have arrived there, ever, by the kernel's count."""
    return arrived(there.run("cat", "/proc/net/snmp").stdout)


def arrived(snmp: str) -> int:
    """The same from the text of /proc/net/snmp."""
    return icmp_count(snmp, "Icmp", "InEchos")


def lines_of(targets: Sequence[Target]) -> str:
    """Their addresses, one a line, as fping reads them."""
    return "".join(f"{target.address}\n" for target in targets)


def _pod(number: int, address: str, host: str) -> Target:
    return Target(
        id=TargetId(f"uid-{number}/{address}"),
        uid=Uid(f"uid-{number}"),
        namespace="shop",
        name=f"pod-{number}",
        node=NodeName(f"node-{number % _NODES}"),
        address=address,
        family=Family.V4,
        created="2026-01-01T00:00:00Z",
        host=host,
    )
