"""A relay of TCP connections that counts what passes: TLS included, headers of TCP and IP not.

Owns the connections and the counts. Looks at nothing.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_CHUNK = 256 * 1024


class Relay:
    """Listens on loopback; what it took from either side so far."""

    def __init__(self, server_port: int) -> None:
        self.from_server = 0
        self.from_client = 0
        self._target = ("127.0.0.1", server_port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        """End it, with all connections."""
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                self._open += [client, server]
                for pump in (self._pump_up, self._pump_down):
                    threading.Thread(target=pump, args=(client, server), daemon=True).start()

    def _pump_up(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(_CHUNK):
                self.from_client += len(data)
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _pump_down(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(_CHUNK):
                self.from_server += len(data)
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)


@contextmanager
def relay(server_port: int) -> Iterator[Relay]:
    """A relay to a server on loopback, for the block."""
    one = Relay(server_port)
    try:
        yield one
    finally:
        one.close()
