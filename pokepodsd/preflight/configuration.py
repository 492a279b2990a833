"""Checks the configuration file: every complaint with the command that takes it out.

Owns which change mends a complaint: each is tried on the text before it is told. What is wrong has
its default for the other checks.
"""

import difflib
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pokepodsd.core.config import validate
from pokepodsd.core.settings import SECTIONS, SETTINGS
from pokepodsd.edge import configfile
from pokepodsd.errors import Complaint, ConfigError
from pokepodsd.preflight.edits import Edit, File
from pokepodsd.preflight.finding import Finding, Place, Topic
from pokepodsd.preflight.world import Settings, World

CONFIGURATION = Topic(check="configuration", name="configuration")
Tables = dict[str, Any]


def read_settings(world: World) -> tuple[Settings, tuple[Complaint, ...]]:
    """The settings, and all that is wrong in them."""
    complaints: tuple[Complaint, ...] = ()
    tables: Tables = {}
    file = File(path=world.config_path, text="", lines={})
    try:
        tables = configfile.read(world.config_path)
        lines = configfile.key_lines(world.config_path)
        file = File(path=world.config_path, text=_text(world.config_path), lines=lines)
    except ConfigError as error:
        complaints = error.complaints
        file = File(path=world.config_path, text=_text(world.config_path), lines={})
    of_unit = {} if world.unit is None else world.unit.overrides()
    for overrides in (of_unit, world.overrides):
        _merge(tables, overrides)
    config = None
    while config is None:
        try:
            config = validate(tables, source=str(world.config_path))
        except ConfigError as error:
            complaints += error.located(file.lines).complaints
            for complaint in error.complaints:
                _remove(tables, complaint.key)
    wrong = frozenset(one.key for one in complaints)
    return Settings(config=config, file=file, wrong=wrong, unit=world.unit), complaints


def check_configuration(
    settings: Settings, complaints: tuple[Complaint, ...], *, world: World
) -> Iterator[Finding]:
    """One finding for each complaint."""
    path = settings.file.path
    for complaint in complaints:
        if not complaint.key:
            yield _unreadable(complaint, settings, world)
            continue
        where = f"{path}" if complaint.line is None else f"{path}:{complaint.line}"
        edit = _mending(complaint, settings.file)
        topic = Topic(check=f"configuration.{complaint.key}", name=f"setting {complaint.key}")
        text = f"{where}: {complaint.text}"
        if edit is None:
            command = f"${{EDITOR:-vi}} +{complaint.line or 1} {shlex.quote(str(path))}"
            yield topic.failed(text, command, Place.ELSEWHERE)
        else:
            yield topic.failed(text, settings.change(edit))
    if complaints:
        return
    if not path.exists():
        yield CONFIGURATION.ok(f"{path} does not exist: the defaults apply")
    elif found := _weakness(path):
        what, command = found
        yield CONFIGURATION.warning(
            f"{path} is valid, but {what}: whoever writes it chooses what is poked", command
        )
    else:
        yield CONFIGURATION.ok(f"{path} is valid")


def _weakness(path: Path) -> tuple[str, str] | None:
    """Who else chooses the settings. The daemon takes them all the same: its tunnels are wanted."""
    # The parsers that it brings are imported late, as `examination` does it.
    from pokepodsd.edge.kubeconfig import weakness  # noqa: PLC0415

    return weakness(path)


def _unreadable(complaint: Complaint, settings: Settings, world: World) -> Finding:
    """No TOML, or a file that may not be read."""
    path, text = settings.file.path, f"{settings.file.path}: {complaint.text}"
    if not settings.file.text and not world.is_root:
        return CONFIGURATION.skipped(f"{path} may not be read by this user", world.sudo())
    lines = settings.file.text.split("\n")
    for number in range(1, len(lines) + 1):
        edit = settings.file.comment_out(number, number)
        if lines[number - 1].strip() and _is_toml(edit.text):
            return CONFIGURATION.failed(text, settings.change(edit))
    command = f"${{EDITOR:-vi}} {shlex.quote(str(path))}"
    return CONFIGURATION.failed(text, command, Place.ELSEWHERE)


def _mending(complaint: Complaint, file: File) -> Edit | None:
    """The first change after which the complaint is gone, and no new one is there."""
    before = set(_complaints(file.text))
    for edit in _changes(complaint, file):
        if edit is not None:
            after = set(_complaints(edit.text))
            if complaint.key not in after and after <= before:
                return edit
    return None


def _changes(complaint: Complaint, file: File) -> Iterator[Edit | None]:
    """A misspelt key is written right, a wrong value taken back or made to fit another's."""
    key = complaint.key
    section, _, name = key.rpartition(".")
    known = [one.name for one in SETTINGS if one.section == section] if section else SECTIONS
    if name not in known:
        for near in difflib.get_close_matches(name, known, n=1):
            yield file.rename(key, near)
    yield file.comment_out_key(key)
    if key == "poke.timeout":
        tables = tomllib.loads(file.text)
        intervals = (tables.get(table, {}).get("interval") for table in ("poke", "tunnels"))
        yield from (file.set_key(key, one) for one in intervals if isinstance(one, str))


def _complaints(text: str) -> list[str]:
    """The keys that are wrong in a text; one that is no TOML is wrong as a whole."""
    try:
        validate(tomllib.loads(text), source="")
    except ConfigError as error:
        return [one.key for one in error.complaints]
    except (ValueError, RecursionError):
        return [""]
    return []


def _is_toml(text: str) -> bool:
    return _complaints(text) != [""]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _merge(tables: Tables, overrides: Mapping[str, Mapping[str, object]]) -> None:
    for section, values in overrides.items():
        table = tables.setdefault(section, {})
        if isinstance(table, dict):
            table.update(values)


def _remove(tables: Tables, key: str) -> None:
    """Forget what a complaint is about; every round of it forgets something."""
    section, _, name = key.partition(".")
    table = tables.get(section)
    if name and isinstance(table, dict) and name in table:
        del table[name]
    elif section in tables:
        # A table as a whole, or what contradicts a setting that is not in it.
        del tables[section]
    else:
        tables.clear()
