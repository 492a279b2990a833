"""Checks which rights a process is left with, by what the kernel says of it."""

import subprocess
import sys
from typing import Final

import pytest

# As systemd gives them to the unit's user: NET_RAW and DAC_READ_SEARCH, ambient.
AS_THE_UNIT: Final = (
    "setpriv",
    *("--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"),
    "--inh-caps=-all,+net_raw,+dac_read_search",
    "--ambient-caps=-all,+net_raw,+dac_read_search",
    "--bounding-set=-all,+net_raw,+dac_read_search",
)
AS_ROOT: Final = ("setpriv", "--no-new-privs")
PROGRAM: Final = """
import os, subprocess, threading
from pathlib import Path
from pokepodsd.edge.capabilities import Capability, keep_only
keep_only({wanted})
def show():
    status = Path(f"/proc/self/task/{{threading.get_native_id()}}/status").read_text()
    told = dict(line.split(":\\t") for line in status.splitlines())
    print(*(int(told[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")))
thread = threading.Thread(target=show)
show()
thread.start()
thread.join()
"""
DAC_OVERRIDE, DAC_READ_SEARCH = 1 << 1, 1 << 2


def left(prefix: tuple[str, ...], wanted: str) -> tuple[int, ...]:
    """What the process is left with, and a thread that it starts afterwards."""
    program = [*prefix, sys.executable, "-c", PROGRAM.format(wanted=wanted)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=30, check=True)
    own, thread = (tuple(map(int, line.split())) for line in done.stdout.splitlines())
    assert own == thread
    return own


def test_what_the_reader_keeps_of_the_units_rights() -> None:
    """One of two, and that for an exec plugin too (ambient)."""
    kept = DAC_READ_SEARCH
    assert left(AS_THE_UNIT, "Capability.DAC_READ_SEARCH") == (kept, kept, kept, kept)


def test_what_the_exporter_keeps_of_the_units_rights() -> None:
    """None: those that it would keep are not the unit's."""
    wanted = "Capability.DAC_OVERRIDE, Capability.NET_BIND_SERVICE"
    assert left(AS_THE_UNIT, wanted) == (0, 0, 0, 0)


@pytest.mark.parametrize(("wanted", "kept"), [("", 0), ("Capability.DAC_OVERRIDE", DAC_OVERRIDE)])
def test_root_keeps_what_was_named(wanted: str, kept: int) -> None:
    """Outside of the unit root has all rights, and gives up all others."""
    assert left(AS_ROOT, wanted) == (0, kept, kept, 0)
