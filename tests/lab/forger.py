"""Owns sending ICMP packets that no honest sender would. Refuses to leave its namespace."""

import socket
from typing import Self

from tests.lab.packets import Echo, Kind, echo_packet, error_packet
from tests.lab.place import Place


class IcmpForger:
    """Sends packets with any source, out of one place.

    A socket of protocol IPPROTO_RAW takes the whole IP packet from the caller, for both
    families (raw(7), ipv6(7)).
    """

    def __init__(self, place: Place) -> None:
        with place.inside():
            self._endpoint4 = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
            self._endpoint6 = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._endpoint4.close()
        self._endpoint6.close()

    def send(self, packet: bytes, *, copies: int = 1) -> None:
        """Send a whole IP packet to the destination in its header."""
        if packet[0] >> 4 == 4:
            endpoint, target = self._endpoint4, socket.inet_ntop(socket.AF_INET, packet[16:20])
        else:
            endpoint, target = self._endpoint6, socket.inet_ntop(socket.AF_INET6, packet[24:40])
        for _ in range(copies):
            endpoint.sendto(packet, (target, 0))

    def reply(
        self,
        *,
        source: str,
        destination: str,
        identifier: int,
        sequence: int,
        payload: bytes = b"",
        length: int | None = None,
        corrupt: bool = False,
        copies: int = 1,
    ) -> None:
        """Send an echo reply; `length` cuts or pads it, `corrupt` spoils its checksum."""
        packet = echo_packet(
            Kind.REPLY,
            source=source,
            destination=destination,
            identifier=identifier,
            sequence=sequence,
            payload=payload,
            length=length,
            corrupt=corrupt,
        )
        self.send(packet, copies=copies)

    def answer(
        self,
        request: Echo,
        *,
        length: int | None = None,
        corrupt: bool = False,
        copies: int = 1,
    ) -> None:
        """Answer a captured request as its destination would; lie by dataclasses.replace."""
        self.reply(
            source=request.destination,
            destination=request.source,
            identifier=request.identifier,
            sequence=request.sequence,
            payload=request.payload,
            length=length,
            corrupt=corrupt,
            copies=copies,
        )

    def error(
        self,
        *,
        source: str,
        destination: str,
        icmp_type: int,
        code: int,
        original: bytes,
        copies: int = 1,
    ) -> None:
        """Send an ICMP error that cites `original`, a whole or cut IP packet."""
        packet = error_packet(
            source=source,
            destination=destination,
            icmp_type=icmp_type,
            code=code,
            original=original,
        )
        self.send(packet, copies=copies)
