"""What passes this host's devices to or from one end of a tunnel, seen and not touched.

Owns the packet socket (packet(7)). It sees what arrives before the packet filters do. A filter in
the kernel leaves out everything else, so that a busy host costs nothing.
"""

import ctypes
import ipaddress
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pokepodsd.core.silence import Sound

_ETH_P_ALL = 3
_SO_ATTACH_FILTER = 26
_OUTGOING = 4
_HEADERS = 40
# Where source and destination stand in the IPv4 and in the IPv6 header.
_PLACES = {4: (12, 16), 6: (8, 24)}
_PROTOCOL_PLACE = 9
# IPPROTO_IPIP, IPPROTO_IPV6 (sit), IPPROTO_GRE: what carries other packets, and has no ports.
_CARRIERS = (4, 41, 47)
# Classic BPF, linux/bpf_common.h: load a word, a byte, and, jump if equal, return.
_WORD, _BYTE, _AND, _JUMP, _RETURN = 0x20, 0x30, 0x54, 0x15, 0x06
_MOST_INSTRUCTIONS = 4096

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Instruction = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """One tunnel's device, the prefixes behind it, and the far node's own address if known."""

    device: str
    prefixes: tuple[str, ...]
    node: str | None


class Overhearing:
    """All devices, and what the tunnels of these names carry.

    Raises:
        OSError: it cannot be listened: no CAP_NET_RAW.
    """

    def __init__(self, ends: Mapping[str, Ends]) -> None:
        self._ends = ends
        self._networks = {
            network: name
            for name, one in ends.items()
            for network in map(ipaddress.ip_network, one.prefixes)
        }
        self._nodes = {one.node: name for name, one in ends.items() if one.node is not None}
        self._socket = socket.socket(
            socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, socket.htons(_ETH_P_ALL)
        )
        self._filter()
        # What came before the filter was there.
        list(self.heard())

    def fileno(self) -> int:
        """The socket, for a selector."""
        return self._socket.fileno()

    def heard(self) -> Iterator[tuple[str, Sound]]:
        """The tunnel's name and the kind of each packet since the last time."""
        while True:
            try:
                data, sender = self._socket.recvfrom(_HEADERS)
            except BlockingIOError:
                return
            version = data[0] >> 4 if data else 0
            size = {4: 4, 6: 16}.get(version, 0)
            if not size or len(data) < _PLACES[version][1] + size:
                continue
            source, destination = (
                ipaddress.ip_address(data[place : place + size]) for place in _PLACES[version]
            )
            is_outgoing = sender[2] == _OUTGOING
            if version == 4 and data[_PROTOCOL_PLACE] in _CARRIERS:
                yield from self._outer(str(source), str(destination), is_outgoing=is_outgoing)
            for network, name in self._networks.items():
                if source in network and sender[0] == self._ends[name].device and not is_outgoing:
                    yield (name, Sound.EMERGED)
                elif source in network or destination in network:
                    yield (name, Sound.OTHER)

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()

    def _outer(
        self, source: str, destination: str, *, is_outgoing: bool
    ) -> Iterator[tuple[str, Sound]]:
        if source in self._nodes and not is_outgoing:
            yield (self._nodes[source], Sound.CAME)
        elif destination in self._nodes:
            yield (self._nodes[destination], Sound.OTHER)

    def _filter(self) -> None:
        """Attach the filter; with more ends than one can hold, everything is looked at here."""
        program = _program(list(self._networks), list(self._nodes))
        if len(program) > _MOST_INSTRUCTIONS:
            return
        code = b"".join(struct.pack("HBBI", *one) for one in program)
        held = ctypes.create_string_buffer(code, len(code))
        address = struct.pack("HP", len(program), ctypes.addressof(held))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, address)


def _program(networks: Sequence[Network], nodes: Sequence[str]) -> list[_Instruction]:
    """Pass what has one of the prefixes, or carries something and has one of the addresses."""
    program = [one for network in networks for one in _prefix_test(network)]
    hosts = [ipaddress.ip_network(node) for node in nodes if ":" not in node]
    is_carrier: list[_Instruction] = [(_BYTE, 0, 0, _PROTOCOL_PLACE)]
    is_carrier += [(_JUMP, len(_CARRIERS) - n, 0, one) for n, one in enumerate(_CARRIERS)]
    program += [*is_carrier, (_RETURN, 0, 0, 0)]
    program += [one for network in hosts for one in _prefix_test(network)]
    return [*program, (_RETURN, 0, 0, 0)]


def _prefix_test(network: Network) -> Iterator[_Instruction]:
    """Pass the packet if its source or destination has the prefix; else fall through."""
    words = _words(network)
    for place in _PLACES[network.version]:
        for index, (value, mask) in enumerate(words):
            # Past the rest of this test: three instructions a word, and the return.
            skip = 3 * (len(words) - index - 1) + 1
            yield (_WORD, 0, 0, place + 4 * index)
            yield (_AND, 0, 0, mask)
            yield (_JUMP, 0, skip, value)
        yield (_RETURN, 0, 0, _HEADERS)


def _words(network: Network) -> list[tuple[int, int]]:
    """The prefix in words of 32 bits, each with its mask."""
    form = f"!{network.max_prefixlen // 32}I"
    values = struct.unpack(form, network.network_address.packed)
    masks = struct.unpack(form, network.netmask.packed)
    return [(value, mask) for value, mask in zip(values, masks, strict=True) if mask]
