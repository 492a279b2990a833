"""Owns the exits of what is shown on a lab of network namespaces, and that nothing stays behind.

0 when all came true, 1 when something did not, 77 without root, and 128 plus the number of a signal
that ended it.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Protocol, TypeVar

from tests.demonstration.interrupts import Interrupts
from tests.demonstration.stage import SurpriseError
from tests.lab import LabError

NO_PERMISSION = 77
# The clients of the API server raise AssertionErrors of their own.
FAILURES = (SurpriseError, LabError, AssertionError, OSError, subprocess.SubprocessError)


class Built(Protocol):
    """What was built for the show."""

    def close(self) -> None:
        """Remove it all."""

    def find_leftovers(self) -> list[str]:
        """Say what is left after `close`."""


_Built = TypeVar("_Built", bound=Built)


def perform(name: str, make: Callable[[Interrupts], _Built], play: Callable[[_Built], int]) -> int:
    """Build, play and clean up; the exit status, which ``play`` gives if nothing is amiss."""
    if os.geteuid() != 0:
        complain(name, f"it makes network namespaces, and needs root for it: sudo make {name}")
        return NO_PERMISSION
    with Interrupts() as interrupts:
        built = make(interrupts)
        try:
            status = _play(name, interrupts, lambda: play(built))
        finally:
            failed = _clean_up(name, built)
        return failed or status


def complain(name: str, text: str) -> None:
    """One line on stderr."""
    sys.stderr.write(f"{name}: {text}\n")


def _play(name: str, interrupts: Interrupts, play: Callable[[], int]) -> int:
    try:
        return play()
    except KeyboardInterrupt:
        number = interrupts.number or signal.SIGINT
        complain(name, f"ended by {signal.Signals(number).name}, and cleans up")
        return 128 + number
    except BrokenPipeError:
        # Nobody reads on. Python would flush the rest at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except FAILURES as error:
        complain(name, str(error))
        return 1


def _clean_up(name: str, built: Built) -> int:
    try:
        built.close()
        left = built.find_leftovers()
    except FAILURES as error:
        complain(name, f"the clean-up failed: {error}")
        return 1
    if left:
        complain(name, f"the clean-up left {', '.join(left)}")
        return 1
    return 0
