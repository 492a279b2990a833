"""Pokes that a command sends by itself: what ends each of them.

Owns that whatever arrives, fails or expires is one outcome for who sent it. Knows neither when
something is sent nor what is made of an outcome.
"""

from abc import ABC, abstractmethod

from pokepodsd.core.flights import Flights
from pokepodsd.core.model import Datagram, Family, IcmpError, MonotonicNs, Outcome, Send


class Sender(ABC):
    """Sends through ``flights``; `exchange` tells it what happens."""

    def __init__(self, flights: Flights) -> None:
        self._flights = flights

    def send_failed(self, send: Send, errno_name: str, now: MonotonicNs) -> None:
        """The kernel did not take a packet."""
        self._take_any(self._flights.fail_send(send, errno_name, now))

    def receive(self, datagram: Datagram, now: MonotonicNs) -> None:
        """A datagram arrived."""
        self._take_any(self._flights.match_reply(datagram, now), datagram.ttl)

    def receive_error(self, error: IcmpError, now: MonotonicNs) -> None:
        """An ICMP error arrived."""
        self._take_any(self._flights.match_error(error, now))

    def overrun(self, family: Family, packets: int, now: MonotonicNs) -> None:
        """So many packets found no room in a socket."""
        self._flights.overrun(family, packets, now)

    def tick(self, now: MonotonicNs) -> None:
        """Give up what is over."""
        for outcome in self._flights.expire(now):
            self._take(outcome, None)

    def _take_any(self, outcome: Outcome | None, ttl: int | None = None) -> None:
        if outcome is not None:
            self._take(outcome, ttl)

    @abstractmethod
    def _take(self, outcome: Outcome, ttl: int | None, /) -> None:
        """A poke has ended; ``ttl`` is that of its reply, if it shows one."""
