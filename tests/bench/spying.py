"""Samples of a running Python process: py-spy's.

Owns starting it and reading what it writes. Knows no stage.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

# The process is stopped for each sample, some tenths of a millisecond: else stacks change while they
# are read, and one in seven has no stage. At 1,000 a second the pauses cool the caches: what the
# kernel does seemed a third less than at 100 to 300, and than perf says it is.
_RATE: Final = 200
# Also taken for running when it is waked by the sampling alone; perf sees 0.4 % of the time in it.
_ASLEEP: Final = "EpollSelector.select ("


def spy(pid: int, seconds: int, folder: Path) -> str:
    """Lines of "frame;frame;frame 12", outermost first, of the time in which the process ran."""
    program = Path(sys.executable).with_name("py-spy")
    written = folder / "samples.txt"
    subprocess.run(
        [
            *(program, "record", "--pid", str(pid), "--format", "raw", "--function"),
            *("--rate", str(_RATE), "--duration", str(seconds), "--output", written),
        ],
        check=True,
        capture_output=True,
    )
    lines = written.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if _ASLEEP not in line)
