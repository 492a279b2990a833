"""Where a route stands among those of its destination, table, type of service and priority.

Owns what the flags of a message say of it. Remembers none of the others: that is for `holdings`.
"""

from enum import Enum

from pokepodsd.edge.netlink.messages import Message

# linux/netlink.h.
_NLM_F_EXCL, _NLM_F_APPEND = 0x200, 0x800


class Place(Enum):
    """Where a new route stands among its like."""

    ALONE = "alone"
    INSTEAD = "instead"
    FIRST = "first"
    LAST = "last"


def place_of(message: Message) -> Place:
    """Where a route stands among its like (fib_table_insert, fib6_add_rt2node).

    The kernel sets NLM_F_EXCL in the news of a route that is the only one. A dump tells them in
    their order.
    """
    if message.replaces:
        return Place.INSTEAD
    if message.flags & _NLM_F_EXCL:
        return Place.ALONE
    is_last = message.is_of_dump or message.flags & _NLM_F_APPEND
    return Place.LAST if is_last else Place.FIRST
