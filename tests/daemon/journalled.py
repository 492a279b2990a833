"""A daemon that finds a journal as systemd's services do, and what it wrote there."""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from pokepodsd.core.entries import EventKind, Level
from tests.cluster import Cluster, Tables
from tests.lab import JournalSocket, Node, NotifySocket, Process, TunnelFilter

Entry = dict[str, str]

# A /run of its own, with the test's socket where journald's is; stderr is what JOURNAL_STREAM says.
WRAPPER = """
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal &&
mount --bind "$0" /run/systemd/journal &&
export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) && exec "$@"
"""


class JournalledDaemon:
    """One running pokepodsd whose entries are read as journald would."""

    def __init__(self, process: Process, notify: NotifySocket, journal: JournalSocket) -> None:
        self.process = process
        self._notify = notify
        self._journal = journal
        self._first = 0

    def wait_status(self, pattern: str, timeout_seconds: float = 30.0) -> None:
        """Wait until the status line that is shown begins with the pattern."""
        shown = [one.at_ns for one in self._notify.messages if "STATUS=" in one.text]
        beginning = f"(?<=STATUS=){pattern}"
        self._notify.wait_for_status(beginning, timeout_seconds, since_ns=max(shown, default=0))

    def settle(self, status: str, timeout_seconds: float = 30.0) -> None:
        """Wait for this status line; what was told before it is no part of the scene."""
        self.wait_status(status, timeout_seconds)
        self._first = len(self._journal.entries)

    def told(self) -> list[Entry]:
        """What was told since it had settled."""
        return self._journal.entries[self._first :]

    def told_before(self) -> list[Entry]:
        """What was told until it had settled."""
        return self._journal.entries[: self._first]

    def wait_entry(self, kind: EventKind, timeout_seconds: float = 40.0) -> Entry:
        """The first entry of this kind since it had settled, past or to come."""
        numbers = count()
        return self._journal.wait_for(
            lambda entry: next(numbers) >= self._first and entry["MESSAGE_ID"] == kind.value,
            timeout_seconds,
        )

    def wait_message(self, text: str, timeout_seconds: float = 20.0) -> None:
        """Wait for an entry that says exactly this."""
        self._journal.wait_for(lambda entry: entry["MESSAGE"] == text, timeout_seconds)

    def wait_told(self, kind: EventKind, times: int, timeout_seconds: float = 40.0) -> None:
        """Wait until an entry of this kind was told so often since it had settled."""
        deadline = time.monotonic() + timeout_seconds
        while kinds(self.told()).count(kind.name) < times:
            assert time.monotonic() < deadline, kinds(self.told())
            time.sleep(0.02)

    def beats(self) -> list[int]:
        """When the watchdog was fed, by the monotonic clock."""
        return self._notify.beats()

    def finish(self) -> list[Entry]:
        """Stop it, so that it tells what it holds back, and return all of the scene's entries."""
        self.process.terminate()
        assert self.process.wait() == 0
        assert self.process.lines() == []
        *scene, last = self.told()
        assert last["MESSAGE_ID"] == EventKind.STOPPED.value
        for entry in scene:
            print(f"  {Level(int(entry['PRIORITY'])).name.lower()}: {entry['MESSAGE']}")
            print(f"    {fields(entry)}")
        return scene


@contextmanager
def daemon_under_a_journal(
    cluster: Cluster,
    here: Node,
    tables: Tables | None = None,
    *,
    watchdog_seconds: float = 30.0,
    prefix: Sequence[str] = (),
) -> Iterator[JournalledDaemon]:
    """Run pokepodsd on a node, as the unit does, with a journal that takes its entries.

    ``prefix`` is a program that runs it, such as setpriv.
    """
    config = cluster.write_config(here, tables)
    folder = Path(tempfile.mkdtemp(dir=cluster.folder))
    (folder / "journal").mkdir()
    command = here.command("unshare", "--mount", "sh", "-c", WRAPPER, str(folder / "journal"))
    program = [*prefix, sys.executable, "-m", "pokepodsd", "--config", str(config), "run"]
    runtime = cluster.runtime_folder(here)
    runtime.mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "RUNTIME_DIRECTORY": str(runtime),
        "NOTIFY_SOCKET": str(folder / "notify"),
        "WATCHDOG_USEC": str(round(watchdog_seconds * 1_000_000)),
    }
    with (
        JournalSocket(folder / "journal" / "socket") as journal,
        NotifySocket(folder / "notify") as notify,
        Process([*command, *program], env=environment) as process,
    ):
        yield JournalledDaemon(process, notify, journal)


def kinds(entries: list[Entry]) -> list[str]:
    """What kinds of entries these are, in order, by name."""
    return [EventKind(entry["MESSAGE_ID"]).name for entry in entries]


def fields(entry: Entry) -> dict[str, str]:
    """What pokepodsd says in fields of its own, without their prefix."""
    prefix = "POKEPODSD_"
    return {
        name.removeprefix(prefix): value for name, value in entry.items() if name.startswith(prefix)
    }


@contextmanager
def filtered(node: Node) -> Iterator[None]:
    """For the time of the block the node takes nothing from a tunnel, and then all."""
    node.tunnel.set_filter(TunnelFilter.CLOSED)
    try:
        yield
    finally:
        node.tunnel.set_filter(TunnelFilter.OPEN)


@contextmanager
def during(make: Callable[..., None], undo: Callable[..., None], *arguments: Any) -> Iterator[None]:
    """A fault for the time of the block; it is undone whatever the block finds."""
    make(*arguments)
    try:
        yield
    finally:
        undo(*arguments)
