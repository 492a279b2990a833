"""The child process that reads the API, as the daemon runs it.

Owns the process: the pipe of records, and the proof that it turns. It is a process of its own, so
that a page of pods that is parsed delays no poke, and so that whatever happens to it can be
answered by a new one. It holds the credentials and the heavy import.

The main thread asks the API server. A second one, the guard, says every few seconds that the
reader turns, notices replaced credentials and the end of the daemon, and ends the process if the
main thread overstays the time that it gave itself.
"""

import logging
import os
import random
import select
import socket
import threading
import time

from pokepodsd.asker import Asker, Orders
from pokepodsd.core.backoff import Backoff
from pokepodsd.core.protocol import Pause
from pokepodsd.core.records import Alive, Lost, Record, encode
from pokepodsd.errors import CredentialsError

# The daemon replaces a reader that said nothing for five times as long, see `keeper`.
ALIVE_EVERY = 3.0
_STUCK_STATUS = 70  # EX_SOFTWARE of sysexits.h
# On top of what a step may take by its own timeouts: name resolution, an exec plugin, a full pipe.
_SLACK = 60.0


def run(channel: socket.socket, orders: Orders) -> None:
    """Read until the daemon at the other end of the channel is gone; never returns."""
    # The kubernetes package logs what an exec plugin said, which may be a secret.
    logging.getLogger().handlers[:] = [logging.NullHandler()]
    Reader(channel, orders).run()


class Reader:
    """The main thread and its guard."""

    def __init__(self, channel: socket.socket, orders: Orders) -> None:
        self._channel = channel
        self._writing = threading.Lock()
        self._deadline = time.monotonic() + _SLACK
        self._asker = Asker(orders, allow=self._allow)
        self._delays = Backoff(
            first=orders.timings.first_delay,
            longest=orders.timings.longest_delay,
            roll=random.random,
        )

    def run(self) -> None:
        """Never returns."""
        threading.Thread(target=self._guard, name="guard", daemon=True).start()
        while True:
            if not self._asker.is_connected:
                self._connect()
                continue
            step = self._asker.feed.next_step()
            if isinstance(step, Pause):
                self._asker.wait(step.seconds)
                continue
            for record in self._asker.ask(step):
                self._write(record)

    def _connect(self) -> None:
        self._allow(0)
        try:
            self._write(self._asker.connect())
            self._delays.reset()
        except CredentialsError as error:
            self._write(Lost(reason=str(error)))
            self._asker.wait(self._delays.next())

    def _allow(self, seconds: float) -> None:
        """Give the next step so much time before the guard ends the process."""
        self._deadline = time.monotonic() + seconds + _SLACK

    def _write(self, record: Record) -> None:
        with self._writing:
            self._channel.sendall(encode(record))

    def _guard(self) -> None:
        try:
            while not select.select([self._channel], [], [], ALIVE_EVERY)[0]:
                self._write(Alive())
                if time.monotonic() > self._deadline:
                    os._exit(_STUCK_STATUS)
                self._asker.renew_if_changed()
        finally:
            # The daemon never writes: what can be read is its end.
            os._exit(0)
