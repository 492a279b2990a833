"""A file that an operator named for a command's output: there whole, or as it was before."""

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from pokepodsd.errors import OutputError


def write(path: Path, parts: Iterable[str]) -> None:
    """Replace the file by these parts of text; its mode is what the umask leaves.

    What is no regular file (/dev/stdout, a pipe) is written to as it is.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        if path.exists() and not path.is_file():
            with path.open("w", encoding="utf-8") as file:
                file.writelines(parts)
            return
        _replace(path.resolve(), parts)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error


def _replace(path: Path, parts: Iterable[str]) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.writelines(parts)
            os.fchmod(file.fileno(), 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _umask() -> int:
    # There is no other way to read it.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
