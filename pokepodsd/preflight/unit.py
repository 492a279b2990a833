"""The systemd unit as this host has it: what it may do, what it sees, what it was told.

Owns what the properties of `systemctl show` mean (systemd.exec(5)). The daemon is judged by its
unit and not by who runs the check: root sees more than the unit does.
"""

import contextlib
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pokepodsd.core.settings import SETTINGS
from pokepodsd.core.values import check_value, parse_text

NAME = "pokepodsd.service"
PROPERTIES = (
    *("LoadState", "ActiveState", "SubState", "UnitFileState", "Result", "ExecMainStatus"),
    *("NeedDaemonReload", "MainPID", "NRestarts", "StatusText", "WatchdogUSec", "FragmentPath"),
    *("DropInPaths", "ExecStart", "User", "DynamicUser", "Group", "SupplementaryGroups"),
    *("AmbientCapabilities", "CapabilityBoundingSet", "ProtectHome", "PrivateTmp"),
    *("ProtectSystem", "TemporaryFileSystem", "InaccessiblePaths", "BindReadOnlyPaths"),
    *("BindPaths", "ReadWritePaths", "StateDirectory", "RuntimeDirectory"),
)
_DROP_INS = "/etc/systemd/system/pokepodsd.service.d"
_HOMES = ("/home", "/root", "/run/user")
NO_TIME = frozenset({"0", "infinity", ""})


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit's properties, as they were told; one that is missing is ""."""

    shown: Mapping[str, str]

    def get(self, name: str) -> str:
        """One property."""
        return self.shown.get(name, "")

    @property
    def is_loaded(self) -> bool:
        """Whether there is such a unit that can be started."""
        return self.get("LoadState") == "loaded"

    @property
    def is_active(self) -> bool:
        """Whether the service runs."""
        return self.get("ActiveState") in {"active", "reloading"}

    @property
    def main_pid(self) -> int:
        """The daemon's process; 0: none."""
        text = self.get("MainPID")
        return int(text) if text.isdecimal() else 0

    @property
    def has_watchdog(self) -> bool:
        """Whether systemd notices a daemon that hangs."""
        return self.get("WatchdogUSec") not in NO_TIME

    @property
    def drop_ins(self) -> tuple[Path, ...]:
        """The drop-ins in force, in their order."""
        return tuple(Path(text) for text in self.get("DropInPaths").split())

    def may(self, capability: str) -> bool:
        """Whether the daemon has a capability, such as ``cap_net_raw``."""
        names = ["CapabilityBoundingSet"]
        if self.get("DynamicUser") == "yes" or self.get("User") not in {"", "root", "0"}:
            names.append("AmbientCapabilities")
        return all(capability in self.get(name).split() for name in names)

    def sees(self, path: Path) -> bool:
        """Whether the daemon sees a path, without links, that is on this host."""
        hidden = [*_paths(self.get("TemporaryFileSystem")), *_paths(self.get("InaccessiblePaths"))]
        if self.get("ProtectHome") not in {"", "no", "read-only"}:
            hidden += map(Path, _HOMES)
        if self.get("PrivateTmp") not in {"", "no"}:
            hidden += [Path("/tmp"), Path("/var/tmp")]  # noqa: S108
        return _depth(path, self._bound()) >= _depth(path, hidden)

    def reads(self, path: Path) -> bool:
        """Whether the daemon sees a path by its name, links included.

        A link that is bound by its own name is followed when the unit starts; any other is followed
        by the daemon, which must see where it leads.
        """
        return path in self._bound() or (self.sees(path) and self.sees(path.resolve()))

    def _bound(self) -> list[Path]:
        return [*_paths(self.get("BindReadOnlyPaths")), *_paths(self.get("BindPaths"))]

    def writes(self, path: Path) -> bool:
        """Whether the daemon may write below a path."""
        if self.get("ProtectSystem") != "strict":
            return self.sees(path)
        own = [Path("/var/lib") / name for name in self.get("StateDirectory").split()]
        own += [Path("/run") / name for name in self.get("RuntimeDirectory").split()]
        return _depth(path, [*own, *_paths(self.get("ReadWritePaths"))]) > 0

    @property
    def config_path(self) -> Path | None:
        """The configuration file that its command line names."""
        words = self._arguments()
        return Path(words[words.index("--config") + 1]) if "--config" in words[:-1] else None

    def overrides(self) -> dict[str, dict[str, object]]:
        """The settings that its command line has, as tables of the configuration."""
        words = self._arguments()
        tables: dict[str, dict[str, object]] = {}
        for setting in SETTINGS:
            option = f"--{setting.section}-{setting.name.replace('_', '-')}"
            if option in words[:-1]:
                # One that is not valid keeps the service from its start, which is told of it.
                with contextlib.suppress(ValueError):
                    value = parse_text(setting, words[words.index(option) + 1])
                    check_value(setting, value)
                    tables.setdefault(setting.section, {})[setting.name] = value
        return tables

    def _arguments(self) -> list[str]:
        """As in ``{ path=/usr/bin/pokepodsd ; argv[]=/usr/bin/pokepodsd run ; ... }``."""
        text = self.get("ExecStart").partition("argv[]=")[2].partition(" ;")[0]
        try:
            return shlex.split(text)
        except ValueError:
            return text.split()


def drop_in_command(name: str, lines: Iterable[str]) -> str:
    """The command that adds a drop-in of its own to the unit."""
    quoted = " ".join(shlex.quote(line) for line in ("[Service]", *lines))
    return f"mkdir -p {_DROP_INS} && printf '%s\\n' {quoted} > {_DROP_INS}/{name}.conf && {AGAIN}"


AGAIN = "systemctl daemon-reload && systemctl try-restart pokepodsd"


def _paths(text: str) -> list[Path]:
    """The places inside of a list such as ``-/opt /a:/b:rbind``: where something is mounted."""
    found = []
    for word in text.split():
        source, *rest = word.lstrip("-+").split(":")
        found.append(Path(rest[0] if rest and rest[0].startswith("/") else source))
    return found


def _depth(path: Path, places: Iterable[Path]) -> int:
    """How long the longest of the places is that hold the path; 0: none does."""
    return max((len(place.parts) for place in places if path.is_relative_to(place)), default=0)
