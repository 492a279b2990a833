"""The probes in flight on all sockets: each to the `InFlight` of its family.

Owns that choice alone, for the engine and for a sweep.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from pokepodsd.core.inflight import InFlight, Stray
from pokepodsd.core.model import (
    Channel,
    Datagram,
    Draw,
    Family,
    IcmpError,
    MonotonicNs,
    Outcome,
    Send,
    Target,
)


class Flights:
    """One `InFlight` for each channel."""

    def __init__(self, channels: Iterable[Channel], *, draw: Draw, timeout_ns: int) -> None:
        self._by_family = {
            channel.family: InFlight(channel, draw=draw, timeout_ns=timeout_ns)
            for channel in channels
        }

    @property
    def families(self) -> frozenset[Family]:
        """The families that there is a channel for."""
        return frozenset(self._by_family)

    @property
    def sent(self) -> int:
        """How many probes were opened."""
        return sum(one.sent for one in self._by_family.values())

    @property
    def received(self) -> int:
        """How many were answered."""
        return sum(one.received for one in self._by_family.values())

    def strays(self) -> Counter[str]:
        """How many packets answered nothing, by the reason."""
        counts: Counter[str] = Counter()
        for one in self._by_family.values():
            counts.update({stray.value: number for stray, number in one.strays.items()})
        return counts

    def all_strays(self) -> dict[str, int]:
        """The same, for every reason there is."""
        counts = self.strays()
        return {stray.value: counts[stray.value] for stray in Stray}

    def set_timeout(self, timeout_ns: int) -> None:
        """Take a new timeout, for those in flight too."""
        for one in self._by_family.values():
            one.timeout_ns = timeout_ns

    def open(self, target: Target, now: MonotonicNs, *, opening: bool) -> Send | None:
        """A new probe to send; None when every sequence of its family is in flight."""
        return self._by_family[target.family].open(target, now, opening=opening)

    def fail_send(self, send: Send, errno_name: str, now: MonotonicNs) -> Outcome:
        """The Outcome of a packet that the kernel did not take."""
        return self._by_family[send.probe.target.family].fail_send(send.probe, errno_name, now)

    def match_reply(self, datagram: Datagram, now: MonotonicNs) -> Outcome | None:
        """The Outcome of a reply, or None for a stray."""
        return self._by_family[datagram.family].match_reply(datagram, now)

    def match_error(self, error: IcmpError, now: MonotonicNs) -> Outcome | None:
        """The Outcome of an ICMP error, or None for a stray."""
        return self._by_family[error.family].match_error(error, now)

    def overrun(self, family: Family, packets: int, now: MonotonicNs) -> None:
        """So many packets found no room in the socket of this family."""
        self._by_family[family].overrun(packets, now)

    def expire(self, now: MonotonicNs) -> Iterator[Outcome]:
        """The Outcomes of every probe whose time is over."""
        for one in self._by_family.values():
            yield from one.expire(now)

    def next_expiry(self) -> MonotonicNs | None:
        """When `expire` has something; None when nothing is in flight."""
        times = (one.next_expiry() for one in self._by_family.values())
        return min((time for time in times if time is not None), default=None)
