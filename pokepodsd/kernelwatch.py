"""What the kernel says, to whoever thinks about it: routes as they change, findings when asked.

Owns when it is read, and what becomes of a kernel that refuses: the peers are then known by the
API alone, and it is asked again.
"""

import contextlib
import select

from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.kernel import AddressesChanged, DumpEnded, Findings, Inspect, KernelEvent
from pokepodsd.core.model import SECOND_NS, MonotonicNs
from pokepodsd.core.values import duration_text
from pokepodsd.core.words import span
from pokepodsd.edge import conntrack
from pokepodsd.edge.clock import asleep_ns, monotonic_ns
from pokepodsd.edge.netlink import RouteSocket, counters, route_to

# A dump of 5,000 routes takes half a second; the start does not wait for a stuck kernel.
_FIRST_DUMP_NS = 2 * SECOND_NS
_AGAIN_NS = 10 * SECOND_NS
# A change in the moment in which the kernel fills a part of a dump can be told out of order, and
# nothing marks it for certain: now and then everything is read anew, at 0.3 s of CPU for 5,000
# routes.
_ANEW_NS = 600 * SECOND_NS
# Two pokes of three may be lost, and the entry is still there.
_SHARE_OF_TIMEOUT = 3
# The clock that goes on while the host sleeps runs ahead by at least this much then.
_SLEPT_NS = SECOND_NS


class KernelWatch:
    """The route socket, opened anew when it fails."""

    def __init__(self) -> None:
        self._socket: RouteSocket | None = None
        self._next_start = MonotonicNs(0)
        self._is_failure_told = self._is_unreadable_told = False
        self._asleep_ns = asleep_ns()
        self.entries: list[Entry] = []

    def start(self, now: MonotonicNs) -> None:
        """Open the socket, and ask for everything."""
        self._next_start = MonotonicNs(now + _ANEW_NS)
        try:
            self._socket = self._socket or RouteSocket()
            self._socket.request_dump()
        except OSError as error:
            self._fail(error, now)

    def stop(self) -> None:
        """Close it."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    @property
    def socket(self) -> RouteSocket | None:
        """The socket, for a selector; None while there is none."""
        return self._socket

    def read_first(self, now: MonotonicNs) -> list[KernelEvent]:
        """The whole first dump, for which the start waits a little."""
        events: list[KernelEvent] = []
        is_complete = False
        deadline = monotonic_ns() + _FIRST_DUMP_NS
        while self._socket is not None and not is_complete:
            left = (deadline - monotonic_ns()) / SECOND_NS
            if left <= 0 or not select.select([self._socket], [], [], left)[0]:
                break
            part = self.read(now)
            is_complete = any(isinstance(event, DumpEnded) for event in part)
            events += part
        return events

    def read(self, now: MonotonicNs) -> list[KernelEvent]:
        """What the kernel has told since the last time."""
        if now >= self._next_start:
            self.start(now)
        if self._socket is None:
            return []
        try:
            events = self._socket.read()
        except OSError as error:
            self._fail(error, now)
            return []
        if self._socket.unreadable:
            self._tell_unreadable(self._socket.unreadable)
        return events

    def next_due(self) -> MonotonicNs:
        """When `read` has something to do without being woken."""
        if self._socket is not None and self._socket.has_more:
            return MonotonicNs(0)
        return self._next_start

    def has_slept(self) -> bool:
        """Whether this host was suspended since the last time."""
        before, self._asleep_ns = self._asleep_ns, asleep_ns()
        return self._asleep_ns - before > _SLEPT_NS

    def check_timeout(self, interval_ns: int) -> None:
        """Warn of an interval that leaves no room for lost pokes in the host's conntrack."""
        timeout_ns = conntrack.generic_timeout_ns()
        if timeout_ns is None or interval_ns * _SHARE_OF_TIMEOUT <= timeout_ns:
            return
        timeout = duration_text(timeout_ns)
        text = (
            f"tunnels.interval {duration_text(interval_ns)} is more than a third of the {timeout} "
            "after which this host's conntrack forgets a tunnel "
            "(net.netfilter.nf_conntrack_generic_timeout): one lost poke may shut it. Set "
            f"tunnels.interval to {span(_floor(timeout_ns // _SHARE_OF_TIMEOUT))} or less"
        )
        self.entries.append(Entry(kind=EventKind.CONNTRACK_SHORT, level=Level.WARNING, text=text))

    def inspect(self, inspection: Inspect) -> Findings:
        """What the kernel says of the way to one address; what it refuses to say is left out."""
        route = found = None
        with contextlib.suppress(OSError):
            route = route_to(inspection.address)
        with contextlib.suppress(OSError):
            found = counters(inspection.device) if inspection.device else None
        entry = None
        if inspection.with_conntrack and inspection.node is not None:
            entry = conntrack.ipip_entry(inspection.node)
        return Findings(route=route, counters=found, conntrack=entry)

    def _tell_unreadable(self, reason: str) -> None:
        if self._is_unreadable_told:
            return
        self._is_unreadable_told = True
        text = (
            f"the kernel said something that cannot be read ({reason}): a link, route or neighbour "
            "may not be known; all others are"
        )
        self.entries.append(Entry(kind=EventKind.ROUTES_UNREADABLE, level=Level.WARNING, text=text))

    def _fail(self, error: OSError, now: MonotonicNs) -> None:
        self.stop()
        self._next_start = MonotonicNs(now + _AGAIN_NS)
        if not self._is_failure_told:
            self._is_failure_told = True
            text = (
                f"the kernel's routes cannot be read ({error.strerror}): peers are known by the "
                "API alone. It is tried again every 10s; the unit needs AF_NETLINK in "
                "RestrictAddressFamilies"
            )
            self.entries.append(
                Entry(kind=EventKind.ROUTES_UNREADABLE, level=Level.WARNING, text=text)
            )


def _floor(duration_ns: int) -> int:
    """To a tenth of a second, downwards."""
    return duration_ns // (SECOND_NS // 10) * (SECOND_NS // 10)


def addresses_changed(events: list[KernelEvent]) -> bool:
    """Whether an address of this host came or went."""
    return any(isinstance(event, AddressesChanged) for event in events)
