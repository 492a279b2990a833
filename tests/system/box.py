"""Owns a box: a Debian with a real systemd in the place of one node of a lab, and its tools.

Refuses to know what is installed in it. What is written into it survives its reboot and ends with
the `with` block.
"""

import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.lab import LabError, LabTimeoutError, Node
from tests.system.machine import Machine
from tests.system.scratch import new_name, scratch_folder

ENVIRONMENT = ("PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=/root")
POLL_SECONDS = 0.05
TAIL = 20

Entry = dict[str, Any]
Found = TypeVar("Found")


class Box:
    """A context manager; the box is booted when it is entered."""

    def __init__(self, lower: Sequence[Path], node: Node) -> None:
        """Plan a box in the namespace of a node, on a root and what lies above, uppermost first."""
        self.node = node
        self._lower = lower
        self._name = new_name()
        self._folder: Path
        self._machine: Machine
        self._stack = contextlib.ExitStack()
        self._power = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._folder = stack.enter_context(scratch_folder(self._name))
            self._power = stack.enter_context(contextlib.ExitStack())
            self._boot()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    @property
    def leader(self) -> int:
        """The box's systemd, by its number outside."""
        return self._machine.leader

    @property
    def boot_ns(self) -> int:
        """When the last boot began, by the monotonic clock, which is the box's as well."""
        return self._machine.boot_ns

    @property
    def layer(self) -> Path:
        """What was written into the box; complete once it is off."""
        return self._folder / "upper"

    def power_off(self) -> None:
        self._machine.power_off()
        self._power.close()

    def reboot(self) -> None:
        """Stop every unit, and boot what was written; returns when all that is enabled runs."""
        self.power_off()
        self._boot()

    def run(
        self, *argv: str, check: bool = True, timeout_seconds: float = 60.0
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the box, as its root."""
        try:
            done = subprocess.run(
                self.command(*argv),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=timeout_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            said = (error.stdout or b"").decode() + (error.stderr or b"").decode()
            raise LabTimeoutError(
                f"{argv!r} in the box: not within {timeout_seconds} s: {said}"
            ) from error
        if check and done.returncode != 0:
            said = f"{done.stdout}{done.stderr}".strip()
            raise LabError(f"{argv!r} in the box ended with {done.returncode}: {said}")
        return done

    def sh(self, script: str, *, check: bool = True) -> str:
        """Run a script in the box, and give what it wrote to stdout."""
        return self.run("sh", "-euc", script, check=check).stdout

    def command(self, *argv: str) -> list[str]:
        """The command line that runs argv in the box, from outside."""
        return ["nsenter", "-t", str(self.leader), "-a", "--", "env", "-i", *ENVIRONMENT, *argv]

    def path(self, inside: str) -> Path:
        """A path of the box as it is seen from here while the box runs.

        An absolute link on the way would lead out of the box.
        """
        return Path(f"/proc/{self.leader}/root") / inside.lstrip("/")

    def write(self, inside: str, text: str, mode: int = 0o644) -> None:
        """Write a file into the box, with the folders that it needs."""
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)

    def copy_in(self, source: Path, inside: str) -> None:
        """Copy a file into the box, with the folders that it needs."""
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, path)

    def show(self, unit: str, *names: str) -> dict[str, str]:
        """Properties of a unit, as systemd tells them."""
        said = self.run("systemctl", "show", f"--property={','.join(names)}", unit).stdout
        return dict(line.split("=", 1) for line in said.splitlines())

    def wait_property(
        self, unit: str, name: str, value: str, timeout_seconds: float = 20.0
    ) -> dict[str, str]:
        """Wait until a property of a unit has this value; what else is asked for is in the error.

        systemd tells changes on D-Bus only, which the box does not have.
        """
        wanted = (name, "ActiveState", "SubState", "Result", "StatusText")

        def is_so() -> dict[str, str] | None:
            shown = self.show(unit, *wanted)
            return shown if shown.get(name) == value else None

        return _wait(is_so, timeout_seconds, lambda: f"{unit}: {self.show(unit, *wanted)}")

    def wait_until(self, is_so: Callable[[], bool], timeout_seconds: float) -> None:
        """Wait for anything else; the journal's end is in the error."""
        _wait(lambda: is_so() or None, timeout_seconds, self._tail)

    def journal(self, *arguments: str) -> list[Entry]:
        """Entries of this boot, of all units; arguments are journalctl's: ("-u", "a.service")."""
        said = self.run("journalctl", "--boot", "--output=json", "--all", *arguments).stdout
        return [json.loads(line) for line in said.splitlines()]

    def wait_journal(
        self,
        predicate: Callable[[Entry], bool],
        *arguments: str,
        timeout_seconds: float = 20.0,
    ) -> Entry:
        """Wait for the first entry of this boot, past or to come, that the predicate accepts."""

        def look() -> Entry | None:
            return next((entry for entry in self.journal(*arguments) if predicate(entry)), None)

        return _wait(look, timeout_seconds, lambda: self._tail(*arguments))

    def _tail(self, *arguments: str) -> str:
        said = [str(entry.get("MESSAGE")) for entry in self.journal(*arguments)[-TAIL:]]
        return "the journal's last entries:" + "".join(f"\n  {one}" for one in said)

    def _boot(self) -> None:
        self._machine = self._power.enter_context(
            Machine(
                self._folder,
                self._lower,
                name=self._name,
                host_name=self.node.name,
                namespace=self.node.namespace,
            )
        )


def _wait(
    look: Callable[[], Found | None], timeout_seconds: float, describe: Callable[[], str]
) -> Found:
    """Look until something is found. Each look costs some 15 ms."""
    deadline = time.monotonic() + timeout_seconds
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise LabTimeoutError(f"not within {timeout_seconds} s; {describe()}")
        time.sleep(POLL_SECONDS)
    return found
