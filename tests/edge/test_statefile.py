"""Checks the file of last known targets: round trips, sudden deaths, and every kind of damage."""

import json
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pokepodsd.edge import statefile
from pokepodsd.errors import StateFileError
from tests.edge.support import make_target
from tests.lab import Process

TARGETS = [
    replace(make_target(number), host="" if number % 2 else f"10.9.{number >> 8}.{number & 255}")
    for number in range(1, 1_001)
]
HEADER: dict[str, Any] = {"format": "pokepodsd targets", "version": 2, "targets": 1}
ROW = ["uid-1", "shop", "web", "node-b", "10.64.0.1", "2026-11-23T01:33:57Z", "10.9.0.2"]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A directory in which the targets were saved."""
    statefile.Writer(tmp_path, TARGETS).finish()
    return tmp_path


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_what_was_saved_is_read(saved: Path) -> None:
    """Every field of every target comes back, of both families, with or without a node."""
    assert statefile.read(saved) == TARGETS
    assert names(saved) == {"targets.json"}


def test_nothing_was_saved_yet(tmp_path: Path) -> None:
    """A directory without the file is no error, and stays as it is."""
    assert statefile.read(tmp_path) == []
    assert names(tmp_path) == set()


def test_no_targets_are_saved_as_none(tmp_path: Path) -> None:
    """An empty cluster is a save like any other."""
    statefile.Writer(tmp_path, []).finish()
    assert statefile.read(tmp_path) == []


def test_save_is_bounded(tmp_path: Path) -> None:
    """However many targets there are, no more are written than are read back."""
    many = (TARGETS[0] for _ in range(statefile.MOST_TARGETS + 10))
    statefile.Writer(tmp_path, many).finish()
    assert len(statefile.read(tmp_path)) == statefile.MOST_TARGETS


@pytest.mark.parametrize("longest", [100, 1_000, 50_000, 50_001])
def test_save_has_room_in_what_is_read_back(tmp_path: Path, longest: int) -> None:
    """The first of the targets, in a file that is no longer; and it says how many they are."""
    writer = statefile.Writer(tmp_path, TARGETS, longest=longest)
    writer.finish()
    size = (tmp_path / "targets.json").stat().st_size
    assert longest - 300 < size <= longest
    assert writer.total < len(TARGETS)
    assert statefile.read(tmp_path) == TARGETS[: writer.total]


@pytest.mark.parametrize("head", ["", json.dumps(HEADER) + "\n"])
def test_a_line_without_an_end_takes_no_memory(tmp_path: Path, head: str) -> None:
    """It is set aside before it is read to its end."""
    (tmp_path / "targets.json").write_text(head + "[" * 50 * 2**20)
    tracemalloc.start()
    try:
        with pytest.raises(StateFileError):
            statefile.read(tmp_path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**20


def test_save_in_parts_shows_the_old_until_the_end(saved: Path) -> None:
    """A save takes many short steps, and is seen only when the last of them is done."""
    writer = statefile.Writer(saved, TARGETS[:600])
    steps = 1
    while not writer.step():
        steps += 1
        assert statefile.read(saved) == TARGETS
    assert steps > 2
    assert statefile.read(saved) == TARGETS[:600]


def test_killed_writer_leaves_the_old_file(saved: Path) -> None:
    """After SIGKILL in the middle of a save the old targets are there, and the next save works."""
    program = f"""
import sys
from pathlib import Path
from pokepodsd.edge import statefile
from tests.edge.support import make_target
writer = statefile.Writer(Path({str(saved)!r}), map(make_target, range(5000)))
writer.step()
writer.step()
print("half", flush=True)
sys.stdin.readline()
import signal
signal.pause()
"""
    with Process([sys.executable, "-c", program]) as process:
        process.wait_for_line("half")
        process.kill()
        assert process.wait() == -signal.SIGKILL
    assert names(saved) == {"targets.json", "targets.json.new"}
    assert statefile.read(saved) == TARGETS
    statefile.Writer(saved, TARGETS[:5]).finish()
    assert statefile.read(saved) == TARGETS[:5]
    assert names(saved) == {"targets.json"}


def lines(*rows: object, **changes: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in (HEADER | changes, *rows))


def replaced(place: int, value: object) -> str:
    return lines([value if index == place else old for index, old in enumerate(ROW)])


DAMAGED: dict[str, str | bytes] = {
    "empty": "",
    "not JSON": "targets!\n",
    "not UTF-8": b'{"format": "\xff"}\n',
    "binary": bytes(range(256)) * 20,
    "foreign": '{"apiVersion": "v1"}\n',
    "a list": "[]\n",
    "earlier version": lines(ROW[:-1], version=1),
    "later version": lines(ROW, version=3),
    "version of another type": lines(ROW, version="2"),
    "no count": '{"format": "pokepodsd targets", "version": 2}\n',
    "one target missing": lines(ROW, targets=2),
    "one too many": lines(ROW, ROW),
    "cut in a row": lines(ROW)[:-20],
    "row of a wrong length": lines(ROW[:-1]),
    "row that is no list": lines("abcdef"),
    "address that is none": replaced(4, "10.64.0"),
    "address with a length": replaced(4, "10.64.0.1/32"),
    "address that is a number": replaced(4, 5),
    "node that is a list": replaced(3, []),
    "node that is a number": replaced(3, 0),
    "name that is a number": replaced(2, 7),
    "host that is nothing": replaced(6, None),
    "nested without end": lines() + "[" * 100_000,
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_damaged_file_is_set_aside_once(tmp_path: Path, content: str | bytes) -> None:
    """What is not exactly a save of ours gives one error, and is out of the way after it."""
    data = content.encode() if isinstance(content, str) else content
    (tmp_path / "targets.json").write_bytes(data)
    with pytest.raises(StateFileError, match=r"set aside as targets\.damaged") as caught:
        statefile.read(tmp_path)
    assert len(str(caught.value).splitlines()) == 1
    assert (tmp_path / "targets.damaged").read_bytes() == data
    assert statefile.read(tmp_path) == []


def test_truncation_anywhere_is_noticed(tmp_path: Path) -> None:
    """No beginning of a save passes for a whole one, but for one that lacks its last newline."""
    whole = lines(ROW, ROW, targets=2).encode()
    for length in range(len(whole) - 1):
        (tmp_path / "targets.json").write_bytes(whole[:length])
        with pytest.raises(StateFileError):
            statefile.read(tmp_path)


def make_huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(200 * 1024 * 1024)


@pytest.mark.parametrize(
    ("make", "reason"),
    [(make_huge, "larger than any that pokepodsd writes"), (Path.mkdir, "no regular file")],
)
def test_what_cannot_be_a_save_is_not_read(
    tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    """A huge file (which is not read into memory first) and a directory are set aside too."""
    make(tmp_path / "targets.json")
    with pytest.raises(StateFileError, match=f"{reason}.*set aside"):
        statefile.read(tmp_path)
    assert names(tmp_path) == {"targets.damaged"}


def test_file_that_cannot_be_set_aside_says_so(tmp_path: Path) -> None:
    """Where even that fails, the one line says it."""
    (tmp_path / "targets.json").write_text("x")
    (tmp_path / "targets.damaged").mkdir()
    with pytest.raises(StateFileError, match="not be set aside"):
        statefile.read(tmp_path)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A directory on a file system of its own, of 64 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.root
def test_full_disk_keeps_the_old_file(small_disk: Path) -> None:
    """A save that does not fit is an error, leaves the old one whole, and gives its room back."""
    statefile.Writer(small_disk, TARGETS[:50]).finish()
    with pytest.raises(OSError, match="No space left"):
        statefile.Writer(small_disk, TARGETS).finish()
    assert statefile.read(small_disk) == TARGETS[:50]
    assert names(small_disk) == {"targets.json"}


def test_missing_directory_is_an_error(tmp_path: Path) -> None:
    """A directory that cannot be written is the caller's to hear of, as an OSError."""
    with pytest.raises(FileNotFoundError):
        statefile.Writer(tmp_path / "nowhere", TARGETS)


@pytest.mark.parametrize("position", [0, 1, 2, 3, 5, 6])
@pytest.mark.parametrize("text", ["half \ud800", "x" * 20_000])
def test_a_text_that_is_none_or_endless_is_damage(tmp_path: Path, position: int, text: str) -> None:
    """Half a pair is in no encoding, so that nothing could show it; nobody's name is so long."""
    row = [*ROW]
    row[position] = text
    path = tmp_path / "targets.json"
    path.write_text(f"{json.dumps(HEADER)}\n{json.dumps(row)}\n")
    with pytest.raises(StateFileError):
        statefile.peek(tmp_path)
    with pytest.raises(StateFileError, match="set aside"):
        statefile.read(tmp_path)
    assert names(tmp_path) == {"targets.damaged"}
