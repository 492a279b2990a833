"""On what machine and with which versions was measured.

Owns that description, and refuses to judge by it.
"""

import os
import platform
import re
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

_PACKAGES = ("kubernetes", "icmplib", "pyroute2", "urllib3", "click", "prometheus-client", "rich")
# Each program with how it tells its version.
_PROGRAMS = {
    "fping": ("fping", "--version"),
    "ping": ("ping", "-V"),
    "smokeping_prober": ("prometheus-smokeping-prober", "--version"),
}


def machine() -> dict[str, str]:
    """The processor, the memory and the system, in words."""
    processor = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    system = platform.freedesktop_os_release()
    return {
        "processor": processor[1] if processor else platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{int(memory[1]) / 1024 / 1024:.1f} GiB" if memory else "not known",
        "kernel": platform.release(),
        "system": system.get("PRETTY_NAME", "not known"),
    }


def versions() -> dict[str, str]:
    """What was measured, and beside what."""
    found = {"pokepodsd": f"{version('pokepodsd')} ({_commit()})"}
    found["Python"] = platform.python_version()
    found |= {name: version(name) for name in _PACKAGES}
    return found | {name: _version_of(command) for name, command in _PROGRAMS.items()}


def sentence(parts: Mapping[str, str]) -> str:
    """Such a description on one line."""
    return ", ".join(f"{name} {value}" for name, value in parts.items())


def _version_of(command: tuple[str, ...]) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    number = re.search(r"\d[\w.]+", done.stdout + done.stderr)
    return number[0] if number else "not known"


def _commit() -> str:
    """The checkout's commit; its files alone, where they are no checkout."""
    command = ("git", "describe", "--always", "--dirty")
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stdout.strip() or "no checkout"
