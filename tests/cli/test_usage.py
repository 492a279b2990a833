"""Checks the command line's own words: help, version, and what it does not understand."""

import pytest

from pokepodsd import __version__
from pokepodsd.core.settings import SETTINGS
from tests.cli.conftest import Run

COMMANDS = ["check-config", "once", "rbac", "run"]


def test_version(run: Run) -> None:
    """One line with the name and the version."""
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"pokepodsd {__version__}\n")


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_names_every_command_setting_and_status(run: Run, option: str) -> None:
    """What there is can be learnt from the program itself."""
    done = run(option)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"  {command} " in done.stdout for command in COMMANDS)
    options = [f"--{one.section}-{one.name.replace('_', '-')} " for one in SETTINGS]
    assert [one for one in options if one not in done.stdout] == []
    words = " ".join(done.stdout.split())
    assert all(f"{status} " in words for status in (0, 1, 2, 69, 77, 78))


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(run: Run, command: str) -> None:
    """Each command explains itself, and does nothing then."""
    done = run(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: pokepodsd {command} ")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("nonsense",), "nonsense"),
        (("--nonsense", "check-config"), "--nonsense"),
        (("check-config", "--config", "x"), "--config"),
        (("rbac", "--for", "everybody"), "everybody"),
        (("once", "--tries", "0"), "--tries"),
        (("once", "--tries", "11"), "--tries"),
        (("run", "faster"), "faster"),
        (("--config", "/", "check-config"), "/"),
        (("--poke-interval", "5", "check-config"), "--poke-interval"),
        (("--poke-interval", "1h", "check-config"), "3m20s"),
        (("--poke-max-rate", "many", "check-config"), "--poke-max-rate"),
        (("--poke-max-rate", "0", "check-config"), "1 to 10000"),
        (("--log-level", "loud", "check-config"), "debug"),
        (("--kubernetes-skip-ready", "yes", "check-config"), "true or false"),
    ],
)
def test_misuse_is_status_2(run: Run, arguments: tuple[str, ...], word: str) -> None:
    """What the command line gets wrong is named on stderr, with what is allowed."""
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_no_command_is_misuse(run: Run) -> None:
    """Without a command there is help, and no success."""
    assert run().returncode == 2
