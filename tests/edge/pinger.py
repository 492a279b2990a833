"""Owns one ICMP socket under test, and the addresses of its family. Judges nothing."""

from collections.abc import Callable

from pokepodsd.core.model import Datagram, Family, IcmpError, WallNs
from pokepodsd.core.packets import echo_request, parse_reply
from pokepodsd.edge.clock import wall_ns
from pokepodsd.edge.icmp import IcmpSocket
from tests.edge.support import wait_readable
from tests.lab import Node

COOKIE = 7


class Pinger:
    """One socket under test, from node-a."""

    def __init__(self, one: IcmpSocket) -> None:
        self.socket = one
        self.channel = one.channel

    def send(self, address: str, sequence: int) -> str | None:
        """Send a request; the name of the errno if the kernel does not take it."""
        return self.send_at(address, sequence, wall_ns)[1]

    def send_at(
        self, address: str, sequence: int, clock: Callable[[], WallNs]
    ) -> tuple[WallNs, str | None]:
        packet = echo_request(
            self.channel.family,
            identifier=self.channel.identifier,
            sequence=sequence,
            serial=sequence,
            cookie=COOKIE,
        )
        return self.socket.send(packet, address, clock)

    def wait_reply(self) -> Datagram:
        while True:
            wait_readable(self.socket)
            for datagram in self.socket.receive(1):
                return datagram

    def wait_error(self) -> IcmpError:
        while True:
            if not self.socket.has_kept:
                wait_readable(self.socket)
            for error in self.socket.receive_errors(1):
                return error

    def sequence_of(self, datagram: Datagram) -> int:
        family, has_header = self.channel.family, self.channel.has_ip_header
        echo = parse_reply(family, datagram.data, has_ip_header=has_header)
        assert echo is not None
        assert (echo.identifier, echo.serial) == (self.channel.identifier, echo.sequence)
        return echo.sequence


def pod(pinger: Pinger, node: Node, number: int) -> str:
    is_4 = pinger.channel.family is Family.V4
    return node.pod_address(number) if is_4 else node.pod_address6(number)


def address_of(pinger: Pinger, node: Node) -> str:
    return node.address if pinger.channel.family is Family.V4 else node.address6
