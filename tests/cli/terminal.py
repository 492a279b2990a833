"""Owns a program on a terminal of its own: what it writes there, keys, and its end."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from typing import Self

PATIENCE_SECONDS = 20.0
_SEQUENCE = re.compile(r"\x1b(\[[0-9;?]*[a-zA-Z]|[()][A-Z0-9]|[=>78])")


class Terminal:
    """A pseudo-terminal of a size, with a program that has it for all of its streams."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        columns: int = 80,
        rows: int = 50,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        unwanted = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM")
        inherited = {key: value for key, value in os.environ.items() if key not in unwanted}
        self._process = subprocess.Popen(
            # Ctrl-C reaches those whose terminal it is.
            ["setsid", "--ctty", *argv],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**inherited, "TERM": "xterm-256color", **(environment or {})},
        )
        os.close(slave)
        self.output = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._master)

    @property
    def text(self) -> str:
        """What was written, without colours and movements."""
        return _SEQUENCE.sub("", self.output).replace("\r\n", "\n")

    def wait_for(self, pattern: str, *, since: int = 0) -> int:
        """Return where in `output` there is an end to read on from, once it matches after `since`.

        Raises:
            AssertionError: it did not, in time.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not re.search(pattern, self.output[since:]):
            assert time.monotonic() < deadline, f"no {pattern!r} in {self.output[since:]!r}"
            assert self._read(), f"ended without {pattern!r}: {self.output[since:]!r}"
        return len(self.output)

    def press(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        """Read on until it has ended; its exit status."""
        while self._read():
            pass
        return self._process.wait(PATIENCE_SECONDS)

    def _read(self) -> bool:
        """Whether there may be more to come."""
        if not select.select([self._master], [], [], PATIENCE_SECONDS)[0]:
            raise AssertionError(f"silent after {self.output!r}")
        try:
            data = os.read(self._master, 65536)
        except OSError:
            # EIO: nobody has the other end open any more.
            return False
        self.output += data.decode()
        return bool(data)
