"""One child process with a socket to it.

Owns the fork, the socket's two ends, and the end of the child. Forks without an exec, so that the
pages of the interpreter and its modules are shared; what the child does is the caller's to say.
"""

import contextlib
import gc
import os
import signal
import socket
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

# About 300 pods: what is read at once is also decoded at once, between two ticks.
_CHUNK = 64 * 1024
_OOM_SCORE = Path("/proc/self/oom_score_adj")
# In thousandths of the memory that there is to have: half of the unit's MemoryMax.
_OOM_BEFORE = 500


class Child:
    """A running child."""

    def __init__(self, body: Callable[[socket.socket], None]) -> None:
        """Fork, and call ``body`` in the child with its end of the socket."""
        ours, theirs = socket.socketpair()
        # What there is now is not looked at by the collector any more, on either side: looking
        # writes to every object, and so would end the sharing of all pages (gc.freeze). What was
        # just made may be garbage, and is looked at before.
        gc.collect(1)
        gc.freeze()
        self.pid = os.fork()
        if self.pid == 0:
            _be_child(body, theirs)
        theirs.close()
        ours.setblocking(False)
        self._socket = ours

    def fileno(self) -> int:
        """This side's end of the socket, for a selector."""
        return self._socket.fileno()

    def read(self) -> bytes | None:
        """What the child wrote; None when there is nothing yet, empty when it is gone."""
        try:
            return self._socket.recv(_CHUNK)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def write(self, data: bytes) -> None:
        """Say something to the child without waiting; what it does not take now is lost."""
        # BlockingIOError: its buffer is full. Any other: it is gone, and `read` tells.
        with contextlib.suppress(OSError):
            self._socket.send(data)

    def offer(self, data: bytes) -> int:
        """Say something to the child; how many bytes of it it takes without waiting."""
        # As for `write`.
        with contextlib.suppress(OSError):
            return self._socket.send(data)
        return 0

    def kill(self) -> str:
        """End the child at once, with all that it started; wait for it, and say how it ended."""
        started = descendants(self.pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        _kill(started)
        self._socket.close()
        _, status = os.waitpid(self.pid, 0)
        if os.WIFSIGNALED(status):
            return f"killed by {signal.Signals(os.WTERMSIG(status)).name}"
        return f"exited with status {os.WEXITSTATUS(status)}"


def end_descendants(pid: int) -> None:
    """End all that a process started, but not itself."""
    _kill(descendants(pid))


def descendants(pid: int) -> list[int]:
    """A process's children, their children and so on (proc(5)); none where it has ended."""
    found: list[int] = []
    # The process or a thread of it may end meanwhile; and descriptors may be used up.
    with contextlib.suppress(OSError):
        for file in Path(f"/proc/{pid}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                for child in file.read_text().split():
                    found += [int(child), *descendants(int(child))]
    return found


def _kill(pids: Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _be_child(body: Callable[[socket.socket], None], theirs: socket.socket) -> None:
    """Never returns: a child must not come back into its parent's code."""
    status = 70  # EX_SOFTWARE of sysexits.h
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        # An interrupt from the terminal goes to both; the parent ends the child itself.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        keep = theirs.fileno()
        os.closerange(3, keep)
        os.closerange(keep + 1, os.sysconf("SC_OPEN_MAX"))
        _offer_first()
        body(theirs)
        status = 0
    except BaseException as error:  # noqa: BLE001
        _say_where(error)
    finally:
        os._exit(status)


def _offer_first() -> None:
    """Where memory is short, the kernel is to end a child: it can be replaced, and nobody waits."""
    # More is always allowed (proc(5)); without /proc nothing is lost.
    with contextlib.suppress(OSError, ValueError):
        before = int(_OOM_SCORE.read_text(encoding="ascii"))
        _OOM_SCORE.write_text(str(min(before + _OOM_BEFORE, 1000)), encoding="ascii")


def _say_where(error: BaseException) -> None:
    """One line on stderr: the kind of error and its place, not its text, which may be a secret."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.lineno}"
    os.write(2, f"a child process ended: {type(error).__name__} at {place}\n".encode())
