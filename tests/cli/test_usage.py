"""Checks the command line's own words: help, version, and what it does not understand."""

import re
import shlex
from itertools import takewhile
from pathlib import Path

import pytest

from pokepodsd import __version__
from pokepodsd.cli import _COMMANDS, main
from pokepodsd.core.settings import SETTINGS
from pokepodsd.core.values import shown
from tests.cli.conftest import COMMAND, Run
from tests.cli.terminal import Terminal

COMMANDS = list(_COMMANDS)
# What has no argument worth an example.
WITHOUT_EXAMPLES = ("run",)
# Where an example goes on with another command.
SHELL = ("|", ">", "&&")


def test_version(run: Run) -> None:
    """One line with the name and the version."""
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"pokepodsd {__version__}\n")


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_names_every_command_and_status(run: Run, option: str) -> None:
    """What there is can be learnt from the program itself, and where the settings are described."""
    done = run(option)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"  {command} " in done.stdout for command in COMMANDS)
    words = " ".join(done.stdout.split())
    assert all(f" {status} " in words for status in (0, 1, 2, 3, 69, 74, 75, 77, 78))
    assert "--SECTION-NAME VALUE" in words
    assert "pokepodsd.toml(5)" in words


def test_every_setting_is_an_option(run: Run, tmp_path: Path) -> None:
    """Whether the page lists it or not: each one's default is taken, before any command."""
    given = []
    for one in SETTINGS:
        text = shown(one, one.default).strip('[]"').replace('"', "")
        given += [f"--{one.section}-{one.name.replace('_', '-')}", text]
    done = run("--config", str(tmp_path / "none.toml"), *given, "check-config")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_a_page(command: str) -> None:
    """On a terminal of 80 by 50 all of it is seen at once."""
    arguments = [command] if command else []
    with Terminal([*COMMAND, *arguments, "--help"]) as terminal:
        assert terminal.wait() == 0
    lines = terminal.text.removesuffix("\n").split("\n")
    assert lines[0].startswith(f"Usage: pokepodsd {command}".rstrip())
    # The prompt takes a line, too.
    assert len(lines) < 50
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_example_is_understood(run: Run, command: str) -> None:
    """What the page shows can be typed: each example has only options and words that there are."""
    text = run(*([command] if command else []), "--help").stdout
    examples = re.findall(r"^ {4}pokepodsd +((?:\S+ ?)*)", text, re.MULTILINE)
    assert examples or command in WITHOUT_EXAMPLES
    for example in examples:
        words = list(takewhile(lambda word: word not in SHELL, shlex.split(example)))
        context = main.make_context("pokepodsd", words)
        name, found, rest = main.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None
        found.make_context(name, rest, parent=context)


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
        (("status", "--output", "xml"), "json"),
        (("status", "--watch", "0"), "0.2"),
        (("status", "node-b"), "node-b"),
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
