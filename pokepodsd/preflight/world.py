"""What the checks look at, handed in: paths, the unit, the clock, the user."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pokepodsd.core.config import Config
from pokepodsd.preflight.edits import Edit, File
from pokepodsd.preflight.unit import Unit

SUDO = "sudo pokepodsd check"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """This host; ``unit`` is None where systemd does not run or does not know it.

    ``overrides`` are settings of the command line, as tables; ``wall_ns`` is unix time.
    """

    config_path: Path
    overrides: Mapping[str, Mapping[str, object]]
    control_path: Path
    unit: Unit | None
    is_booted: bool
    is_root: bool
    wall_ns: Callable[[], int]
    root: Path = Path("/")

    def sudo(self) -> str:
        """The command that checks the same as root."""
        if self.config_path == Path("/etc/pokepodsd.toml"):
            return SUDO
        return f"sudo pokepodsd --config {shlex.quote(str(self.config_path))} check"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings as far as they are valid: ``wrong`` are the keys whose default stands in."""

    config: Config
    file: File
    wrong: frozenset[str]
    unit: Unit | None

    def change(self, edit: Edit, *, restarts: bool = False) -> str:
        """The command of an edit, and what a running service needs to take it up."""
        if self.unit is None or not self.unit.is_loaded:
            return edit.command
        verb = "try-restart" if restarts else "try-reload-or-restart"
        return f"{edit.command} && systemctl {verb} pokepodsd"
