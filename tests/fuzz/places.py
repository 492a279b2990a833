"""A folder for the files that entries read, and the guard around what reads them.

A file that is fuzzed may name other files and programs. While `fenced` lasts, this process opens
nothing outside its folder and starts nothing.
"""

import atexit
import os
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

_STARTING: Final = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty"}
)
_fence: list[str] = []
PLACE: Final = "POKEPODSD_FUZZ_PLACE"
"""What names a place for the folder of a process that may end without a chance to remove it."""


@cache
def folder() -> Path:
    """A folder in memory, which goes with this process, or with who has named a place for it."""
    base = Path(os.environ.get(PLACE, "/dev/shm"))
    made = Path(tempfile.mkdtemp(prefix="pokepodsd-fuzz-", dir=base if base.is_dir() else None))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def written(name: str, data: bytes) -> Path:
    """A file of the folder with this in it."""
    path = folder() / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


@contextmanager
def fenced() -> Iterator[None]:
    """Nothing outside the folder is opened, and nothing is started."""
    _audit()
    _fence.append(os.fspath(folder()))
    try:
        yield
    finally:
        _fence.pop()


@cache
def _audit() -> None:
    """The hook, which is of a process for good."""
    # What is imported late, and what a traceback shows, is not the file's doing.
    own = tuple({*sysconfig.get_paths().values(), os.fspath(Path(__file__).parents[2])})

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if not _fence:
            return
        if event in _STARTING:
            raise PermissionError(f"{event} is fenced off")
        if event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
            path = os.path.abspath(os.fsdecode(arguments[0]))
            if not path.startswith((*_fence, *own)):
                raise FileNotFoundError(2, "fenced off", path)

    sys.addaudithook(refuse)
