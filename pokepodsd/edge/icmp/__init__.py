"""ICMP sockets: one a family, for all targets.

`sockets` opens and uses them, and alone knows `icmplib`; `quiet` keeps from a raw one what is not
for it.
"""

from pokepodsd.edge.icmp.sockets import IcmpSocket, open_sockets

__all__ = ["IcmpSocket", "open_sockets"]
