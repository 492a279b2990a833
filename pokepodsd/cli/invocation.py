"""What stands before the command: the configuration file, and settings that override it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pokepodsd.errors import ConfigError

if TYPE_CHECKING:
    from pokepodsd.core.config import Config

DEFAULT_PATH: Final = Path("/etc/pokepodsd.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """Where the configuration comes from; ``overrides`` are tables as in the file."""

    path: Path
    overrides: dict[str, dict[str, Any]]

    def load(self) -> "Config":
        """Read the configuration as it is now.

        Raises:
            ConfigError: it is not usable.
        """
        # Imported late, for the sake of the commands that need no configuration.
        from pokepodsd.core.config import validate  # noqa: PLC0415
        from pokepodsd.edge import configfile  # noqa: PLC0415

        tables = configfile.read(self.path)
        for section, values in self.overrides.items():
            table = tables.setdefault(section, {})
            if isinstance(table, dict):
                table.update(values)
        try:
            return validate(tables, source=str(self.path))
        except ConfigError as error:
            # The lines are looked for only now: it takes a parse for every line of the file.
            lines = configfile.key_lines(self.path)
            raise error.located(lines) from None
