"""Checks the journal's entries over a real socket, and that nothing about it stops the pokes."""

import contextlib
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.edge import journal
from tests.lab import JournalSocket

LOG = logging.getLogger("pokepodsd")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def listening(path: Path) -> Iterator[JournalSocket]:
    """The journal, and our handler on it."""
    with JournalSocket(path) as standing, attached(journal.JournalHandler(path)):
        yield standing


@contextlib.contextmanager
def attached(handler: logging.Handler) -> Iterator[logging.Handler]:
    """Make the handler the one that pokepodsd's log goes to."""
    LOG.addHandler(handler)
    LOG.propagate = False
    journal.set_level("debug")
    try:
        yield handler
    finally:
        LOG.removeHandler(handler)
        LOG.propagate = True
        LOG.setLevel(logging.NOTSET)


def entry(text: str, level: Level = Level.INFO, **fields: str) -> Entry:
    return Entry(kind=EventKind.TARGET_DOWN, level=level, text=text, fields=fields)


def test_entry_has_its_fields(listening: JournalSocket) -> None:
    """Message, priority, identifier, the kind's MESSAGE_ID and our own fields, and no others."""
    journal.write(entry("shop/web is down", Level.NOTICE, POD="web", NAMESPACE="shop", RTT=""))
    assert listening.entries == [
        {
            "MESSAGE": "shop/web is down",
            "PRIORITY": "5",
            "SYSLOG_IDENTIFIER": "pokepodsd",
            "MESSAGE_ID": EventKind.TARGET_DOWN.value,
            "POKEPODSD_POD": "web",
            "POKEPODSD_NAMESPACE": "shop",
            "POKEPODSD_RTT": "",
        }
    ]


@pytest.mark.parametrize("level", list(Level))
def test_priority_is_syslogs(listening: JournalSocket, level: Level) -> None:
    """Each level arrives with the number that RFC 5424 gives it."""
    journal.write(entry("x", level))
    assert [one["PRIORITY"] for one in listening.entries] == [str(level.value)]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("error", {"ERROR"}),
        ("warning", {"ERROR", "WARNING"}),
        ("notice", {"ERROR", "WARNING", "NOTICE"}),
        ("info", {"ERROR", "WARNING", "NOTICE", "INFO"}),
    ],
)
def test_level_is_the_least_severe_written(
    listening: JournalSocket, name: str, kept: set[str]
) -> None:
    """What is below ``log.level`` is not written."""
    journal.set_level(name)
    for level in Level:
        journal.write(entry(level.name, level))
    assert {one["MESSAGE"] for one in listening.entries} == kept


def test_hostile_text_is_escaped(listening: JournalSocket) -> None:
    """No name can forge a line or a field, move the cursor or reorder the text."""
    hostile = "a\nPRIORITY=0\r\x1b[2J\x00\x7f\x9b\u2028\u202e\u2066é"
    harmless = "a\\nPRIORITY=0\\r\\x1b[2J\\x00\\x7f\\x9b\\u2028\\u202e\\u2066é"
    journal.write(entry(hostile, POD=hostile))
    (one,) = listening.entries
    assert (one["MESSAGE"], one["POKEPODSD_POD"], one["PRIORITY"]) == (harmless, harmless, "6")


def test_text_that_is_no_unicode_is_written(listening: JournalSocket) -> None:
    """JSON can carry half of a surrogate pair: it ends neither the entry nor the daemon."""
    journal.write(entry("pod \ud800 is down", POD="\ud800"))
    (one,) = listening.entries
    assert one["MESSAGE"].startswith("pod ")
    assert one["MESSAGE"].endswith(" is down")


def test_other_modules_records_are_written(listening: JournalSocket) -> None:
    """A record that is no entry of ours has no MESSAGE_ID, and is escaped just so."""
    logging.getLogger("pokepodsd.edge").warning("cannot tell %s", "a\nb")
    (one,) = listening.entries
    assert (one["MESSAGE"], one["PRIORITY"], "MESSAGE_ID" in one) == (
        "cannot tell a\\nb",
        "4",
        False,
    )


def test_large_message_arrives_whole(listening: JournalSocket) -> None:
    """What no datagram holds goes as a sealed memory file."""
    text = "x" * 3_000_000
    journal.write(entry(text))
    assert [one["MESSAGE"] for one in listening.entries] == [text]


def test_what_a_full_queue_does_not_take_waits_for_the_next_flush(path: Path) -> None:
    """A journal that reads nothing is never waited for, and later gets all of it, in order."""
    count = int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text()) + 20
    with deaf_journal(path) as deaf, attached(journal.JournalHandler(path)) as handler:
        for number in range(count):
            journal.write(entry(str(number)))
        taken = drain(deaf)
        assert 0 < len(taken) < count
        while len(taken) < count:
            handler.flush()
            more = drain(deaf)
            assert more
            taken += more
    assert [message(one) for one in taken] == [str(number) for number in range(count)]


def test_what_is_beyond_the_bound_is_counted(path: Path) -> None:
    """What nobody takes does not fill the memory: the first are kept, and then how many are not."""
    with attached(journal.JournalHandler(path)) as handler:
        for number in range(1_003):
            journal.write(entry(str(number)))
        with deaf_journal(path) as deaf:
            taken: list[bytes] = []
            while len(taken) < 1_001:
                handler.flush()
                more = drain(deaf)
                assert more
                taken += more
            journal.write(entry("again"))
            (again,) = drain(deaf)
    assert message(taken[999]) == "999"
    assert message(taken[1_000]) == "3 entries were lost: the journal did not take them"
    assert f"MESSAGE_ID={EventKind.ENTRIES_LOST.value}\n".encode() in taken[1_000]
    assert message(again) == "again"


@contextlib.contextmanager
def deaf_journal(path: Path) -> Iterator[socket.socket]:
    """A journal that takes as many entries as its queue holds."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(path))
        deaf.setblocking(False)
        yield deaf


def message(datagram: bytes) -> str:
    """The text of an entry."""
    return datagram.partition(b"\n")[0].removeprefix(b"MESSAGE=").decode()


@pytest.mark.parametrize("is_removed", [True, False])
def test_restarted_journal_is_found_again(path: Path, is_removed: bool) -> None:
    """What is written while journald restarts comes with the next entry, and nothing is lost."""
    with JournalSocket(path) as first, attached(journal.JournalHandler(path)):
        journal.write(entry("before"))
        assert [one["MESSAGE"] for one in first.entries] == ["before"]
        first.close()
        if not is_removed:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
                dead.bind(str(path))
        for number in range(3):
            journal.write(entry(f"meanwhile {number}"))
        path.unlink(missing_ok=True)
        with JournalSocket(path) as second:
            journal.write(entry("after"))
            texts = [one["MESSAGE"] for one in second.entries]
    assert texts == ["meanwhile 0", "meanwhile 1", "meanwhile 2", "after"]


def test_terminal_gets_plain_escaped_text() -> None:
    """Where stderr is not the journal's, a line has the time, the level and the text."""
    program = """
import os
from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.edge import journal
journal.install(os.environ)
journal.set_level("info")
for level in (Level.NOTICE, Level.DEBUG):
    journal.write(Entry(kind=EventKind.STARTED, level=level, text="up\\n\\x1b[2J"))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"JOURNAL_STREAM": "1:2"},
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = done.stderr.splitlines()
    time, _, text = line.partition(" ")
    assert (len(time), text) == (len("12:34:56.789"), "notice: up\\n\\x1b[2J")


def drain(endpoint: socket.socket) -> list[bytes]:
    taken = []
    while True:
        try:
            taken.append(endpoint.recv(65_536))
        except BlockingIOError:
            return taken
