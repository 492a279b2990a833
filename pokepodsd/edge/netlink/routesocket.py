"""The socket on which the kernel tells of links, routes and neighbours.

Owns the order: subscribed first, then one dump after the other, news in between, and all anew
when something was lost.
"""

import contextlib
import errno
import os
import socket
from collections.abc import Iterator

from pokepodsd.core.kernel import AddressesChanged, DumpBegun, DumpEnded, KernelEvent
from pokepodsd.edge.netlink.holdings import Holdings
from pokepodsd.edge.netlink.learned import leave_out_learned
from pokepodsd.edge.netlink.messages import (
    DATAGRAM_SIZE,
    Body,
    Message,
    Type,
    dump_requests,
    link_of,
    neighbour_of,
    parse,
    route_of,
)
from pokepodsd.edge.netlink.place import place_of

# linux/netlink.h; the groups of linux/rtnetlink.h.
_SOL_NETLINK = 270
_NETLINK_ADD_MEMBERSHIP = 1
_NETLINK_GET_STRICT_CHK = 12
_GROUPS = {
    "link": 1,
    "neigh": 3,
    "ifaddr": 5,
    "route": 7,
    "ifaddr6": 9,
    "route6": 11,
    "nexthop": 32,
}

# The kernel caps it at net.core.rmem_max, into whose default (212,992) some 500 messages fit; what
# does not is made good by a new dump.
RECEIVE_BUFFER = 4 * 1024 * 1024
# A datagram of a dump holds some 500 routes, which take some 25 ms.
READ_LIMIT = 400
_LONGEST_REASON = 200


class RouteSocket:
    """What the kernel holds, and what it changes, as events in their order.

    Between `DumpBegun` and `DumpEnded` all there is is told. `DumpBegun` may come again at any
    time, also before the dump that runs has ended.

    Every `RouteChanged` and `RouteRemoved` is about all the next hops of its key. Routes that the
    kernel drops silently with their link are told before the link's own event; those that have
    next hops on other links as well are kept as they are, and count by the state of their links.

    Raises:
        OSError: no netlink socket can be had.
    """

    def __init__(self, receive_buffer: int = RECEIVE_BUFFER) -> None:
        self._held = Holdings()
        self._events: list[KernelEvent] = []
        self._parsed: Iterator[Message] = iter(())
        self._questions: Iterator[bytes] = iter(())
        self._is_dumping = False
        self.has_more = False
        self.unreadable = ""
        """Why a message could not be read, and so was left out; "" while all could."""
        with contextlib.ExitStack() as exits:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
            exits.callback(self._socket.close)
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            # The dump of routes leaves out the cache, that of links the statistics.
            self._socket.setsockopt(_SOL_NETLINK, _NETLINK_GET_STRICT_CHK, 1)
            self._socket.bind((0, 0))
            for group in _GROUPS.values():
                self._socket.setsockopt(_SOL_NETLINK, _NETLINK_ADD_MEMBERSHIP, group)
            leave_out_learned(self._socket)
            exits.pop_all()

    def fileno(self) -> int:
        """The socket, for a selector."""
        return self._socket.fileno()

    def request_dump(self) -> None:
        """Have everything told, from the beginning.

        What has arrived and was not read is thrown away. An empty queue also ends a dump that
        runs, and the kernel's silence after an overrun (netlink_rcv_wake).

        Raises:
            OSError: the kernel does not take the question.
        """
        while self._is_readable():
            pass
        self._held = Holdings()
        self._parsed = iter(())
        self._questions = iter(dump_requests())
        self._is_dumping = True
        # What was thrown away may have been about an address.
        self._events += [DumpBegun(), AddressesChanged()]
        self._ask_next()

    def read(self, limit: int = READ_LIMIT) -> list[KernelEvent]:
        """What was told since the last time, without waiting.

        Of about ``limit`` messages: a datagram that was begun is read to its end, so that a
        selector knows of all that is left. `has_more` says afterwards whether there may be more.

        Raises:
            OSError: the kernel refuses a dump; it is to be asked for again.
        """
        count = 0
        while count < limit and (datagram := self._receive()) is not None:
            count += self.take(datagram)
        self.has_more = count >= limit
        if self._held.is_in_doubt and not self._is_dumping:
            self.request_dump()
        events, self._events = self._events, []
        return events

    def take(self, datagram: bytes) -> int:
        """Take one datagram; how many messages it had. What it means, `read` tells.

        Raises:
            OSError: as `read`.
        """
        count = 0
        self._parsed = parse(datagram)
        while (message := self._next()) is not None:
            self._take(message)
            count += 1
        return count

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _receive(self) -> bytes | None:
        """The next datagram, which may be empty; None where there is none."""
        try:
            data, (sender, _) = self._socket.recvfrom(DATAGRAM_SIZE)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            self.request_dump()
            return b""
        # Another process of this host may send to the socket too; the kernel is port 0.
        return data if sender == 0 else b""

    def _is_readable(self) -> bool:
        try:
            self._socket.recv(1)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
        return True

    def _ask_next(self) -> None:
        question = next(self._questions, None)
        if question is None:
            self._is_dumping = False
            self._events.append(DumpEnded())
            return
        self._socket.sendto(question, (0, 0))

    def _take(self, message: Message) -> None:
        if message.is_of_broken_dump:
            self.request_dump()
        elif message.error:
            self._is_dumping = False
            raise OSError(message.error, f"rtnetlink: {os.strerror(message.error)}")
        elif message.type == Type.DONE:
            self._ask_next()
        else:
            with self._leaving_out():
                self._events += self._understand(message)

    def _next(self) -> Message | None:
        with self._leaving_out():
            return next(self._parsed, None)
        return None

    @contextlib.contextmanager
    def _leaving_out(self) -> Iterator[None]:
        """What a message of an unknown shape makes pyroute2, or its reading here, stumble over."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 -- it lets through whatever that is
            self.unreadable = f"{type(error).__name__}: {error}"[:_LONGEST_REASON]

    def _understand(self, message: Message) -> list[KernelEvent]:
        body = message.body
        match message.type:
            case Type.NEWLINK | Type.DELLINK:
                return self._understand_link(body, is_there=message.type == Type.NEWLINK)
            case Type.NEWADDR | Type.DELADDR:
                return self._understand_address(body, is_there=message.type == Type.NEWADDR)
            case Type.NEWROUTE | Type.DELROUTE:
                return self._understand_route(message)
            case Type.NEWNEIGH | Type.DELNEIGH:
                return self._understand_neighbour(body, is_there=message.type == Type.NEWNEIGH)
            case Type.NEWNEXTHOP | Type.DELNEXTHOP:
                # The routes that use a next hop object change with it, some silently.
                self._held.is_in_doubt |= message.type == Type.DELNEXTHOP or message.replaces
        return []

    def _understand_link(self, body: Body, *, is_there: bool) -> list[KernelEvent]:
        link = link_of(body)
        if link is None:
            return []
        return self._held.put_link(link) if is_there else self._held.drop_link(link.index)

    def _understand_address(self, body: Body, *, is_there: bool) -> list[KernelEvent]:
        # Routes that send from an address go with it, before Linux 6.7 silently (6.7: "ipv4/fib:
        # send notify when delete source address routes").
        self._held.is_in_doubt |= not is_there and body["family"] == socket.AF_INET
        return [AddressesChanged()]

    def _understand_route(self, message: Message) -> list[KernelEvent]:
        route = route_of(message.body)
        if route is None:
            return []
        if message.type == Type.DELROUTE:
            return self._held.drop_route(route)
        return self._held.put_route(route, place_of(message))

    def _understand_neighbour(self, body: Body, *, is_there: bool) -> list[KernelEvent]:
        found = neighbour_of(body)
        if found is None:
            return []
        key, entry = found
        return self._held.put_neighbour(key, entry if is_there else None)
