"""The operations guide and the journal's catalog: complete, and true to each other."""

import re
import subprocess
from pathlib import Path

import pytest

from pokepodsd.core.entries import EventKind, Level
from pokepodsd.core.families import families
from tests.core.metricsfacts import NOW, metrics_document, unwell

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "packaging" / "doc" / "operations.md"
CATALOG = ROOT / "systemd" / "pokepodsd.catalog"
MANUAL = ROOT / "packaging" / "man" / "pokepodsd.8"
INSTALLED_GUIDE = "file:///usr/share/doc/pokepodsd/operations.md"
ALARMS = {Level.ERROR.name.lower(), Level.WARNING.name.lower()}
# What a line of a remedy may begin with.
PROGRAMS = {
    *("df", "install", "ip", "iptables-save", "journalctl", "kubectl", "ls", "nft", "pokepodsd"),
    *("ss", "sysctl", "systemctl", "tc", "uptime"),
}
# Fields that every entry of a kind has: journalctl shows the name of one that is missing.
FIELDS = {
    EventKind.TUNNEL_BROKEN: {"POKEPODSD_PEER"},
    EventKind.NODE_UNREACHABLE: {"POKEPODSD_PEER"},
}
# The alerts' runbooks, by the anchors that the shipped rules name.
RUNBOOKS = (
    *("node-unreachable", "tunnel-broken", "node-cut-off", "api-silent", "daemon-gone"),
    *("loop-late", "pokes-not-sent", "reload-refused", "pod-down", "many-nodes-faulty"),
)


def guide() -> str:
    return GUIDE.read_text(encoding="utf-8")


def anchors() -> set[str]:
    """Of every heading, as GitHub and others make them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", guide(), flags=re.S), re.M)
    return {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}


def journal_rows() -> dict[str, list[str]]:
    """The rows of the journal's table, by their MESSAGE_IDs: kind, level, fields, meaning."""
    rows = re.findall(r"^\| `([0-9a-f]{32})` \| (.+) \|$", guide(), re.MULTILINE)
    return {found: [cell.strip() for cell in rest.split("|")] for found, rest in rows}


def catalog() -> dict[str, tuple[dict[str, list[str]], str]]:
    """The header and the text of each entry, by its MESSAGE_ID (systemd.io/CATALOG)."""
    entries = {}
    for part in re.split(r"^-- ", CATALOG.read_text(encoding="utf-8"), flags=re.M)[1:]:
        first, _, rest = part.partition("\n")
        head, _, text = rest.partition("\n\n")
        header: dict[str, list[str]] = {}
        for line in head.splitlines():
            name, _, value = line.partition(": ")
            header.setdefault(name, []).append(value)
        entries[first] = (header, text.strip("\n"))
    return entries


def test_every_link_leads_somewhere() -> None:
    """Those of the guide into itself, those of the catalog, and the alerts' runbooks."""
    linked = set(re.findall(r"\]\(#([^)]+)\)", guide())) | set(RUNBOOKS)
    pages = [one for header, _ in catalog().values() for one in header["Documentation"]]
    linked |= {one.partition("#")[2] for one in pages if one.startswith(f"{INSTALLED_GUIDE}#")}
    assert linked <= anchors()


def test_every_kind_of_entry_is_in_the_reference() -> None:
    """The journal's table has each kind with its MESSAGE_ID, in order, with levels that exist."""
    rows = journal_rows()
    assert {found: row[0] for found, row in rows.items()} == {
        one.value: one.name for one in EventKind
    }
    names = {level.name.lower() for level in Level}
    for _, level, _, meaning in rows.values():
        assert set(level.split(" or ")) <= names
        assert meaning


def test_every_metric_is_in_the_reference() -> None:
    """The metrics' table has each name that is served, in order, with its type and its labels."""
    document = metrics_document() | {"unwell": [unwell()]}
    served = {}
    for one in families(document, python="3.11.2", now=NOW):
        # An info is a gauge of 1.
        kind = one.kind.value.replace("info", "gauge")
        served[one.name] = (kind, {label for row in one.rows for label in row.labels})
    rows = re.findall(r"^\| `(pokepodsd_\w+)` \| (\w+) \| ([^|]*)\|", guide(), re.MULTILINE)
    assert {name: (kind, set(re.findall(r"\w+", labels))) for name, kind, labels in rows} == served
    assert [name for name, _, _ in rows] == list(served)


def test_systemd_takes_the_catalog(tmp_path: Path) -> None:
    """`journalctl --update-catalog`, in a root of its own, and every entry is in what it makes."""
    folder = tmp_path / "usr" / "lib" / "systemd" / "catalog"
    folder.mkdir(parents=True)
    (tmp_path / "var" / "lib" / "systemd" / "catalog").mkdir(parents=True)
    (folder / CATALOG.name).write_bytes(CATALOG.read_bytes())
    journal = ["journalctl", f"--root={tmp_path}"]
    made = subprocess.run(
        [*journal, "--update-catalog"], capture_output=True, text=True, check=True
    )
    assert made.stdout + made.stderr == ""
    listed = subprocess.run(
        [*journal, "--list-catalog"], capture_output=True, text=True, check=True
    ).stdout
    assert {line.split()[0] for line in listed.splitlines()} == {one.value for one in EventKind}


@pytest.mark.parametrize("kind", EventKind, ids=lambda kind: kind.name)
def test_an_entry_of_the_catalog_explains_and_helps(kind: EventKind) -> None:
    """A subject, the manual page, a text that is not empty; for an alarm a command to paste."""
    header, text = catalog()[kind.value]
    assert set(header) == {"Subject", "Defined-By", "Documentation"}
    assert (header["Defined-By"], header["Documentation"][0]) == (
        ["pokepodsd"],
        "man:pokepodsd(8)",
    )
    assert len(header["Subject"][0]) <= 72
    assert text
    lines = text.splitlines()
    commands = [line for line in lines if line.startswith(" ")]
    assert [line for line in lines if len(line) > 100 and line not in commands] == []
    for line in commands:
        assert line.startswith("    ")
        assert line.split()[0] in PROGRAMS
    is_alarm = bool(ALARMS & set(journal_rows()[kind.value][1].split(" or ")))
    assert commands or not is_alarm
    assert set(re.findall(r"@(\w+)@", text)) <= FIELDS.get(kind, set())


@pytest.mark.parametrize("path", [GUIDE, CATALOG, ROOT / "README.md"], ids=lambda path: path.name)
def test_only_commands_that_there_are_are_named(path: Path) -> None:
    """Every `pokepodsd COMMAND` in a document is one that pokepodsd(8) describes."""
    described = set(
        re.findall(r"^\.Ss pokepodsd (\S+)", MANUAL.read_text(encoding="utf-8"), re.MULTILINE)
    )
    text = path.read_text(encoding="utf-8")
    named = re.findall(r'(?:^ {4}|^|`|"|\| )pokepodsd ([a-z][a-z-]*)(?=["` \n])', text, re.M)
    prose = {"runs", "is", "checks", "sends", "says", "knows", "has", "cannot", "may", "on"}
    assert set(named) - prose <= described
