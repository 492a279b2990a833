"""Checks that the collector leaves alone what has lasted, and nothing else; in a process apart."""

import subprocess
import sys

PROGRAM = """
import gc, sys, weakref
from pokepodsd.edge.garbage import spare_survivors

class Known: pass

spare_survivors()
known = [Known() for _ in range(100_000)]
lasting = gc.get_freeze_count()
cycle = Known()
cycle.itself = cycle
dropped = weakref.ref(cycle)
del cycle
others = [Known() for _ in range(100_000)]
survivor = weakref.ref(known[0])
known.clear()
has_spared = lasting > 50_000 or sys.version_info >= (3, 14)
print(has_spared, dropped() is None, survivor() is None, gc.isenabled())
"""


def test_what_lasts_is_looked_at_once() -> None:
    """Of much that is known most is out of sight; cycles of now are freed, and what is dropped."""
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=False, capture_output=True, text=True
    )
    assert (said.stdout, said.stderr) == ("True True True True\n", "")
