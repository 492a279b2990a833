"""Samples of a running Python process: py-spy's.

Owns starting it and reading what it writes. Knows no stage.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

# The process stands still for each sample, tenths of a millisecond: else stacks change while they
# are read, and one in seven has no stage. At 1,000 a second the pauses cool the caches: what the
# kernel does seemed a third less than at 100 to 300, and than perf says it is.
_RATE: Final = 200
# Where the process waits for its next tick. What runs is told by that alone: py-spy itself looks
# before it stops the process, half a millisecond early, and so misses the beginnings of ticks. Of
# the time that is taken, perf sees 0.4 % in there.
_ASLEEP: Final = "EpollSelector.select ("


def spy(pid: int, seconds: int, folder: Path) -> str:
    """Lines of "frame;frame;frame 12", outermost first, of the time in which the process ran."""
    program = Path(sys.executable).with_name("py-spy")
    written = folder / "samples.txt"
    subprocess.run(
        [
            *(program, "record", "--pid", str(pid), "--format", "raw", "--function", "--idle"),
            *("--rate", str(_RATE), "--duration", str(seconds), "--output", written),
        ],
        check=True,
        capture_output=True,
    )
    lines = written.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if _ASLEEP not in line)
