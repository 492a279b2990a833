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


def spy(pid: int, seconds: int, folder: Path) -> str:
    """Lines of "frame;frame;frame 12", outermost first, also while it sleeps.

    py-spy could leave out the sleep, but it looks for that before it stops the process. It runs
    before anybody else: where both share a core, it would have its turn when the process sleeps.
    """
    program = Path(sys.executable).with_name("py-spy")
    written = folder / "samples.txt"
    subprocess.run(
        [
            *(
                "chrt",
                "--fifo",
                "1",
                program,
                "record",
                "--pid",
                str(pid),
                "--format",
                "raw",
                "--function",
                "--idle",
            ),
            *("--rate", str(_RATE), "--duration", str(seconds), "--output", written),
        ],
        check=True,
        capture_output=True,
    )
    return written.read_text(encoding="utf-8")
