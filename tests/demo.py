"""Shows pokepodsd at work on three nodes made of network namespaces: `python -m tests.demo`.

Owns the exits: 0 when all came true, 1 when something did not, 77 without root, and 128 plus the
number of a signal that ended it. Whichever it is, nothing stays behind.
"""

import os
import signal
import subprocess
import sys

from tests.demonstration import story
from tests.demonstration.interrupts import Interrupts
from tests.demonstration.stage import Stage, SurpriseError
from tests.demonstration.teller import Teller
from tests.lab import LabError

NO_PERMISSION = 77
# The clients of the API server raise AssertionErrors of their own.
FAILURES = (SurpriseError, LabError, AssertionError, OSError, subprocess.SubprocessError)


def main() -> int:
    if os.geteuid() != 0:
        _complain("it makes network namespaces, and needs root for it: sudo make demo")
        return NO_PERMISSION
    with Interrupts() as interrupts:
        stage = Stage(interrupts)
        try:
            status = _play(stage, interrupts)
        finally:
            failed = _clean_up(stage)
        return failed or status


def _play(stage: Stage, interrupts: Interrupts) -> int:
    try:
        story.tell(stage, Teller(sys.stdout))
    except KeyboardInterrupt:
        number = interrupts.number or signal.SIGINT
        _complain(f"ended by {signal.Signals(number).name}, and cleans up")
        return 128 + number
    except BrokenPipeError:
        # Nobody reads on. Python would flush the rest at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except FAILURES as error:
        _complain(str(error))
        return 1
    return 0


def _clean_up(stage: Stage) -> int:
    try:
        stage.close()
        left = stage.find_leftovers()
    except FAILURES as error:
        _complain(f"the clean-up failed: {error}")
        return 1
    if left:
        _complain(f"the clean-up left {', '.join(left)}")
        return 1
    return 0


def _complain(text: str) -> None:
    sys.stderr.write(f"demo: {text}\n")


if __name__ == "__main__":
    sys.exit(main())
