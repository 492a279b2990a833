"""Wires the edges to the engine; owns the loop, the signals, the order of start and stop.

One thread, one loop. A turn waits for what is due, takes what has arrived, sends, and tells. It
beats the watchdog, and only while the engine makes progress.
"""

import random
import secrets
import selectors
import signal
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from pokepodsd import __version__, exchange, exports
from pokepodsd.core.config import Config, MetricsConfig, duration_text
from pokepodsd.core.engine import Engine
from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.model import SECOND_NS, MonotonicNs
from pokepodsd.core.records import ListEnded
from pokepodsd.edge import journal
from pokepodsd.edge.clock import monotonic_ns
from pokepodsd.edge.hostaddresses import own_addresses
from pokepodsd.edge.icmp import IcmpSocket
from pokepodsd.edge.notify import ServiceManager
from pokepodsd.errors import ConfigError
from pokepodsd.holds import Holds, runtime_directory
from pokepodsd.keeper import Keeper, Process
from pokepodsd.kernelwatch import KernelWatch, addresses_changed
from pokepodsd.saver import Saver

_STATUS_EVERY_NS = SECOND_NS
# Without anything else to do, the loop wakes so often.
_IDLE_NS = 5 * SECOND_NS
_ADDRESSES_EVERY_NS = 60 * SECOND_NS


class Daemon:
    """The running daemon; `run` returns after SIGTERM or SIGINT."""

    def __init__(
        self,
        config: Config,
        *,
        load: Callable[[], Config],
        sockets: Sequence[IcmpSocket],
        manager: ServiceManager,
        start_reader: Callable[[Config], Process],
        start_exporter: Callable[[MetricsConfig], exports.Process],
        state_directory: Path,
    ) -> None:
        self._config = config
        self._load = load
        self._sockets = {one.channel.family: one for one in sockets}
        self._manager = manager
        now = monotonic_ns()
        channels = [one.channel for one in sockets]
        self._engine = Engine(config, channels, cookie=secrets.randbits(64), now=now)
        self._saver = Saver(state_directory, lambda: self._engine.targets)
        self._kernel = KernelWatch()
        self._holds = Holds(self._engine.find_peers, self._engine.hold_peers)
        self._keeper = Keeper(lambda: start_reader(self._config), roll=random.random)
        self._exports = exports.Exports(start_exporter, self._answer_exporter, roll=random.random)
        self._selector = selectors.DefaultSelector()
        self._listened: dict[int, object] = {}
        self._is_stopping = False
        self._is_reload_wanted = False
        self._next_beat = self._next_status = self._next_addresses = now
        self._shown_status = ""
        self._is_stuck_told = False

    def run(self) -> None:
        """Poke until told to stop."""
        self._catch_signals()
        self._start()
        self._turn()
        self._manager.ready(self._status())
        while not self._is_stopping:
            self._turn()
            if self._is_reload_wanted:
                self._is_reload_wanted = False
                self._reload()
        self._stop()

    def _start(self) -> None:
        now = monotonic_ns()
        self._refresh_addresses(now)
        self._kernel.start(now)
        for event in self._kernel.read_first(now):
            self._engine.take_kernel(event, now)
        self._kernel.check_timeout(self._config.tunnels.interval_ns)
        saved = self._saver.read()
        self._engine.restore(saved, now)
        kinds = ", ".join(
            f"IPv{family.value} {'raw' if one.is_raw else 'datagram'}"
            for family, one in self._sockets.items()
        )
        poke = self._config.poke
        text = (
            f"pokepodsd {__version__} pokes tunnels every "
            f"{duration_text(self._config.tunnels.interval_ns)} and pods every "
            f"{duration_text(poke.interval_ns)}, at most {poke.max_rate} packets a second; "
            f"ICMP sockets: {kinds}; "
            f"{len(saved)} targets known from before"
        )
        journal.write(Entry(kind=EventKind.STARTED, level=Level.INFO, text=text))
        self._holds.start(runtime_directory())
        self._keeper.start(now)
        self._exports.start(self._config.metrics, now)

    def _stop(self) -> None:
        self._manager.stopping()
        self._keeper.stop()
        self._exports.stop()
        self._kernel.stop()
        self._holds.stop()
        self._saver.finish(self._engine.revision)
        snapshot = self._engine.snapshot()
        self._engine.finish(monotonic_ns())
        self._tell()
        text = f"stopped, after {snapshot.sent} pokes and {snapshot.received} replies"
        journal.write(Entry(kind=EventKind.STOPPED, level=Level.INFO, text=text))
        for one in self._sockets.values():
            one.close()
        self._selector.close()

    def _turn(self) -> None:
        self._wait()
        now = monotonic_ns()
        exchange.receive(self._engine, self._sockets, now)
        self._read_reader(now)
        self._read_kernel(now)
        self._holds.turn(now)
        self._exports.turn(now)
        self._engine.tick(now)
        for inspection in self._engine.take_inspections():
            self._engine.inspected(inspection, self._kernel.inspect(inspection))
        for node in self._engine.take_lookups():
            self._keeper.look_up(node)
        exchange.send(self._engine, self._sockets, now)
        self._saver.tick(self._engine.revision, now)
        self._tell()
        self._keep_house(now)

    def _wait(self) -> None:
        """Sleep until something is due, or the reader or a signal wakes us.

        The ICMP sockets are not waited for: the kernel stamps what arrives, and it is read at
        the next tick, which costs a fraction of a wake-up for every reply.
        """
        times = [self._engine.next_wake(), MonotonicNs(monotonic_ns() + _IDLE_NS)]
        others = (
            self._keeper.next_due(),
            self._kernel.next_due(),
            self._holds.next_due(),
            self._exports.next_due(),
            self._saver.next_due(self._engine.revision),
        )
        times += [time for time in others if time is not None]
        if self._manager.beat_every_ns:
            times.append(self._next_beat)
        self._listen()
        timeout = max(0.0, (min(times) - monotonic_ns()) / SECOND_NS)
        for key, _ in self._selector.select(timeout):
            if key.data is not None:
                key.data.recv(4096)

    def _listen(self) -> None:
        """Be woken by the reader's pipe and the kernel's routes, as they are now.

        They are told apart by themselves: the number of one that was closed is used again.
        """
        wanted = {
            one.fileno(): one
            for one in (
                self._keeper.process,
                self._kernel.socket,
                *self._holds.sockets(),
                *self._exports.sockets(),
            )
            if one is not None
        }
        for number, one in list(self._listened.items()):
            if wanted.get(number) is not one:
                self._selector.unregister(number)
                del self._listened[number]
        for number in wanted.keys() - self._listened.keys():
            self._selector.register(number, selectors.EVENT_READ, None)
            self._listened[number] = wanted[number]

    def _read_kernel(self, now: MonotonicNs) -> None:
        events = self._kernel.read(now)
        if addresses_changed(events):
            self._refresh_addresses(now)
        for event in events:
            self._engine.take_kernel(event, now)
        if self._kernel.has_slept():
            self._engine.woke_up()

    def _read_reader(self, now: MonotonicNs) -> None:
        records = [*self._keeper.read(now), *self._keeper.tick(now)]
        for record in records:
            if isinstance(record, ListEnded):
                self._refresh_addresses(now)
            self._engine.take(record, now)

    def _tell(self) -> None:
        for source in (self._keeper, self._saver, self._kernel, self._holds, self._exports):
            for entry in source.entries:
                journal.write(entry)
            source.entries.clear()
        for entry in self._engine.take_entries():
            journal.write(entry)

    def _keep_house(self, now: MonotonicNs) -> None:
        if now >= self._next_addresses:
            self._refresh_addresses(now)
        if now >= self._next_status:
            self._next_status = MonotonicNs(now + _STATUS_EVERY_NS)
            shown = self._shown_status
            if (status := self._status()) != shown:
                self._manager.status(status)
        if self._manager.beat_every_ns and now >= self._next_beat:
            self._next_beat = MonotonicNs(now + self._manager.beat_every_ns)
            self._beat(now)

    def _beat(self, now: MonotonicNs) -> None:
        reason = self._engine.reason_stuck(now)
        if reason is None:
            self._manager.beat()
            self._is_stuck_told = False
        elif not self._is_stuck_told:
            self._is_stuck_told = True
            text = f"no progress: {reason}; the watchdog is not fed"
            journal.write(Entry(kind=EventKind.LOOP_STUCK, level=Level.ERROR, text=text))

    def _refresh_addresses(self, now: MonotonicNs) -> None:
        self._next_addresses = MonotonicNs(now + _ADDRESSES_EVERY_NS)
        self._engine.set_own_addresses(own_addresses(), now)

    def _reload(self) -> None:
        now = monotonic_ns()
        self._manager.reloading(now)
        try:
            config = self._load()
        except ConfigError as error:
            lines = "; ".join(str(error).splitlines())
            text = f"the configuration is not reloaded, the running one stays in force: {lines}"
            entry = Entry(kind=EventKind.CONFIG_REFUSED, level=Level.ERROR, text=text)
        else:
            text = "the configuration is reloaded" + self._apply(config, now)
            entry = Entry(kind=EventKind.CONFIG_RELOADED, level=Level.INFO, text=text)
        journal.write(entry)
        self._manager.ready(self._status())

    def _status(self) -> str:
        """The status line, which is from now on the one that is shown."""
        self._shown_status = str(self._engine.snapshot())
        return self._shown_status

    def _apply(self, config: Config, now: MonotonicNs) -> str:
        before, self._config = self._config, config
        journal.set_level(config.log.level)
        self._engine.reconfigure(config)
        if config.tunnels != before.tunnels:
            self._kernel.check_timeout(config.tunnels.interval_ns)
        if config.kubernetes != before.kubernetes:
            # What the old rule of selection left out is not known here: the pods are read anew.
            self._keeper.start(now)
        if config.metrics != before.metrics:
            self._exports.start(config.metrics, now)
        later = {
            "poke.socket": config.poke.socket != before.poke.socket,
            "state.directory": config.state != before.state,
        }
        changed = [key for key, is_changed in later.items() if is_changed]
        return f"; at the next start: {', '.join(changed)}" if changed else ""

    def _answer_exporter(self, request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        yield {"error": f"nothing is known of {', '.join(request)}"}

    def _catch_signals(self) -> None:
        """Note signals, and wake the loop for them."""
        receiver, sender = socket.socketpair()
        receiver.setblocking(False)
        sender.setblocking(False)
        self._selector.register(receiver, selectors.EVENT_READ, receiver)
        self._wakeup = sender
        signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._note_signal)

    def _note_signal(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._is_reload_wanted = True
        else:
            self._is_stopping = True
