"""The manual pages: without a fault, and about what there is."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pokepodsd.cli import main
from pokepodsd.core.entries import EventKind
from pokepodsd.core.settings import SECTIONS, SETTINGS, Setting
from pokepodsd.core.values import shown

ROOT = Path(__file__).resolve().parents[1]
MANUAL = ROOT / "packaging" / "man"
PROGRAM = MANUAL / "pokepodsd.8"
SETTINGS_PAGE = MANUAL / "pokepodsd.toml.5"
PAGES = (PROGRAM, SETTINGS_PAGE)
# Of every command.
HELP = {"-h", "--help"}


def run(*command: str | Path) -> str:
    """What a command says, in any way; it must not fail."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def commands() -> dict[str, click.Command]:
    context = click.Context(main)
    found = {name: main.get_command(context, name) for name in main.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def options_of(command: click.Command) -> set[str]:
    """The options that its help shows, but for the help itself."""
    shown_ones = (one for one in command.params if isinstance(one, click.Option) and not one.hidden)
    return {name for one in shown_ones for name in (*one.opts, *one.secondary_opts)} - HELP


def options_in(text: str) -> set[str]:
    """The options that a part of the page has a line or an item for."""
    lines = re.findall(r"^\.(?:It )?Fl .+$", text, re.MULTILINE)
    found = {f"-{one}" for line in lines for one in re.findall(r"Fl (\S+)", line)}
    return {one.replace("\\", "") for one in found} - HELP


def parts(text: str, macro: str) -> Iterator[tuple[str, str]]:
    """The parts of a page, by what stands behind the macro (Sh, Ss) that begins each."""
    for part in re.split(rf"^\.{macro} ", text, flags=re.MULTILINE)[1:]:
        heading, _, body = part.partition("\n")
        yield heading, body


def section(page: Path, name: str) -> str:
    return dict(parts(page.read_text(encoding="utf-8"), "Sh"))[name]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_judges_find_nothing(page: Path) -> None:
    """`mandoc -T lint` gives no warning, and groff none of any kind."""
    assert run("mandoc", "-T", "lint", "-W", "warning", page) == ""
    assert run("groff", "-mandoc", "-Tutf8", "-ww", "-z", page) == ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_fits_a_terminal(page: Path) -> None:
    """In 80 columns, as `man` shows it, nothing is cut off or runs over."""
    lines = run("groff", "-mandoc", "-Tascii", "-P-cbou", page).splitlines()
    assert [line for line in lines if len(line) > 80] == []


def test_the_settings_page_is_made_from_the_table() -> None:
    """packaging/man/pokepodsd.toml.5 is what packaging/man/generate.py prints: `make manual`."""
    made = run(sys.executable, MANUAL / "generate.py")
    assert SETTINGS_PAGE.read_text(encoding="utf-8") == made


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_every_setting_is_explained(setting: Setting) -> None:
    """Its default, its limits and the reason stand below its name, in its table."""
    tables = dict(parts(section(SETTINGS_PAGE, "SETTINGS"), "Ss"))
    text = tables[f"[{setting.section}]"].partition(f".It Va {setting.name}\n")[2]
    (text, *_) = re.split(r"^\.(?:It|El)", text, flags=re.MULTILINE)
    words = " ".join(text.split())
    wanted = [f"Default: {shown(setting, setting.default)}.", *setting.choices]
    wanted += [shown(setting, one) for one in (setting.least, setting.most) if one is not None]
    for one in wanted:
        assert one in words
    assert setting.reason.split()[0] in words


def test_no_setting_is_invented() -> None:
    """The page has the tables and keys that there are, in their order."""
    tables = dict(parts(section(SETTINGS_PAGE, "SETTINGS"), "Ss"))
    assert list(tables) == [f"[{one}]" for one in SECTIONS]
    keys = re.findall(r"^\.It Va (\S+)$", "".join(tables.values()), re.MULTILINE)
    assert keys == [one.name for one in SETTINGS]


def test_every_command_is_described_and_no_other() -> None:
    """pokepodsd(8) has a part for each command, with its argument and the options of its help."""
    described = dict(parts(section(PROGRAM, "COMMANDS"), "Ss"))
    headings = {}
    for name, command in commands().items():
        arguments = [one for one in command.params if isinstance(one, click.Argument)]
        shown_ones = "".join(" Ar" if one.required else " Op Ar" for one in arguments)
        headings[f"pokepodsd {name}{shown_ones}"] = command
    # The argument's name is the page's own.
    bodies = {re.sub(r" Ar .*", " Ar", heading): body for heading, body in described.items()}
    assert sorted(bodies) == sorted(headings)
    differing = {
        heading: options_in(bodies[heading]) ^ options_of(command)
        for heading, command in headings.items()
        if options_in(bodies[heading]) != options_of(command)
    }
    assert differing == {}


def test_every_common_option_is_there_and_no_other() -> None:
    """What stands before a command: the file, the version, and one option a setting."""
    assert options_in(section(PROGRAM, "OPTIONS")) == options_of(main)


def test_every_field_of_the_journal_is_named() -> None:
    """The page names the fields of entries that the code writes, and no other."""
    named = set(re.findall(r"^\.It POKEPODSD_(\S+)$", section(PROGRAM, "JOURNAL"), re.MULTILINE))
    guide = (ROOT / "packaging" / "doc" / "operations.md").read_text(encoding="utf-8")
    rows = [line for line in guide.splitlines() if any(one.value in line for one in EventKind)]
    fields = {one for row in rows for one in re.findall(r"`_([A-Z_]+)`", row)}
    assert named == fields
