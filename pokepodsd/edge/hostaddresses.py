"""The addresses of this host, which are never targets."""

import ipaddress

import ifaddr


def own_addresses() -> frozenset[str]:
    """Every address of every interface, in the form of `ipaddress`, without zone.

    Raises:
        OSError: the kernel cannot be asked; without a descriptor for the question, EMFILE.
    """
    return frozenset().union(*addresses_by_device().values())


def addresses_by_device() -> dict[str, frozenset[str]]:
    """The same by the interface's name, also of those that are down."""
    found: dict[str, set[str]] = {}
    for adapter in ifaddr.get_adapters():
        for item in adapter.ips:
            text = item.ip if isinstance(item.ip, str) else item.ip[0]
            address = str(ipaddress.ip_address(text.partition("%")[0]))
            found.setdefault(adapter.name, set()).add(address)
    return {name: frozenset(addresses) for name, addresses in found.items()}
