"""Checks the reading of the configuration file, and that a complaint can name its line."""

import sys
import time
from pathlib import Path

import pytest

from pokepodsd.edge import configfile
from pokepodsd.errors import ConfigError
from tests.edge.support import run_unprivileged


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pokepodsd.toml"


FORMS = {
    "plain": ('# first\n[poke]\n\nmax_rate = 5\n[log]\nlevel = "info"\n', {"poke.max_rate": 4}),
    "indented": ("[poke]\n  # why\n  max_rate = 5  # packets\n", {"poke.max_rate": 3}),
    "dotted": ("poke.max_rate = 5\npoke.fail_after = 2\n", {"poke.fail_after": 2}),
    "quoted": ('["poke"]\n"max_rate" = 5\n', {"poke.max_rate": 2}),
    "inline table": ("\npoke = { max_rate = 5, x = 1 }\n", {"poke.x": 2, "poke": 2}),
    "array over lines": (
        '[kubernetes]\nexclude_namespaces = [\n  "a",\n  # [poke]\n  "b",\n]\nnode_name = "n"\n',
        {"kubernetes.exclude_namespaces": 2, "kubernetes.node_name": 7},
    ),
    "text over lines": (
        '[kubernetes]\nlabel_selector = """\nmax_rate = 5\n"""\nx = 1\n',
        {"kubernetes.label_selector": 2, "kubernetes.x": 5},
    ),
    "array of tables": ("[[poke]]\nmax_rate = 5\n", {"poke": 1}),
    "Windows lines": ("[poke]\r\nmax_rate = 5\r\n", {"poke.max_rate": 2}),
    "unknown table": ("x = 1\n[nope]\na = 1\n", {"x": 1, "nope": 2, "nope.a": 3}),
    "empty": ("", {}),
    "separator in a comment": ("# a\u2028b\x85c\n[poke]\nx = 1\n", {"poke.x": 3}),
    "separator in a value": (
        '[kubernetes]\nlabel_selector = "a\u2028b"\n[poke]\nx = 1\n',
        {"kubernetes.label_selector": 2, "poke.x": 4},
    ),
}


@pytest.mark.parametrize(("text", "expected"), FORMS.values(), ids=FORMS.keys())
def test_each_key_has_its_line(path: Path, text: str, expected: dict[str, int]) -> None:
    """In whatever way TOML lets it be written, a key's line is where a person would look."""
    path.write_bytes(text.encode())
    lines = configfile.key_lines(path)
    assert {key: lines.get(key) for key in expected} == expected


def test_lines_of_a_long_file_are_found_soon(path: Path) -> None:
    """A bad file with thousands of lines does not hold up the daemon that is told to reload it."""
    names = "".join(f'  "namespace-{number}",\n' for number in range(2_000))
    path.write_text(f"[kubernetes]\nexclude_namespaces = [\n{names}]\nx = 1\n")
    begin = time.process_time()
    assert configfile.key_lines(path)["kubernetes.x"] == 2_004
    assert time.process_time() - begin < 0.5


def test_tables_are_read(path: Path) -> None:
    """The file's tables come as they are."""
    path.write_text('[poke]\nmax_rate = 5\ninterval = "5s"\n')
    assert configfile.read(path) == {"poke": {"max_rate": 5, "interval": "5s"}}


def test_missing_file_is_empty(path: Path) -> None:
    """A file that does not exist sets nothing."""
    assert configfile.read(path) == {}
    assert configfile.key_lines(path) == {}


BROKEN: dict[str, tuple[bytes, str]] = {
    "not TOML": (b"[poke]\nmax_rate = \n", "is not TOML: .*line 2"),
    "twice": (b"[poke]\nx = 1\nx = 2\n", "is not TOML: .*line 3"),
    "not UTF-8": (b'[log]\nlevel = "\xff"\n', "cannot be read: it is not UTF-8 text"),
    "a number without end": (b"x = " + b"9" * 5_000, "is not TOML"),
    "nesting without end": (b"x = " + b"[" * 5_000, "is not TOML"),
}


@pytest.mark.parametrize(("content", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_file_is_one_line(path: Path, content: bytes, reason: str) -> None:
    """What cannot be read says which file and why, in one line, as a configuration error."""
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=reason) as caught:
        configfile.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value).splitlines()) == 1


def test_directory_is_refused(tmp_path: Path) -> None:
    """A directory in the file's place is named as such."""
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        configfile.read(tmp_path)


@pytest.mark.root
def test_unreadable_file_is_refused(path: Path) -> None:
    """A file that this user may not read is not taken for an absent one."""
    path.touch(mode=0o600)
    for folder in (path.parent, *path.parent.parents[:2]):
        folder.chmod(0o755)
    program = f"""
from pathlib import Path
from pokepodsd.edge import configfile
from pokepodsd.errors import ConfigError
try:
    configfile.read(Path({str(path)!r}))
except ConfigError as error:
    print(error)
"""
    done = run_unprivileged([sys.executable, "-c", program])
    assert done.stdout == f"{path}: cannot be read: Permission denied\n"
