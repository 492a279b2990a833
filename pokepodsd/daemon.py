"""Wires the edges to the engine; owns the loop, the signals, the order of start and stop.

One thread, one loop. A turn waits for what is due, takes what has arrived, sends, and tells. It
beats the watchdog, and only while the engine makes progress.
"""

import contextlib
import random
from collections.abc import Callable, Sequence, Set
from pathlib import Path

from pokepodsd import __version__, exchange, exports
from pokepodsd.answering import Answering, Facts
from pokepodsd.core.config import Config, MetricsConfig
from pokepodsd.core.engine import Engine
from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.errands import Lookup
from pokepodsd.core.model import SECOND_NS, MonotonicNs
from pokepodsd.core.records import ListEnded
from pokepodsd.core.startnews import tell_start, tell_stop
from pokepodsd.core.summary import Summary
from pokepodsd.desk import Desk
from pokepodsd.edge import garbage, journal
from pokepodsd.edge.clock import monotonic_ns
from pokepodsd.edge.hostaddresses import own_addresses
from pokepodsd.edge.icmp import IcmpSocket
from pokepodsd.edge.notify import ServiceManager
from pokepodsd.edge.wakeup import Wakeup, is_wanted
from pokepodsd.errors import ConfigError
from pokepodsd.holds import Holds, runtime_directory
from pokepodsd.keeper import Keeper, Process
from pokepodsd.kernelwatch import KernelWatch, addresses_changed
from pokepodsd.reporting import Reporting
from pokepodsd.saver import FIRST_PART, Saver

_STATUS_EVERY_NS = SECOND_NS
# Without anything else to do, the loop wakes so often.
_IDLE_NS = 5 * SECOND_NS
_ADDRESSES_EVERY_NS = 60 * SECOND_NS
# A loop that is awake beats up to this share of the time early, and need not wake for it.
_EARLIER = 10


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
        self._engine = Engine(config, channels, draw=exchange.draw_cookie, now=now)
        self._saver = Saver(state_directory, lambda: self._engine.targets)
        self._kernel = KernelWatch()
        self._holds = Holds(self._engine.find_peers, self._engine.hold_peers)
        self._keeper = Keeper(lambda: start_reader(self._config), roll=random.random)
        report, outlook = config.kubernetes.report, self._engine.outlook
        self._reports = Reporting(report, self._keeper, outlook, roll=random.random, now=now)
        self._facts = Facts(
            node=lambda: self._engine.node, reader_starts=lambda: self._keeper.starts
        )
        self._answering = Answering(self._engine.stages, self._facts)
        self._desk = Desk(
            {
                "hold": self._holds.answer,
                "status": lambda _, request, at: self._answering.status(request, at),
                "metrics": lambda _connection, _request, at: self._answering.metrics(at),
            }
        )
        self._summary = Summary(config.log.summary_ns, now)
        self._wakeup = Wakeup()
        self._exports = exports.Exports(start_exporter, self._answering.answer, roll=random.random)
        self._next_beat = self._next_status = self._next_addresses = now
        self._shown_status = ""
        self._is_stuck_told = False

    def run(self) -> None:
        """Poke until told to stop."""
        self._wakeup.catch_signals()
        garbage.spare_survivors()
        self._start()
        self._turn()
        self._manager.ready(self._status())
        while not self._wakeup.is_stop_wanted:
            self._turn()
            if self._wakeup.is_reload_wanted:
                self._wakeup.is_reload_wanted = False
                self._reload()
        self._stop()

    def _start(self) -> None:
        now = monotonic_ns()
        self._refresh_addresses(now)
        self._kernel.start(now)
        for event in self._kernel.read_first(now):
            self._engine.take_kernel(event, now)
        self._kernel.check_timeout(self._config.tunnels.interval_ns)
        saved = self._saver.open()
        self._engine.restore(self._saver.read(FIRST_PART), now)
        kinds = {one: "raw" if it.is_raw else "datagram" for one, it in self._sockets.items()}
        journal.write(tell_start(__version__, self._config, kinds, saved))
        self._desk.start(runtime_directory())
        self._keeper.start(now)
        self._exports.start(self._config.metrics, now)

    def _stop(self) -> None:
        self._manager.stopping()
        self._reports.finish()
        self._keeper.stop()
        self._exports.stop()
        self._kernel.stop()
        self._desk.stop()
        self._saver.finish(self._engine.revision)
        snapshot = self._engine.snapshot()
        now = monotonic_ns()
        self._engine.finish(now)
        self._tell(now)
        journal.write(tell_stop(snapshot))
        for one in self._sockets.values():
            one.close()
        self._wakeup.close()

    def _turn(self) -> None:
        ready = self._wait()
        now = monotonic_ns()
        exchange.receive(self._engine, self._sockets, now)
        self._read_reader(ready, now)
        self._read_kernel(ready, now)
        if is_wanted(self._desk, ready, now):
            self._desk.turn(now)
        self._holds.turn(now)
        if is_wanted(self._exports, ready, now):
            self._exports.turn(now)
        self._engine.tick(now)
        for inspection in self._engine.take_inspections():
            self._engine.inspected(inspection, self._kernel.inspect(inspection))
        for node in self._engine.take_lookups():
            self._keeper.send(Lookup(node=node))
        exchange.send(self._engine, self._sockets, now)
        self._engine.restore(self._saver.read(), now)
        self._saver.tick(self._engine.revision, now, is_listing=self._engine.is_listing)
        self._tell(now)
        self._reports.turn(now)
        self._keep_house(now)

    def _wait(self) -> Set[object]:
        """Sleep until something is due, or the reader or a signal wakes us; who has something.

        The ICMP sockets are not waited for: the kernel stamps what arrives, and it is read at
        the next tick, which costs a fraction of a wake-up for every reply.
        """
        times = [self._engine.next_wake(), MonotonicNs(monotonic_ns() + _IDLE_NS)]
        others = (
            self._keeper.next_due(),
            self._kernel.next_due(),
            self._holds.next_due(),
            self._desk.next_due(),
            self._summary.next_due(),
            self._reports.next_due(),
            self._exports.next_due(),
            self._saver.next_due(self._engine.revision, is_listing=self._engine.is_listing),
        )
        times += [time for time in others if time is not None]
        if self._manager.beat_every_ns:
            times.append(self._next_beat)
        readers = (
            self._keeper.listened,
            self._kernel.socket,
            *self._desk.sockets(),
            *self._exports.sockets(),
        )
        self._wakeup.listen((one for one in readers if one is not None), self._desk.full())
        due = min(times)
        ready = self._wakeup.wait(max(0.0, (due - monotonic_ns()) / SECOND_NS))
        now = monotonic_ns()
        if now > due > 0:
            self._facts.lateness.note(now - due, now)
        return ready

    def _read_kernel(self, ready: Set[object], now: MonotonicNs) -> None:
        if self._kernel.socket in ready or now >= self._kernel.next_due():
            events = self._kernel.read(now)
            if addresses_changed(events):
                self._refresh_addresses(now)
            for event in events:
                self._engine.take_kernel(event, now)
        if self._kernel.has_slept():
            self._engine.woke_up()

    def _read_reader(self, ready: Set[object], now: MonotonicNs) -> None:
        for record in [*self._keeper.turn(ready, now)]:
            if isinstance(record, ListEnded):
                self._refresh_addresses(now)
            self._engine.take(record, now)
            self._reports.take(record, now)

    def _tell(self, now: MonotonicNs) -> None:
        entries = []
        doing = (self._keeper, self._saver, self._kernel, self._reports)
        serving = (self._desk, self._holds, self._exports)
        for source in (*doing, *serving):
            entries += source.entries
            source.entries.clear()
        told = self._engine.take_entries()
        self._reports.note(told, now)
        entries += told
        journal.flush()
        for entry in entries:
            journal.write(entry)
        if entries:
            self._summary.note_told(now)
        elif (summary := self._summary.tick(self._engine.stages, now)) is not None:
            journal.write(summary)

    def _keep_house(self, now: MonotonicNs) -> None:
        if now >= self._next_addresses:
            self._refresh_addresses(now)
        if now >= self._next_status:
            self._next_status = MonotonicNs(now + _STATUS_EVERY_NS)
            shown = self._shown_status
            if (status := self._status()) != shown:
                self._manager.status(status)
        beat_every_ns = self._manager.beat_every_ns
        if beat_every_ns and now >= self._next_beat - beat_every_ns // _EARLIER:
            self._next_beat = MonotonicNs(now + beat_every_ns)
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
        # OSError: no descriptor is left to ask with. Those of a minute ago are nearly as good.
        with contextlib.suppress(OSError):
            self._facts.addresses = own_addresses()
        self._engine.set_own_addresses(self._facts.addresses, now)

    def _reload(self) -> None:
        now = monotonic_ns()
        self._manager.reloading(now)
        try:
            config = self._load()
        except ConfigError as error:
            lines = "; ".join(error.lines)
            text = f"the configuration is not reloaded, the running one stays in force: {lines}"
            self._facts.reloads["refused"] += 1
            entry = Entry(kind=EventKind.CONFIG_REFUSED, level=Level.ERROR, text=text)
        else:
            self._facts.reloads["ok"] += 1
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
        self._summary.every_ns = config.log.summary_ns
        self._engine.reconfigure(config)
        if config.tunnels != before.tunnels:
            self._kernel.check_timeout(config.tunnels.interval_ns)
        if config.kubernetes != before.kubernetes:
            # What the old rule of selection left out is not known here: the pods are read anew.
            self._keeper.start(now)
        self._reports.reconfigure(config.kubernetes.report, now)
        if config.metrics != before.metrics:
            self._exports.start(config.metrics, now)
        later = {
            "poke.socket": config.poke.socket != before.poke.socket,
            "state.directory": config.state != before.state,
        }
        changed = [key for key, is_changed in later.items() if is_changed]
        return f"; at the next start: {', '.join(changed)}" if changed else ""
