"""The file for the textfile collector of node_exporter.

Owns its way into the folder: written beside it, and put in its place by rename, so that nobody ever
reads a half of it. The name beside does not end in ".prom", so the collector does not read that.
Others may write into that folder: a link that stands there is replaced, and never followed.
"""

import contextlib
import os
from pathlib import Path

# node_exporter runs as another user.
_MODE = 0o644


def write(path: Path, content: bytes) -> None:
    """Replace the file.

    Raises:
        OSError: it cannot be written; the one before stays.
    """
    partial = _beside(path)
    try:
        partial.unlink(missing_ok=True)
        # Made anew (O_EXCL), which follows no link: whoever is quicker costs a try.
        with partial.open("xb") as file:
            os.fchmod(file.fileno(), _MODE)
            file.write(content)
        partial.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def remove(path: Path) -> None:
    """Leave nothing of it; where that is not allowed, it was not written either."""
    for one in (path, _beside(path)):
        with contextlib.suppress(OSError):
            one.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.new")
