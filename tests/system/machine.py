"""Owns one boot of a box, from the start of systemd-nspawn to its end, and what it runs in.

It never outlives the `with` block, nor the process that began it: nspawn has a mount and a process
namespace of its own, so that the kernel ends every process and mount of the box with it. nspawn
alone would leave the box running when it is killed.
"""

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab import LabError, LabTimeoutError, NotifySocket, Process
from tests.system.controlgroups import control_groups

BOOT_SECONDS = 60.0
OFF_SECONDS = 30.0
LOOK_SECONDS = 0.25
CONSOLE_LINES = 40

# SIGRTMIN+4 asks systemd for poweroff.target (systemd(1), Signals).
POWER_OFF = signal.SIGRTMIN + 4

# The first arguments are the overlay's options, its mount point and the number of control groups.
# nspawn keeps notes below /run/systemd, which nobody would remove.
LAUNCHER = """
set -eu
options=$1 merged=$2 groups=$3
shift 3
while [ "$groups" -gt 0 ]; do
    echo 0 > "$1/cgroup.procs"
    shift
    groups=$((groups - 1))
done
mkdir -p /run/systemd
mount -t tmpfs tmpfs /run/systemd
mount -t overlay overlay -o "$options" "$merged"
exec "$@"
"""


class Machine:
    """A context manager: boots, and returns once everything that is enabled is started."""

    def __init__(
        self, folder: Path, lower: Sequence[Path], *, name: str, host_name: str, namespace: str
    ) -> None:
        """Plan a boot; what is written stays in the folder, for the next one."""
        self._folder = folder
        self._name = name
        self._layers = ":".join(str(path) for path in lower)
        self._host_name = host_name
        self._namespace = namespace
        self._stack = contextlib.ExitStack()
        self._process: Process
        self._notify: NotifySocket
        self.leader = 0
        self.boot_ns = 0

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            groups = stack.enter_context(control_groups(self._name))
            self._notify = stack.enter_context(NotifySocket(self._folder / "notify"))
            self.boot_ns = time.monotonic_ns()
            self._process = stack.enter_context(self._start(groups))
            self._wait_ready()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def power_off(self) -> None:
        """Let systemd stop all units, and return once the box is off."""
        if not self._process.is_running:
            raise LabError(f"{self._host_name} went off by itself{self.console()}")
        os.kill(self.leader, POWER_OFF)
        try:
            self._process.wait(OFF_SECONDS)
        except LabTimeoutError as error:
            raise LabTimeoutError(f"not off: {error}{self.console()}") from error

    def console(self) -> str:
        """The last that the box said on its console."""
        lines = "".join(f"\n  {line}" for line in self._process.lines()[-CONSOLE_LINES:])
        return f"; its console's last lines:{lines or ' none'}"

    def _start(self, groups: Sequence[Path]) -> Process:
        # What overlayfs keeps of a volatile mount says that it may not be mounted again.
        shutil.rmtree(self._folder / "work", ignore_errors=True)
        for name in ("upper", "work", "merged"):
            (self._folder / name).mkdir(exist_ok=True)
        upper, work, merged = (str(self._folder / name) for name in ("upper", "work", "merged"))
        # Volatile: no sync of the box waits for the disk; only a crash of the host would matter.
        options = f"lowerdir={self._layers},upperdir={upper},workdir={work},volatile"
        return Process(
            [
                *("setpriv", "--pdeathsig", "KILL"),
                *("unshare", "--pid", "--fork", "--kill-child", "--mount-proc"),
                # What the host unmounts meanwhile, such as the namespaces of a lab, is free here.
                *("--mount", "--propagation", "slave"),
                *("sh", "-c", LAUNCHER, "sh", options, merged, str(len(groups))),
                *map(str, groups),
                *self._nspawn(merged),
            ],
            env={"PATH": os.environ["PATH"], "NOTIFY_SOCKET": str(self._notify.path)},
        )

    def _nspawn(self, merged: str) -> list[str]:
        return [
            *("systemd-nspawn", "--quiet", "--boot", f"--directory={merged}"),
            *(f"--machine={self._name}", f"--hostname={self._host_name}"),
            *("--register=no", "--keep-unit", "--link-journal=no"),
            *("--resolv-conf=off", "--timezone=off"),
            *("--notify-ready=yes", "--console=pipe"),
            f"--network-namespace-path=/run/netns/{self._namespace}",
            # systemd 256 and later refuse to boot on control groups of version 1 without it.
            "--setenv=SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1",
        ]

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + BOOT_SECONDS
        while True:
            try:
                self._notify.wait_for("READY=1", LOOK_SECONDS)
            except LabTimeoutError as error:
                if self._process.is_running and time.monotonic() < deadline:
                    continue
                raise LabError(f"{self._host_name} did not boot{self.console()}") from error
            break
        (nspawn,) = _children(self._process.pid)
        (self.leader,) = _children(nspawn)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
