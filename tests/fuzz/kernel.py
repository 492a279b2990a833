"""What the kernel hands over: netlink's messages, and what arrives at the ICMP sockets."""

from functools import cache
from typing import Final

from pokepodsd.core.kernel import RouteChanged
from pokepodsd.core.model import Datagram, Family, IcmpError, WallNs
from pokepodsd.core.routes import RouteBook
from pokepodsd.edge.netlink import RouteSocket
from tests.core.builders import COOKIE, WALL0, make_pod
from tests.core.world import World, is_silent, make_world
from tests.fuzz.shown import check_entry

ADDRESSES: Final = {Family.V4: "10.244.1.1", Family.V6: "fd00::1"}
_OTHERS: Final = {Family.V4: "10.244.9.9", Family.V6: "fd00::9"}


def netlink(data: bytes) -> None:
    """One datagram of the kernel's."""
    told, book = RouteSocket(), RouteBook(("*",))
    try:
        told.take(data)
        for event in told.read(0):
            book.take(event)
            if isinstance(event, RouteChanged):
                check_entry(event.route.destination)
        check_entry(told.unreadable)
    except OSError as error:
        # The kernel's own word, after which it is asked anew.
        if not error.errno:
            raise
    finally:
        told.close()
    book.settle()
    for tunnel in book.all():
        check_entry(f"{tunnel.device} {tunnel.blocks}")
        tunnel.device.encode()


def icmp(data: bytes) -> None:
    """A datagram and an ICMP error, at a daemon that has just poked; the first byte chooses which.

    Nothing is believed of who has not seen the cookie. A fuzzer finds even that, since it sees
    what its input is compared with.
    """
    choice, body = (data[:1] or b"\0")[0], data[1:]
    if COOKIE.to_bytes(8, "big") in body:
        return
    family = Family.V6 if choice & 1 else Family.V4
    address = (_OTHERS if choice & 2 else ADDRESSES)[family]
    world = _poking()
    before = world.engine.snapshot()
    if choice & 4:
        error = IcmpError(
            family=family,
            quoted=body,
            destination=address,
            type=choice >> 3 & 15,
            code=choice >> 5,
            reporter="192.168.10.1",
        )
        world.engine.receive_error(error, world.now)
    else:
        stamp = WallNs(WALL0 + choice)
        world.engine.receive(Datagram(family, body, address, stamp), world.now)
    after = world.engine.snapshot()
    assert (after.received, after.up) == (0, 0)
    assert sum(after.strays.values()) - sum(before.strays.values()) <= 1
    for entry in world.engine.take_entries():
        check_entry(entry.text)


@cache
def _poking() -> World:
    world = make_world(is_silent)
    world.take_list(
        *(make_pod(str(one), addresses=(address,)) for one, address in ADDRESSES.items())
    )
    world.turn()
    assert len(world.sends) == 2
    return world
