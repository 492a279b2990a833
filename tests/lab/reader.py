"""Owns the thread that empties a socket into a mailbox. Knows nothing of what arrives."""

import os
import select
import socket
import threading
from collections.abc import Callable


class SocketReader:
    """Calls `receive_one` whenever the socket holds something, in its own thread.

    `receive_one` must not block: it raises BlockingIOError when the socket is empty. With a lull
    it looks only so often, and a packet's way through the kernel wakes nobody.
    """

    def __init__(
        self,
        endpoint: socket.socket,
        receive_one: Callable[[], None],
        report: Callable[[Exception], None],
        *,
        lull_seconds: float | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._receive_one = receive_one
        self._report = report
        self._lull_seconds = lull_seconds
        self._reading = threading.Lock()
        self._stop = os.eventfd(0)
        self._closed = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        endpoint.setblocking(False)
        self._thread.start()

    def drain(self) -> None:
        """Take in all that the kernel holds now, so that a read after this misses nothing."""
        with self._reading:
            if not self._closed:
                self._drain_locked()

    def close(self) -> None:
        if self._closed:
            return
        os.eventfd_write(self._stop, 1)
        self._thread.join()
        with self._reading:
            self._drain_locked()
            self._closed = True
            self._endpoint.close()
            os.close(self._stop)

    def _drain_locked(self) -> None:
        try:
            while True:
                self._receive_one()
        except BlockingIOError:
            return
        except Exception as error:  # noqa: BLE001 -- raised again in the thread that reads
            self._report(error)

    def _run(self) -> None:
        poller = select.poll()
        poller.register(self._stop, select.POLLIN)
        if self._lull_seconds is None:
            poller.register(self._endpoint, select.POLLIN)
        lull_ms = None if self._lull_seconds is None else self._lull_seconds * 1000
        while self._stop not in dict(poller.poll(lull_ms)):
            self.drain()
