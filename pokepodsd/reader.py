"""The child process that reads the API, as the daemon runs it.

Owns the process: the pipe of records and errands, and the proof that it turns. It is a process of
its own, so that a page of pods that is parsed delays no poke, and so that whatever happens to it
can be answered by a new one. It holds the credentials and the heavy import.

The main thread asks the API server. A second one, the guard, says every few seconds that the
reader turns, notices replaced credentials and the end of the daemon, and ends the process if the
main thread overstays the time that it gave itself. It also takes the daemon's lookups, which a
third thread does: one Node object each, so few a second that they cost the API server nothing. Its
reports are a fourth thread's, so that no lookup waits for one.
"""

import contextlib
import gc
import logging
import os
import queue
import random
import select
import signal
import socket
import threading
import time
import warnings

from pokepodsd.asker import Asker, Orders
from pokepodsd.core.backoff import Backoff
from pokepodsd.core.errands import LONGEST_ERRAND, Lookup, decode_errand
from pokepodsd.core.lines import LineBuffer
from pokepodsd.core.model import NodeName
from pokepodsd.core.protocol import Pause
from pokepodsd.core.recordlines import encode
from pokepodsd.core.records import Lost, Record
from pokepodsd.edge.child import end_descendants
from pokepodsd.errors import CredentialsError, GarbledError
from pokepodsd.reporter import Reporter

# The daemon replaces a reader that said nothing for three times as long, see `keeper`.
ALIVE_EVERY = 5.0
_STUCK_STATUS = 70  # EX_SOFTWARE of sysexits.h
# On top of what a step may take by its own timeouts: name resolution, an exec plugin, a full pipe.
_SLACK = 60.0
_CHUNK = 4096
# Ten lookups a second, and what may wait is done in ten seconds: after that no alarm waits for it.
_MOST_WAITING = 100
_LOOKUP_GAP = 0.1
_LOOKUP_STALE = 10.0


def run(channel: socket.socket, orders: Orders) -> None:
    """Read until the daemon at the other end of the channel is gone; never returns."""
    # The kubernetes package logs what an exec plugin said, which may be a secret.
    logging.getLogger().handlers[:] = [logging.NullHandler()]
    # Nor is what packages warn of an entry: of a wrong clock the server's refusal tells (urllib3).
    warnings.simplefilter("ignore")
    # systemd tells every process of a unit to stop (systemd.kill(5), KillMode=). The daemon ends
    # this one, when its last report is written. A handler, so that no exec plugin inherits it.
    signal.signal(signal.SIGTERM, lambda *_: None)
    Reader(channel, orders).run()


class Reader:
    """The main thread, its guard, and the thread of lookups."""

    def __init__(self, channel: socket.socket, orders: Orders) -> None:
        self._channel = channel
        self._writing = threading.Lock()
        self._deadline = time.monotonic() + _SLACK
        self._lines = LineBuffer(longest=LONGEST_ERRAND)
        self._wanted: queue.Queue[tuple[NodeName, float]] = queue.Queue(_MOST_WAITING)
        self._asker = Asker(orders, allow=self._allow)
        self._delays, delays = (
            Backoff(
                first=orders.timings.first_delay,
                longest=orders.timings.longest_delay,
                roll=random.random,
            )
            for _ in range(2)
        )
        self._has_spared = False
        self._reporter = Reporter(self._asker.report, self._say, delays)

    def run(self) -> None:
        """Never returns."""
        # At nothing yet: whoever adds up what readers received sees that this is another one.
        self._say(self._asker.alive())
        threading.Thread(target=self._guard, name="guard", daemon=True).start()
        threading.Thread(target=self._look_up, name="nodes", daemon=True).start()
        threading.Thread(target=self._reporter.run, name="reports", daemon=True).start()
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
            # What the imports left is never garbage. Looking at it again and again is a quarter of
            # what a list costs. Once: what a client leaves that was renewed is garbage.
            if not self._has_spared:
                gc.collect()
                gc.freeze()
                self._has_spared = True
        except CredentialsError as error:
            self._write(Lost(reason=str(error)))
            self._asker.wait(self._delays.next())

    def _allow(self, seconds: float) -> None:
        """Give the next step so much time before the guard ends the process."""
        self._deadline = time.monotonic() + seconds + _SLACK

    def _write(self, record: Record) -> None:
        with self._writing:
            self._channel.sendall(encode(record))

    def _say(self, record: Record) -> None:
        """From another thread than the main one: its end is not the process's."""
        # OSError: the daemon is gone, and the guard ends the process.
        with contextlib.suppress(OSError):
            self._write(record)

    def _guard(self) -> None:
        try:
            while self._listen(ALIVE_EVERY):
                self._write(self._asker.alive())
                if time.monotonic() > self._deadline:
                    _exit(_STUCK_STATUS)
                self._asker.renew_if_changed()
        finally:
            # The daemon is gone.
            _exit(0)

    def _listen(self, seconds: float) -> bool:
        """Take what the daemon says for so long, however much that is; False at its end."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if not select.select([self._channel], [], [], left)[0]:
                continue
            if not (said := self._channel.recv(_CHUNK)):
                return False
            self._take(said)
        return True

    def _take(self, said: bytes) -> None:
        """Put errands into their queues; what is none, or too many, is nothing."""
        try:
            for line in self._lines.feed(said):
                with contextlib.suppress(GarbledError, queue.Full):
                    errand = decode_errand(line)
                    if isinstance(errand, Lookup):
                        self._wanted.put_nowait((errand.node, time.monotonic()))
                    else:
                        self._reporter.put(errand)
        except GarbledError:
            self._lines = LineBuffer(longest=LONGEST_ERRAND)

    def _look_up(self) -> None:
        while True:
            node, ordered = self._wanted.get()
            if time.monotonic() - ordered > _LOOKUP_STALE:
                continue
            record = self._asker.look_up(node)
            if record is not None:
                self._say(record)
            time.sleep(_LOOKUP_GAP)


def _exit(status: int) -> None:
    """End at once, and an exec plugin with this process."""
    end_descendants(os.getpid())
    os._exit(status)
