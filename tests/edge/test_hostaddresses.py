"""Checks that a host knows its own addresses."""

from pokepodsd.edge.hostaddresses import own_addresses
from tests.lab import Lab


def test_every_address_of_every_interface(lab: Lab) -> None:
    """Loopback, both families, several on one interface, and link-local ones without their zone."""
    node = lab.nodes[0]
    node.run("ip", "address", "add", "198.51.100.7/32", "dev", "lo")
    node.run("ip", "address", "add", "2001:DB8:0::7/128", "dev", "eth0", "nodad")
    with node.inside():
        found = own_addresses()
    link_local = {address for address in found if address.startswith("fe80:")}
    assert found - link_local == {
        "127.0.0.1",
        "::1",
        "198.51.100.7",
        "2001:db8::7",
        node.address,
        node.address6,
    }
    assert link_local
    assert not any("%" in address for address in found)


def test_lost_address_is_forgotten(lab: Lab) -> None:
    """The next look sees an address no more that the host has lost."""
    node = lab.nodes[1]
    node.run("ip", "address", "add", "198.51.100.8/32", "dev", "lo")
    with node.inside():
        assert "198.51.100.8" in own_addresses()
        node.run("ip", "address", "delete", "198.51.100.8/32", "dev", "lo")
        assert "198.51.100.8" not in own_addresses()
