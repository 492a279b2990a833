"""A folder that one living process has to itself.

Owns the lock (flock(2)) on the folder itself, so that nothing is left behind: the kernel lets go
when the process ends, in whatever way. Refuses to know what is in the folder.
"""

import errno
import fcntl
import os
from pathlib import Path
from typing import Final

_TAKEN: Final = "another running pokepodsd keeps its own there"


class Claim:
    """The wish to have a folder, and the folder once it is had."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._descriptor: int | None = None

    def take(self) -> None:
        """Have the folder from now on; to be tried again where another process has it.

        Raises:
            BlockingIOError: another process has it.
            OSError: there is no such folder, or it may not be read.
        """
        if self._descriptor is not None:
            return
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise BlockingIOError(errno.EWOULDBLOCK, _TAKEN) from error
        except OSError:
            # A file system without locks: nobody can be seen, and nobody is waited for.
            pass
        self._descriptor = descriptor

    def drop(self) -> None:
        """Let others have it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
