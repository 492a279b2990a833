"""Which addresses can be a pod's.

Owns the reading of an address's text, and the ranges that are no pod's business. 150,000 of them
are read in one go, so that a range is a comparison of numbers.
"""

import ipaddress

from pokepodsd.core.model import Family

# By the first octet: "this network" (RFC 791, 3.2), loopback (RFC 1122, 3.2.1.3), and from 224 on
# multicast (RFC 1112) and what is reserved (RFC 1112, 4).
_THIS_NETWORK, _LOOPBACK, _MULTICAST = 0, 127, 224
# RFC 3927: 169.254.0.0/16.
_LINK_LOCAL = 0xA9FE
# Global unicast as far as it is assigned (RFC 3587, 3): 2000::/3, and unique local addresses (RFC
# 4193, 3.1): fc00::/7. In 2002::/16 (6to4, RFC 3056) there is an IPv4 address, which may be any.
_GLOBAL_UNICAST, _UNIQUE_LOCAL, _SIX_TO_FOUR = 0b001, 0b1111110, 0x2002


def parsed(text: str) -> tuple[str, Family]:
    """An address in its usual form, with its family.

    Raises:
        ValueError: it is none.
    """
    if ":" in text:
        return (str(ipaddress.IPv6Address(text)), Family.V6)
    # An IPv4 address has one form only.
    ipaddress.IPv4Address(text)
    return (text, Family.V4)


def pod_address(text: str) -> tuple[str, Family] | None:
    """The address in its usual form, with its family; None where no pod can have it."""
    try:
        address, family = parsed(text)
    except ValueError:
        return None
    is_usable = _is_usable_v4 if family is Family.V4 else _is_usable_v6
    return (address, family) if is_usable(address) else None


def numbered(address: str) -> tuple[int, int, int]:
    """What is known to be an address as its IP version, the number of its bits, and a number."""
    if ":" in address:
        return (6, 128, int(ipaddress.IPv6Address(address)))
    number = 0
    for octet in address.split("."):
        number = number << 8 | int(octet)
    return (4, 32, number)


def _is_usable_v4(address: str) -> bool:
    number = numbered(address)[2]
    first = number >> 24
    is_special = first in {_THIS_NETWORK, _LOOPBACK} or first >= _MULTICAST
    return not is_special and number >> 16 != _LINK_LOCAL


def _is_usable_v6(text: str) -> bool:
    address = ipaddress.IPv6Address(text)
    number = int(address)
    is_unicast = number >> 125 == _GLOBAL_UNICAST or number >> 121 == _UNIQUE_LOCAL
    return is_unicast and number >> 112 != _SIX_TO_FOUR and address.scope_id is None
