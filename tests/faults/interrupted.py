"""The daemon, with a signal to itself at one exact moment: `python -m`, see `signalled_at`.

Owns the moment: the interpreter tells of every file that it opens, every rename and every socket
(PEP 578), before it is done. Changes nothing else of the program.
"""

import os
import runpy
import signal
import sys
from collections.abc import Sequence


def signalled_at(event: str, what: str, count: int, number: signal.Signals) -> Sequence[str]:
    """What Python is to be started with, for `tests.cluster.Cluster.program`.

    The signal comes right before the ``count``-th event whose name begins so (docs.python.org,
    audit events table) and whose arguments, as text, have ``what`` in them.
    """
    return ("-m", "tests.faults.interrupted", event, what, str(count), str(number.value))


def _watch(event: str, what: str, count: int, number: int) -> None:
    left, pid = count, os.getpid()

    def note(name: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        # What was forked has the hook as well, and is not meant.
        if left and name.startswith(event) and (not what or what in str(arguments)):
            left -= 1
            if not left and os.getpid() == pid:
                os.kill(pid, number)

    sys.addaudithook(note)


if __name__ == "__main__":
    _, wanted, text, times, sent = sys.argv[:5]
    sys.argv[:] = ["pokepodsd", *sys.argv[5:]]
    _watch(wanted, text, int(times), int(sent))
    runpy.run_module("pokepodsd", run_name="__main__")
