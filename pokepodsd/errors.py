"""The one exception tree of pokepodsd.

Owns every exception that crosses a module border, and the exit status that each one ends the
program with. Foreign exceptions are turned into these once, at the edge, with their cause kept.
An error's text is one line: what, where, what to try. Only ``cli`` exits.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

# Of a key that is none: the line that tells it is for a person.
_LONGEST_KEY = 100


class PokepodsdError(Exception):
    """Base of all errors raised on purpose; ``exit_status`` is what the command line ends with."""

    exit_status = 1

    @property
    def lines(self) -> tuple[str, ...]:
        """What is told of it, line by line. A name in one may hold a newline: no line is split."""
        return (str(self),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One thing wrong in the configuration: the setting's key path, what is wrong, its line."""

    key: str
    text: str
    line: int | None = None


class ConfigError(PokepodsdError):
    """The configuration is not usable; carries every complaint found, not only the first.

    The status is EX_CONFIG of sysexits.h, which the unit names in RestartPreventExitStatus.
    """

    exit_status = 78

    def __init__(self, source: str, complaints: tuple[Complaint, ...]) -> None:
        self.source = source
        self.complaints = complaints
        super().__init__("\n".join(self.lines))

    @property
    def lines(self) -> tuple[str, ...]:
        """A line for each complaint."""
        return tuple(self._line(complaint) for complaint in self.complaints)

    def located(self, lines: Mapping[str, int]) -> "ConfigError":
        """The same error, with the line of each key that is known, in the order of lines."""
        complaints = [replace(one, line=lines.get(one.key)) for one in self.complaints]
        complaints.sort(key=lambda one: one.line or 0)
        return ConfigError(self.source, tuple(complaints))

    def _line(self, complaint: Complaint) -> str:
        where = self.source if complaint.line is None else f"{self.source}:{complaint.line}"
        if not complaint.key:
            return f"{where}: {complaint.text}"
        return f"{where}: {complaint.key:.{_LONGEST_KEY}}: {complaint.text}"


class PrivilegeError(PokepodsdError):
    """The host does not let this process do its work (EX_NOPERM of sysexits.h)."""

    exit_status = 77


class ApiError(PokepodsdError):
    """The API server cannot be asked (EX_UNAVAILABLE of sysexits.h)."""

    exit_status = 69


class CredentialsError(ApiError):
    """No kubeconfig, or one that cannot be used; the text never holds a secret."""


class PluginFailedError(CredentialsError):
    """The exec plugin of a kubeconfig gave no credentials; the text holds nothing that it said."""


class UntrustedError(CredentialsError):
    """Credentials, or a plugin for them, that others may write: refused, whatever they say.

    ``what`` is who may write what; ``remedy`` the command that mends it.
    """

    def __init__(self, what: str, remedy: str) -> None:
        self.what = what
        self.remedy = remedy
        super().__init__(f"{what}; look at what it says, then try {remedy}")


class ConnectionLostError(ApiError):
    """The connection could not be made, or ended before the answer was complete."""


class SilentError(ApiError):
    """The connection is open and nothing came for longer than the server may be quiet."""


class GarbledError(ApiError):
    """What arrived is not what the protocol says: not JSON, too long, of the wrong shape."""


class TooLargeError(GarbledError):
    """An answer is longer than what is held in memory."""


class ControlError(PokepodsdError):
    """The running daemon cannot be asked, or refuses (EX_UNAVAILABLE of sysexits.h)."""

    exit_status = 69


class NoDaemonError(ControlError):
    """Nobody listens at the control socket: pokepodsd does not run, or has none.

    The status is 3, as `systemctl status` has for a unit that does not run.
    """

    exit_status = 3

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(
            f"no pokepodsd can be asked at {place} ({reason}): start it with systemctl start "
            "pokepodsd, or see with systemctl status pokepodsd why it does not run"
        )


class DeniedError(ControlError):
    """The control socket is there, and this user may not use it (EX_NOPERM of sysexits.h)."""

    exit_status = 77

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(
            f"the running pokepodsd may not be asked at {place} ({reason}): run it as root or as a "
            "member of the group pokepodsd"
        )


class DocumentError(ControlError):
    """What was answered is not the document that was asked for, or not all of it."""


class DaemonSilentError(ControlError):
    """The running daemon did not answer in time."""


class UnknownTargetError(PokepodsdError):
    """What the operator named is not known, or nothing on the way to it can be poked.

    The status is EX_UNAVAILABLE of sysexits.h.
    """

    exit_status = 69


class SourceError(PokepodsdError):
    """Something that a picture of the cluster is made from cannot be read (EX_UNAVAILABLE)."""

    exit_status = 69


class OutputError(PokepodsdError):
    """What a command made cannot be written where it was told to (EX_CANTCREAT)."""

    exit_status = 73


class StateFileError(PokepodsdError):
    """The file of last known targets is damaged, or not ours."""
