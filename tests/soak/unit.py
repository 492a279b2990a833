"""One pokepodsd as a service: started again when it ends, ended when it gives no sign of life.

Owns what systemd would do with the unit (Restart=always, RestartSec=, WatchdogSec=), its notify
socket and its journal, of which nothing is kept here. Judges nothing.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from tests.cluster import Cluster
from tests.lab import Node
from tests.lab.journal import Entry, parse_entries
from tests.soak.truth import NEVER_NS, SECOND_NS, Spell, Truth

# As the unit has them.
RESTART_NS: Final = 2 * SECOND_NS
WATCHDOG_NS: Final = 30 * SECOND_NS
_LARGEST: Final = 2**20
# A /run of its own, with the soak's socket where journald's is, and a state folder that can be made
# read-only for this one alone; stderr is what JOURNAL_STREAM says.
_WRAPPER: Final = """
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal &&
mount --bind "$0" /run/systemd/journal && mount --bind "$1" "$1" && shift &&
export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) && exec "$@"
"""


class Unit:
    """The service on one node; `turn` is called often, by one thread alone."""

    def __init__(self, cluster: Cluster, node: Node, truth: Truth) -> None:
        self.node = node
        self.name = node.name
        self.status = ""
        self.starts = 0
        self.unexpected: list[str] = []
        """Ends that nobody brought about, to be told once."""
        self._truth = truth
        self._process: subprocess.Popen[bytes] | None = None
        self._is_end_expected = self._is_aborted = False
        self._start_ns = NEVER_NS
        self._beat_ns = 0
        self._is_ready = False
        self._folder = cluster.folder / f"unit-{node.name}"
        self._journal_folder = self._folder / "journal"
        self._journal_folder.mkdir(parents=True)
        self.state = cluster.folder / f"state-{node.name}"
        self.state.mkdir()
        self.runtime = cluster.runtime_folder(node)
        self.runtime.mkdir()
        self.config = cluster.folder / f"{node.name}.toml"
        self._said = (self._folder / "stderr").open("ab")
        self.notify = _bound(self._folder / "notify")
        self.notify.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.journal = _bound(self._journal_folder / "socket")

    @property
    def pid(self) -> int | None:
        """The daemon, while it is ready."""
        return self._process.pid if self._process is not None and self._is_ready else None

    def start(self) -> None:
        """Start it, and again whenever it ends."""
        self._open_absence("starting")
        self._start_ns = time.monotonic_ns()

    def end(self, fault: str) -> None:
        """SIGKILL: it is started again as systemd would."""
        self._open_absence(fault)
        self._kill(signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, number)

    def close(self) -> int | None:
        """Stop it for good; its exit status."""
        self._start_ns = NEVER_NS
        status = None
        if self._process is not None:
            self._is_end_expected = True
            with contextlib.suppress(subprocess.TimeoutExpired, ProcessLookupError):
                self.send(signal.SIGCONT)
                self.send(signal.SIGTERM)
                status = self._process.wait(10)
            self._kill(signal.SIGKILL)
            self._process.wait()
        for one in (self.notify, self.journal):
            one.close()
        self._said.close()
        return status

    def turn(self, take: Callable[[str, Entry], None], now_ns: int) -> None:
        """Read what it says, and do what a service manager does."""
        self.read(take, now_ns)
        if self._process is not None and self._process.poll() is not None:
            self._reap(now_ns)
        if self._process is None and now_ns >= self._start_ns:
            self._launch(now_ns)
        if self._is_ready and now_ns > self._beat_ns + WATCHDOG_NS:
            self._open_absence("watchdog")
            self._is_aborted = True
            self._kill(signal.SIGABRT)
            self._kill(signal.SIGKILL)

    def read(self, take: Callable[[str, Entry], None], now_ns: int) -> None:
        """Read what it says."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self._take_notification(self.notify.recv(_LARGEST), now_ns)
        with contextlib.suppress(BlockingIOError):
            while True:
                for entry in parse_entries(self.journal.recv(_LARGEST)):
                    take(self.name, entry)

    def said(self) -> str:
        """What it wrote past the journal, which is to be nothing."""
        return (self._folder / "stderr").read_text(errors="replace")

    def _launch(self, now_ns: int) -> None:
        environment = {
            **os.environ,
            "RUNTIME_DIRECTORY": str(self.runtime),
            "NOTIFY_SOCKET": str(self._folder / "notify"),
            "WATCHDOG_USEC": str(WATCHDOG_NS // 1000),
        }
        wrapper = ("unshare", "--mount", "sh", "-c", _WRAPPER)
        program = (sys.executable, "-m", "pokepodsd", "--config", str(self.config), "run")
        folders = (str(self._journal_folder), str(self.state))
        self._process = subprocess.Popen(
            self.node.command(*wrapper, *folders, *program),
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=self._said,
            env=environment,
            start_new_session=True,
        )
        self._is_end_expected = self._is_ready = False
        self._start_ns = NEVER_NS
        self._beat_ns = now_ns
        self.starts += 1

    def _reap(self, now_ns: int) -> None:
        assert self._process is not None
        if not self._is_end_expected:
            self.unexpected.append(f"it ended with {self._process.returncode}")
            self._open_absence("ended by itself")
        # What is left of its group, as systemd ends the whole control group.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        if self._is_aborted:
            # Where it stood, as Python says when the watchdog's SIGABRT comes.
            self._said.truncate(0)
            self._is_aborted = False
        self._process = None
        self._is_ready = False
        self._start_ns = now_ns + RESTART_NS

    def _kill(self, number: signal.Signals) -> None:
        self._is_end_expected = True
        self._is_ready = False
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _open_absence(self, fault: str) -> None:
        spells = self._truth.absent[self.name]
        spells.append(Spell(fault=fault, begin_ns=time.monotonic_ns()))

    def _take_notification(self, data: bytes, now_ns: int) -> None:
        for line in data.decode(errors="replace").splitlines():
            name, _, value = line.partition("=")
            match name:
                case "WATCHDOG":
                    self._beat_ns = now_ns
                case "STATUS":
                    self.status = value
                case "READY" if not self._is_ready:
                    self._is_ready = True
                    self._beat_ns = now_ns
                    for spell in self._truth.absent[self.name]:
                        spell.end_ns = min(spell.end_ns, now_ns)
                case _:
                    pass


def _bound(path: Path) -> socket.socket:
    endpoint = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    endpoint.setblocking(False)
    endpoint.bind(os.fspath(path))
    return endpoint


Tables = Mapping[str, Mapping[str, Any]]
