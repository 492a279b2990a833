"""The addresses of this host, which are never targets."""

import ipaddress

import ifaddr


def own_addresses() -> frozenset[str]:
    """Every address of every interface, in the form of `ipaddress`, without zone."""
    found = set()
    for adapter in ifaddr.get_adapters():
        for item in adapter.ips:
            text = item.ip if isinstance(item.ip, str) else item.ip[0]
            found.add(str(ipaddress.ip_address(text.partition("%")[0])))
    return frozenset(found)
