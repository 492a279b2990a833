"""What this host's connection tracking says of the flow that carries a tunnel.

Owns ``/proc/net/nf_conntrack`` and the generic timeout. Both are there only where the kernel has
them (CONFIG_NF_CONNTRACK_PROCFS) and the module is loaded; that they are not is no error.
"""

import re
from pathlib import Path

from pokepodsd.core.kernel import ConntrackEntry
from pokepodsd.core.model import SECOND_NS

_TABLE = Path("/proc/net/nf_conntrack")
_COUNT = Path("/proc/sys/net/netfilter/nf_conntrack_count")
_TIMEOUT = Path("/proc/sys/net/netfilter/nf_conntrack_generic_timeout")
# What Linux sets it to, where this host does not say (nf_conntrack-sysctl.rst).
DEFAULT_TIMEOUT_NS = 600 * SECOND_NS
# A line takes the kernel some 2 us to print: 20,000 of them are the most that the loop waits for.
_MOST_ENTRIES = 20_000
# IPPROTO_IPIP as nf_conntrack_standalone.c prints it: name, number, seconds left, then both tuples.
_LINE = re.compile(r"\S+ +\d+ +\S+ +4 +(?P<left>\d+) src=\S+ dst=(?P<node>\S+) (?P<rest>.*)")


def generic_timeout_ns() -> int | None:
    """How long an entry of a protocol without ports is kept; None if nothing says so."""
    try:
        return int(_TIMEOUT.read_text(encoding="ascii")) * SECOND_NS
    except (OSError, ValueError):
        return None


def ipip_entry(node: str) -> ConntrackEntry | None:
    """The entry of this host's protocol-4 flow to a node's address; None if none can be read."""
    try:
        if int(_COUNT.read_text(encoding="ascii")) > _MOST_ENTRIES:
            return None
        with _TABLE.open(encoding="ascii", errors="replace") as table:
            for line in table:
                match = _LINE.match(line)
                if match is not None and match["node"] == node:
                    return ConntrackEntry(
                        is_unreplied="[UNREPLIED]" in match["rest"],
                        seconds_left=int(match["left"]),
                    )
    except (OSError, ValueError):
        return None
    return None
