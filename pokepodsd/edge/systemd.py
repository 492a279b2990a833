"""What systemd knows of a unit, as `systemctl show` tells it.

Owns the program and its output. What the properties mean is its reader's business.
"""

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from pokepodsd.errors import PokepodsdError

_PATIENCE_SECONDS = 5.0


class SystemdError(PokepodsdError):
    """systemd cannot be asked."""


def is_booted(root: Path = Path("/")) -> bool:
    """Whether systemd runs this host (sd_booted(3))."""
    return (root / "run/systemd/system").is_dir()


def show(unit: str, properties: Iterable[str]) -> Mapping[str, str]:
    """The properties of a unit by name; those that this systemd does not know are missing.

    Raises:
        SystemdError: there is no answer, with the reason.
    """
    argv = ["systemctl", "show", f"--property={','.join(properties)}", "--", unit]
    try:
        done = subprocess.run(  # noqa: S603 -- the words are our own
            argv,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SystemdError(f"systemctl does not answer in {_PATIENCE_SECONDS:g} s") from error
    except OSError as error:
        raise SystemdError(f"systemctl cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        said = " ".join(done.stderr.split())[:200]
        raise SystemdError(f"systemctl ended with status {done.returncode}: {said}")
    pairs = (line.partition("=") for line in done.stdout.splitlines())
    return {name: value for name, _, value in pairs}
