"""Checks that no message of the kernel's stops the others from being read."""

import subprocess

import pytest

from pokepodsd.core.kernel import DumpEnded, KernelEvent, LinkChanged
from pokepodsd.edge.netlink import RouteSocket
from tests.edge.kernelview import namespace
from tests.edge.support import wait_readable
from tests.fuzz.datagrams import datagrams
from tests.lab.namespace import inside

NAME = b"p\xff\x1b[2J"
# A link whose kind is cut off, a route with half a next hop, a forwarding entry whose MAC is none,
# the end of a dump without its result.
STRANGE = (
    "3c000000100002000000000000000000000000000600000001000100000000000b00030076786c616e370080"
    "900012000a00010076786c616e000000",
    "4800000018000200000000000000000002180000fe00000100000000080001000a090000240009009010000004"
    "000000080005000a0000011000000005000000080005000a000001",
    "300000001c000200000000000000000007000000040000008000000008000100c0a80a0d0a7802000200000000"
    "010000",
    "1000000003000200000000000000000000",
)


def test_a_device_may_have_a_name_that_is_no_text() -> None:
    """The kernel takes any bytes; what is no UTF-8 is told as Python writes it."""
    with namespace() as place:
        command = [b"ip", b"-n", place.name.encode(), b"link", b"add", NAME, b"type", b"bridge"]
        subprocess.run(command, check=True)
        with inside(place.name):
            socket = RouteSocket()
        socket.request_dump()
        events: list[KernelEvent] = []
        while not any(isinstance(event, DumpEnded) for event in events):
            wait_readable(socket)
            events += socket.read()
        socket.close()
    names = {event.link.name for event in events if isinstance(event, LinkChanged)}
    assert names == {"lo", "p\\xff\x1b[2J"}


def told(*parts: bytes) -> tuple[list[KernelEvent], str]:
    socket = RouteSocket()
    try:
        for part in parts:
            socket.take(part)
        return socket.read(0), socket.unreadable
    finally:
        socket.close()


@pytest.mark.parametrize("strange", STRANGE)
def test_a_message_that_cannot_be_read_is_left_out(strange: str) -> None:
    """What comes before and after it is told, and that something could not be read."""
    before, after = [one for one in datagrams() if len(one) < 100][:2]
    events, unreadable = told(before, bytes.fromhex(strange), after)
    assert unreadable != ""
    assert events == told(before, after)[0]
    assert len(events) == 2


def test_what_can_be_read_is_no_trouble() -> None:
    """Every message of the fixtures is, but for errors, which are the kernel's refusals."""
    for datagram in datagrams():
        if datagram[4:6] not in (b"\x02\0", b"\x03\0"):
            assert told(datagram)[1] == ""
