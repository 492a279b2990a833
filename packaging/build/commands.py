"""Runs the programs that the build stands on; what goes wrong is one error."""

import subprocess
from collections.abc import Mapping, Sequence

from errors import BuildError


def run(command: Sequence[str], environment: Mapping[str, str], *, what: str) -> str:
    """What the command prints; ``what`` names it in an error.

    Raises:
        BuildError: it is not installed, or it fails.
    """
    try:
        done = subprocess.run(  # noqa: S603 -- our own lists
            command, env=environment, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise BuildError(f"{command[0]} is not installed") from error
    if done.returncode:
        raise BuildError(f"{what} fails:\n{done.stdout}{done.stderr}".strip())
    return done.stdout
