"""What the kernels count, and the pods behind the cable."""

from tests.bench.accounting import icmp_count
from tests.bench.cable import arrived, lines_of, pods_on
from tests.lab import Lab

SNMP = """\
Ip: Forwarding DefaultTTL
Ip: 1 64
Icmp: InMsgs InErrors InEchos OutMsgs
Icmp: 40 3 17 37
IcmpMsg: InType8 OutType0
IcmpMsg: 17 17
"""


def test_echo_requests_are_counted_by_their_name() -> None:
    """The line of names says where the number stands; kernels add columns."""
    assert arrived(SNMP) == 17
    assert icmp_count(SNMP, "IcmpMsg", "OutType0") == 17
    assert icmp_count(SNMP, "IcmpMsg", "OutType8") == 0


def test_pods_have_addresses_of_the_far_node() -> None:
    """Each has its own address, and the file for the others names the same ones."""
    far = Lab(2, pod_prefix=18).nodes[1]
    pods = pods_on(far, 300)
    addresses = [pod.address for pod in pods]
    assert len(set(addresses)) == 300
    assert addresses[0] == far.pod_address(1)
    assert lines_of(pods).split() == addresses
