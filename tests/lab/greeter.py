"""Owns answering TCP for all pods of a node, with one line. Listens to nothing that is said."""

import contextlib
import selectors
import socket


class Greeter:
    """Answers in the namespace in which this is made, at every address of it.

    The line names the address that was asked, and the node.
    """

    def __init__(self, node: str, port: int, selector: selectors.BaseSelector) -> None:
        self._node = node
        self._selector = selector
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(
            ("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1024
        )
        self._listener.setblocking(False)
        selector.register(self._listener, selectors.EVENT_READ, self._greet)

    def close(self) -> None:
        for endpoint in (self._listener, *self._open):
            self._selector.unregister(endpoint)
            endpoint.close()

    def _greet(self) -> None:
        with contextlib.suppress(OSError):
            guest, _ = self._listener.accept()
            guest.setblocking(False)
            self._open.add(guest)
            self._selector.register(guest, selectors.EVENT_READ, lambda: self._see_off(guest))
            address = guest.getsockname()[0].removeprefix("::ffff:")
            guest.send(f"{address} on {self._node}\n".encode())
            guest.shutdown(socket.SHUT_WR)

    def _see_off(self, guest: socket.socket) -> None:
        """Close once the guest has, because closing before loses the line to one that talks."""
        with contextlib.suppress(OSError):
            if guest.recv(4096):
                return
        self._selector.unregister(guest)
        self._open.discard(guest)
        guest.close()
