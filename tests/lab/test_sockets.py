"""Checks the receiving sides of sd_notify and of the journal, with plain senders."""

import contextlib
import fcntl
import os
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import JournalSocket, LabError, LabTimeoutError, NotifySocket
from tests.lab.asking import memory_file


class TestNotifySocket:
    """Messages to the service manager are kept with their times and senders."""

    def test_messages_are_kept(self, tmp_path: Path) -> None:
        """READY, STATUS and each WATCHDOG beat can be waited for and counted."""
        with NotifySocket(tmp_path / "notify") as notify, sender(notify.path) as plain:
            start_ns = time.monotonic_ns()
            plain.send(b"READY=1\nSTATUS=up")
            plain.send(b"WATCHDOG=1")
            ready = notify.wait_for("READY=1")
            assert start_ns < ready.at_ns < time.monotonic_ns()
            assert (ready.pid, ready.lines) == (os.getpid(), ["READY=1", "STATUS=up"])
            plain.send(b"WATCHDOG=1\nSTATUS=still up")
            assert notify.values("STATUS") == ["up", "still up"]
            first, second = notify.beats()
            assert notify.wait_for("WATCHDOG=1", since_ns=first + 1).at_ns == second
            with pytest.raises(LabTimeoutError, match="STATUS=up"):
                notify.wait_for("STOPPING=1", 0.05)
        assert not notify.path.exists()

    def test_barrier_is_answered(self, tmp_path: Path) -> None:
        """A descriptor that comes along is closed, as sd_notify_barrier(3) waits for."""
        read_end, write_end = os.pipe()
        with NotifySocket(tmp_path / "notify") as notify, sender(notify.path) as plain:
            socket.send_fds(plain, [b"BARRIER=1"], [write_end])
            os.close(write_end)
            assert os.read(read_end, 1) == b""
            notify.wait_for("BARRIER=1")
        os.close(read_end)


class TestJournalSocket:
    """Entries in journald's native protocol are understood, and bad ones are refused."""

    def test_both_forms_of_fields_are_read(self, tmp_path: Path) -> None:
        """A value may stand on the line or follow with its size; newlines survive."""
        with JournalSocket(tmp_path / "journal") as journal, sender(journal.path) as plain:
            long = b"one\ntwo=2\n"
            plain.send(
                b"PRIORITY=6\nMESSAGE\n" + struct.pack("<Q", len(long)) + long + b"\nA=b=c\n"
            )
            plain.send(b"MESSAGE=x\n\nMESSAGE=y\n")
            entry = journal.wait_for(lambda entry: entry.get("PRIORITY") == "6")
            assert entry == {"PRIORITY": "6", "MESSAGE": "one\ntwo=2\n", "A": "b=c"}
            assert journal.entries[1:] == [{"MESSAGE": "x"}, {"MESSAGE": "y"}]

    def test_large_entry_comes_in_a_sealed_file(self, tmp_path: Path) -> None:
        """An entry too large for a datagram comes as a descriptor."""
        with JournalSocket(tmp_path / "journal") as journal, sender(journal.path) as plain:
            with memory_file(b"MESSAGE=" + b"x" * 2**21 + b"\n") as descriptor:
                fcntl.fcntl(
                    descriptor,
                    fcntl.F_ADD_SEALS,
                    fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE,
                )
                socket.send_fds(plain, [b""], [descriptor])
            assert [len(entry["MESSAGE"]) for entry in journal.entries] == [2**21]

    def test_file_without_seals_is_refused(self, tmp_path: Path) -> None:
        """What journald would not map is an error here."""
        with JournalSocket(tmp_path / "journal") as journal, sender(journal.path) as plain:
            with memory_file(b"MESSAGE=x\n") as descriptor:
                socket.send_fds(plain, [b""], [descriptor])
            with pytest.raises(LabError, match="sealed"):
                _ = journal.entries

    @pytest.mark.parametrize(
        "datagram",
        [
            b"MESSAGE=no end",
            b"message=x\n",
            b"_PID=1\n",
            b"A=1\nA=2\n",
            b"MESSAGE\n\1\0",
            b"MESSAGE\n" + struct.pack("<Q", 9) + b"short\n",
        ],
    )
    def test_malformed_entry_is_refused(self, tmp_path: Path, datagram: bytes) -> None:
        """What journald would drop or cut raises, for whoever waits or reads."""
        with JournalSocket(tmp_path / "journal") as journal, sender(journal.path) as plain:
            plain.send(datagram)
            with pytest.raises(LabError):
                journal.wait_for(lambda _: True)
            with pytest.raises(LabError):
                _ = journal.entries


@contextlib.contextmanager
def sender(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as plain:
        plain.connect(str(path))
        yield plain
