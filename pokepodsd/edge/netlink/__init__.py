"""What the kernel says of links, routes and neighbours, by rtnetlink(7), for any user.

Turns messages into `core.kernel`'s words, without policy: which route leads into a tunnel is not
decided here. Nothing here needs a privilege.
"""

from pokepodsd.edge.netlink.asking import counters, route_to
from pokepodsd.edge.netlink.routesocket import RouteSocket

__all__ = ["RouteSocket", "counters", "route_to"]
