"""Owns a long-lived program under test: its output, its signals, its end.

Refuses to let it outlive the `with` block. It leads a process group of its own, and only that
group is ever signalled.
"""

import contextlib
import os
import re
import select
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, Self

from tests.lab.errors import LabError, LabTimeoutError
from tests.lab.mailbox import Mailbox

Stream = Literal["stdout", "stderr"]

# After the whole group is dead, only a program that fled the group can hold the pipes open.
PIPE_END_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of output, by the monotonic clock at its arrival."""

    at_ns: int
    stream: Stream
    text: str

    def __str__(self) -> str:
        return f"{self.stream}: {self.text}"


class Process:
    """A running program. Within one stream lines keep their order; between two, nearly."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        cwd: Path | None = None,
    ) -> None:
        self._mailbox: Mailbox[Line] = Mailbox(f"output of {' '.join(argv)}")
        self._popen = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            pass_fds=pass_fds,
            cwd=cwd,
            start_new_session=True,
        )
        self._ended = os.pidfd_open(self._popen.pid)
        assert self._popen.stdout is not None
        assert self._popen.stderr is not None
        self._readers = [
            self._read_in_background("stdout", self._popen.stdout),
            self._read_in_background("stderr", self._popen.stderr),
        ]
        self._closer = threading.Thread(target=self._close_mailbox, daemon=True)
        self._closer.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """The exit status once `wait` has returned it; minus the signal's number if killed."""
        return self._popen.returncode

    @property
    def is_running(self) -> bool:
        return self._popen.returncode is None and not self._has_ended(0)

    def lines(self, stream: Stream | None = None) -> list[str]:
        return [r.text for r in self._mailbox.snapshot() if stream in (None, r.stream)]

    def records(self) -> list[Line]:
        return self._mailbox.snapshot()

    def wait_for_line(
        self,
        pattern: str,
        timeout_seconds: float = 10.0,
        *,
        stream: Stream | None = None,
        since_ns: int = 0,
    ) -> re.Match[str]:
        """Return the first match in a line, past or to come; raise at once if output has ended."""

        def is_wanted(line: Line) -> bool:
            is_candidate = line.at_ns >= since_ns and stream in (None, line.stream)
            return is_candidate and re.search(pattern, line.text) is not None

        line = self._mailbox.wait_for(is_wanted, timeout_seconds)
        match = re.search(pattern, line.text)
        assert match is not None
        return match

    def signal(self, number: signal.Signals) -> None:
        signal.pidfd_send_signal(self._ended, number)

    def terminate(self) -> None:
        self.signal(signal.SIGTERM)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)

    def stop(self) -> None:
        """Return once every thread of the program stands still."""
        self.signal(signal.SIGSTOP)
        seen = os.waitid(os.P_PIDFD, self._ended, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        if seen is None or seen.si_code != os.CLD_STOPPED:
            raise LabError(f"{self.pid} ended instead of stopping")

    def cont(self) -> None:
        self.signal(signal.SIGCONT)

    def wait(self, timeout_seconds: float = 10.0) -> int:
        """Return the exit status. What the program left running in its group is killed."""
        if self._popen.returncode is None:
            if not self._has_ended(timeout_seconds):
                said = "\n  ".join(self.lines())
                raise LabTimeoutError(f"{self.pid} still runs after {timeout_seconds} s:\n  {said}")
            self._kill_group()
        status = self._popen.wait()
        self._closer.join(PIPE_END_SECONDS)
        if self._closer.is_alive():
            raise LabError(f"a program that {self._popen.args!r} started holds its output open")
        return status

    def close(self) -> None:
        """Kill whatever still runs of it. What it said can still be read."""
        if self._ended == -1:
            return
        if self._popen.returncode is None:
            self._kill_group()
        try:
            self.wait()
        finally:
            os.close(self._ended)
            self._ended = -1

    def _kill_group(self) -> None:
        # Called before the leader is reaped, so that its number cannot be another group's yet.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def _has_ended(self, timeout_seconds: float) -> bool:
        poller = select.poll()
        poller.register(self._ended, select.POLLIN)
        return bool(poller.poll(timeout_seconds * 1000))

    def _read_in_background(self, stream: Stream, pipe: IO[bytes]) -> threading.Thread:
        thread = threading.Thread(target=self._read, args=(stream, pipe), daemon=True)
        thread.start()
        return thread

    def _read(self, stream: Stream, pipe: IO[bytes]) -> None:
        with pipe:
            for raw in pipe:
                text = raw.decode(errors="replace").rstrip("\n")
                self._mailbox.put(Line(at_ns=time.monotonic_ns(), stream=stream, text=text))

    def _close_mailbox(self) -> None:
        for reader in self._readers:
            reader.join()
        self._mailbox.close()
