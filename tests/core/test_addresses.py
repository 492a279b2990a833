"""Checks which addresses can be a pod's, against the standard library's own judgement."""

import ipaddress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pokepodsd.core.addresses import numbered, pod_address
from pokepodsd.core.model import Family

THIS_NETWORK = ipaddress.ip_network("0.0.0.0/8")
V6_NETWORKS = (ipaddress.IPv6Network("2000::/3"), ipaddress.IPv6Network("fc00::/7"))
EDGES = [
    number + by
    for first in (0, 1, 127, 128, 169, 224, 240)
    for number in (first << 24, (first << 24) + 0xFE0000, (first << 24) + 0xFF0000)
    for by in (-1, 0, 1)
    if number + by >= 0
]


@given(st.integers(0, 2**32 - 1) | st.sampled_from(EDGES))
def test_ranges_are_those_of_the_standard_library(number: int) -> None:
    """Loopback, multicast, link-local, reserved addresses and "this network" are no pod's."""
    address = ipaddress.IPv4Address(number)
    is_special = (
        address.is_loopback
        or address.is_multicast
        or address.is_link_local
        or address.is_reserved
        or address in THIS_NETWORK
    )
    expected = None if is_special else (str(address), Family.V4)
    assert pod_address(str(address)) == expected


@given(st.ip_addresses(v=6))
@example(ipaddress.IPv6Address("2000::"))
@example(ipaddress.IPv6Address("3fff:ffff::"))
@example(ipaddress.IPv6Address("4000::"))
@example(ipaddress.IPv6Address("1fff::1"))
@example(ipaddress.IPv6Address("fc00::"))
@example(ipaddress.IPv6Address("fdff::1"))
@example(ipaddress.IPv6Address("fe00::1"))
@example(ipaddress.IPv6Address("fbff::1"))
@example(ipaddress.IPv6Address("2002:7f00:1::1"))
@example(ipaddress.IPv6Address("64:ff9b::a9fe:a9fe"))
def test_ipv6_of_a_pod_is_global_unicast_or_unique_local(address: ipaddress.IPv6Address) -> None:
    """Neither what is reserved nor what has an IPv4 address inside."""
    is_usable = any(address in network for network in V6_NETWORKS) and not address.sixtofour
    expected = (str(address), Family.V6) if is_usable else None
    assert pod_address(str(address)) == expected


@given(st.ip_addresses())
def test_number_is_the_address(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    """Whoever looks for a prefix of it finds the one that it has."""
    found = numbered(str(address))
    assert found == (address.version, address.max_prefixlen, int(address))


@pytest.mark.parametrize(
    "text", ["", "10.0.0", "10.0.0.01", "10.0.0.1/32", "::", "::1", "fe80::1", "ff02::1"]
)
def test_what_is_no_address_of_a_pod(text: str) -> None:
    """No text that is no address, or is one that no pod can have."""
    assert pod_address(text) is None


@pytest.mark.parametrize("text", ["::ffff:10.0.0.1", "fd00::1%eth0"])
def test_address_with_something_about_it_is_none(text: str) -> None:
    """Neither IPv4 in disguise nor one that hangs on a link."""
    assert pod_address(text) is None


def test_ipv6_has_one_form() -> None:
    """Two texts of one address are one target."""
    assert pod_address("fd00:0::00A1") == ("fd00::a1", Family.V6)
