"""What the program writes to: standard streams that may be closed, full, or read by nobody.

Owns how an end of them ends the program. Imports rich for those commands alone that draw.
"""

import errno
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console
    from rich.text import Text

    from pokepodsd.view.columns import Line

# A table that is not shown on a terminal is not folded to its width.
WIDE: Final = 200
# As a shell says it of a program that SIGPIPE ended. The signal itself is ignored: it would end
# the daemon's clients too.
_NOBODY_READS = 128 + 13
# EX_IOERR of sysexits.h.
_NOT_WRITTEN = 74


def prepare() -> None:
    """Let what is closed lead to /dev/null, and write what an encoding lacks as an escape.

    Where a descriptor is free, the next file or socket would become the standard stream.
    """
    for descriptor, flags in enumerate((os.O_RDONLY, os.O_WRONLY, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, flags)
    # Python has None for a stream that was closed at its start.
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def status_of(error: OSError) -> int | None:
    """The exit status where the error is that of a standard stream; None where it is none's.

    Nothing more is written then.
    """
    if error.errno not in (errno.EPIPE, errno.ENOSPC):
        return None
    is_full = error.errno == errno.ENOSPC
    if is_full:
        with suppress(OSError):
            sys.stderr.write("pokepodsd: cannot write what there is to say: no space is left\n")
    # What is left in buffers would be tried again at the end, with a traceback.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    return _NOT_WRITTEN if is_full else _NOBODY_READS


def console(*, stderr: bool = False, is_wide: bool = False) -> "Console":
    """A console that colours no numbers; ``is_wide``: as wide as WIDE where it is no terminal."""
    from rich.console import Console  # noqa: PLC0415

    class Ours(Console):
        """Leaves a pipe that nobody reads to the command line."""

        def on_broken_pipe(self) -> None:
            raise  # noqa: PLE0704 (rich calls it where the error is handled)

    stream = sys.stderr if stderr else sys.stdout
    width = WIDE if is_wide and not stream.isatty() else None
    return Ours(stderr=stderr, highlight=False, width=width)


def coloured(lines: "Iterable[Line]") -> "Text":
    """The lines of a page in their styles; on a screen, what does not fit is cut off."""
    from rich.text import Text  # noqa: PLC0415

    drawn = (Text.assemble((one.label, "bold"), (one.text, one.style)) for one in lines)
    return Text("\n", no_wrap=True, overflow="crop").join(drawn)


def _nowhere() -> TextIOWrapper:
    return open(os.devnull, "w", encoding="utf-8")
