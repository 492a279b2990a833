"""The pauses of Python's garbage collector, in which no poke leaves.

Owns that they stay short however much is known. Reference counts free nearly all that is dropped;
the collector is there for what hangs in a cycle. A full pass of it looks at every object that there
is: at 150,000 pods a fifth of a second. So what has outlived one full pass is not looked at again.
The price: a cycle that lives that long, and is dropped later, is not freed. Since Python 3.14 the
collector goes through old objects a part at a time, calls no pass of its own a full one, and
nothing here has an effect.
"""

import gc
from typing import Any

# Of the collector's own thresholds only the last differs: a full pass after 2 of the pass before,
# not 11, since each looks at little: some 15,000 objects, 8 ms.
_THRESHOLDS = (700, 10, 1)
_FULL = 2


def spare_survivors() -> None:
    """From now on, in this process."""
    gc.set_threshold(*_THRESHOLDS)
    gc.callbacks.append(_spare)


def _spare(phase: str, info: dict[str, Any]) -> None:
    if phase == "stop" and info["generation"] == _FULL:
        gc.freeze()
