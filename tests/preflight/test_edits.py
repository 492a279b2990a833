"""Changes of the configuration file: the command does to the file what was tried on the text."""

import subprocess
import tomllib
from pathlib import Path

import pytest

from pokepodsd.edge.configfile import key_lines
from pokepodsd.preflight.edits import Edit, File

TEXT = """\
# A comment with interval in it.
[poke]
interval = "5s"  # interval
fail_after = 3

[kubernetes]
exclude_namespaces = [
  "kube-system",
  "a b",
]
label_selector = 'a=b'
"""


def file(path: Path, text: str = TEXT) -> File:
    path.write_text(text)
    return File(path=path, text=text, lines=key_lines(path))


def run(edit: Edit | None, path: Path) -> dict[str, object]:
    """What the file says after the command, which is what was promised."""
    assert edit is not None
    subprocess.run(["sh", "-euc", edit.command], check=True)
    assert path.read_text().rstrip("\n") == edit.text.rstrip("\n")
    return tomllib.loads(path.read_text())


@pytest.mark.parametrize("name", ["pokepodsd.toml", "a name with 'quotes' and $HOME.toml"])
def test_a_setting_is_taken_back(tmp_path: Path, name: str) -> None:
    """All lines of it, and no other."""
    path = tmp_path / name
    told = run(file(path).comment_out_key("kubernetes.exclude_namespaces"), path)
    assert told == {
        "poke": {"interval": "5s", "fail_after": 3},
        "kubernetes": {"label_selector": "a=b"},
    }


def test_a_key_is_written_right(tmp_path: Path) -> None:
    """In its own line, where it is the key."""
    path = tmp_path / "pokepodsd.toml"
    told = run(file(path).rename("poke.interval", "timeout"), path)
    assert told["poke"] == {"timeout": "5s", "fail_after": 3}


@pytest.mark.parametrize(
    "value", [["tunl*"], ['a"b\\c', "d'e"], "x\\ny", ["ä"], "with $HOME and `this`", "a&b/c"]
)
@pytest.mark.parametrize(
    "key", ["kubernetes.exclude_namespaces", "kubernetes.kubeconfig", "tunnels.devices"]
)
def test_a_setting_gets_a_value(tmp_path: Path, key: str, value: object) -> None:
    """Where it stands over several lines, in a table that is there, and in a new one."""
    path = tmp_path / "pokepodsd.toml"
    before = tomllib.loads(TEXT)
    told = run(file(path).set_key(key, value), path)
    section, _, name = key.partition(".")
    assert told == {**before, section: {**before.get(section, {}), name: value}}


@pytest.mark.parametrize("text", [None, "", "[tunnels]", "[poke]\n"])
def test_a_file_that_hardly_is_one_gets_a_value(tmp_path: Path, text: str | None) -> None:
    """None at all, an empty one, one without a newline at its end."""
    path = tmp_path / "pokepodsd.toml"
    made = File(path=path, text="", lines={}) if text is None else file(path, text)
    subprocess.run(["sh", "-euc", made.set_key("tunnels.devices", ["a"]).command], check=True)
    assert tomllib.loads(path.read_text())["tunnels"] == {"devices": ["a"]}


def test_what_is_not_there_is_not_changed(tmp_path: Path) -> None:
    """Nor is a key that is written in quotes renamed."""
    made = file(tmp_path / "pokepodsd.toml", '[poke]\n"an interval" = 5\n')
    assert made.comment_out_key("poke.timeout") is None
    assert made.rename("poke.timeout", "interval") is None
    assert made.rename("poke.an interval", "interval") is None
