"""Checks that a configuration is judged as a whole, with the line of each complaint."""

import tomllib
from pathlib import Path

import pytest

from pokepodsd.core.settings import SECTIONS, SETTINGS
from tests.cli.conftest import Run
from tests.edge.support import UNPRIVILEGED

BAD = """\
# Every line here has something wrong.
[kubernetes]
kubeconfg = "auto"
skip_ready = "no"
exclude_namespaces = [
  "kube-system",
  7,
]

[poke]
interval = "5"
timeout = "1ms"
max_rate = 0

[log]
level = "loud"

[exporter]
port = 1
"""
COMPLAINTS = {
    3: ("kubernetes.kubeconfg", "known are kubeconfig, node_name"),
    4: ("kubernetes.skip_ready", "true or false"),
    5: ("kubernetes.exclude_namespaces", "a list of texts"),
    11: ("poke.interval", '"5s"'),
    12: ("poke.timeout", "10ms"),
    13: ("poke.max_rate", "1 to 10000"),
    16: ("log.level", "error, warning, notice, info, debug"),
    18: ("exporter", "[kubernetes], [poke], [tunnels], [pods], [log], [metrics], [state]"),
}


def test_every_complaint_has_its_line(run: Run, path: Path) -> None:
    """All that is wrong is told at once, in the order of lines, with what is allowed."""
    path.write_text(BAD)
    done = run("--config", str(path), "check-config")
    assert (done.returncode, done.stdout) == (78, "")
    lines = done.stderr.splitlines()
    assert len(lines) == len(COMPLAINTS)
    for said, (number, (key, allowed)) in zip(lines, COMPLAINTS.items(), strict=True):
        assert said.startswith(f"pokepodsd: {path}:{number}: {key}: ")
        assert allowed in said


@pytest.mark.parametrize("command", ["run", "once", "check-config"])
def test_bad_file_is_status_78_for_all(run: Run, path: Path, command: str) -> None:
    """No command that needs the configuration starts with a bad one."""
    path.write_text("poke = 5\n")
    done = run("--config", str(path), command)
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr.startswith(f"pokepodsd: {path}:1: poke: must be a table")


@pytest.mark.parametrize(
    "content", [b"[poke\n", b"x = '\xff'\n", b"x = " + b"9" * 5_000, b"x = " + b"[" * 5_000]
)
def test_what_is_no_toml_is_status_78(run: Run, path: Path, content: bytes) -> None:
    """A file that cannot even be read is a configuration error of one line."""
    path.write_bytes(content)
    done = run("--config", str(path), "check-config")
    assert done.returncode == 78
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.root
def test_unreadable_file_is_status_78(run: Run, path: Path) -> None:
    """A file that this user may not read is a fault of the configuration, not of the usage."""
    path.touch(mode=0o600)
    for folder in (path.parent, *path.parent.parents[:2]):
        folder.chmod(0o755)
    done = run("--config", str(path), "check-config", prefix=UNPRIVILEGED)
    assert (done.returncode, len(done.stderr.splitlines())) == (78, 1)
    assert "Permission denied" in done.stderr


def test_contradiction_is_told(run: Run, path: Path) -> None:
    """Values that are right alone and wrong together are a complaint too, with its line."""
    path.write_text('[poke]\ninterval = "1s"\ntimeout = "2s"\n')
    done = run("--config", str(path), "check-config")
    assert done.returncode == 78
    assert done.stderr.startswith(f"pokepodsd: {path}:3: poke.timeout: ")


def test_valid_file(run: Run, path: Path) -> None:
    """A good file is said to be good."""
    path.write_text('[poke]\ninterval = "1m30s"\n')
    done = run("--config", str(path), "check-config")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{path}: valid\n", "")


def test_missing_file_means_the_defaults(run: Run, path: Path) -> None:
    """Nothing has to be configured, and the absence is told."""
    done = run("--config", str(path), "check-config")
    assert (done.returncode, done.stdout) == (0, f"{path}: does not exist, the defaults apply\n")


def test_option_overrides_the_file(run: Run, path: Path) -> None:
    """What the command line sets counts, and is checked together with the file."""
    path.write_text('[poke]\ninterval = "1s"\ntimeout = "2s"\n[log]\nlevel = "loud"\n')
    options = ["--poke-interval", "3s", "--log-level", "debug"]
    assert run("--config", str(path), *options, "check-config").returncode == 0
    done = run("--config", str(path), *options, "--poke-timeout", "4s", "check-config")
    assert (done.returncode, "poke.timeout" in done.stderr) == (78, True)


def test_sample_is_valid_and_complete(run: Run, path: Path) -> None:
    """The sample, as it is and with every line enabled, is a valid file of all the defaults."""
    sample = run("check-config", "--sample").stdout
    enabled = [
        line[1:] if line.startswith("#") and line[1:2].isalpha() else line
        for line in sample.splitlines()
    ]
    for text in (sample, "\n".join(enabled)):
        path.write_text(text)
        assert run("--config", str(path), "check-config").returncode == 0
    assert tomllib.loads(sample) == {section: {} for section in SECTIONS}
    tables = tomllib.loads("\n".join(enabled))
    assert {f"{s}.{name}" for s in tables for name in tables[s]} == {one.key for one in SETTINGS}
    words = sample.replace("\n# ", " ")
    assert [one.key for one in SETTINGS if one.reason not in words] == []


def test_a_name_with_a_newline_makes_no_line_of_its_own(run: Run, path: Path) -> None:
    """A complaint is one line, in which nothing is obeyed by a terminal."""
    path.write_text('"poke\\npokepodsd: all is well\\u001b[2J\\u2028" = 1\n[log]\n"\\r" = 1\n')
    done = run("--config", str(path), "check-config")
    assert done.returncode == 78
    first, second = done.stderr.splitlines()
    assert first.startswith(f"pokepodsd: {path}:1: poke\\npokepodsd: all is well\\x1b[2J\\u2028: ")
    assert second.startswith(f"pokepodsd: {path}:3: log.\\r: unknown")
