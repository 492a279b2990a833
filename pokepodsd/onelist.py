"""One full list of the pods, from the credentials on.

Owns the order of its steps, and that a failure ends it. What goes on after it is the reader's.
"""

from collections.abc import Iterator

from pokepodsd.asker import Asker, Orders
from pokepodsd.core import protocol
from pokepodsd.core.records import Lost, Record, Watching
from pokepodsd.errors import ApiError


def list_once(orders: Orders) -> Iterator[Record]:
    """One full list, from the credentials on; of the node's own pods where others are refused.

    Raises:
        ApiError: there is no list to be had.
    """
    asker = Asker(orders, allow=lambda _: None)
    yield asker.connect()
    while True:
        step = asker.feed.next_step()
        if isinstance(step, protocol.Pause):
            continue
        for record in asker.ask(step):
            match record:
                case Lost(reason=reason):
                    raise ApiError(f"the pods cannot be listed: {reason}")
                case Watching():
                    return
                case _:
                    yield record
