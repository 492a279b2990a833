"""Runs an exec credential plugin (client.authentication.k8s.io), and ends it with all it started.

Owns the plugin's process, its time, and how much it may say. What it says is told to nobody: it
is a secret, or what is wrong with one. The kubernetes package would wait for a plugin without end,
hold all that it prints, and leave what it started behind.
"""

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# prctl(2)
_SET_DEATH_SIGNAL = 1
_SET_SUBREAPER = 36
# A token is some kB, a certificate with its chain and key some more.
_MOST_BYTES = 1024 * 1024
_CHUNK = 64 * 1024
# How soon the end is noticed of a plugin that left its output open to what it started.
_LOOK_SECONDS = 0.05
# What was killed is gone at once, unless it waits for a disk.
_END_SECONDS = 1.0


class PluginError(Exception):
    """It gave nothing; the text says why, without anything that it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """What a kubeconfig says of its plugin; ``folder`` is the kubeconfig's own."""

    command: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    version: str
    cluster: Mapping[str, Any] | None
    folder: Path

    def place(self) -> Path | None:
        """The program: relative to the kubeconfig, or of the PATH; None where there is none."""
        if "/" in self.command:
            return self.folder / self.command
        path = self.environment.get("PATH", os.environ.get("PATH", os.defpath))
        found = shutil.which(self.command, path=path)
        return Path(found) if found else None


def run(plugin: Plugin, program: Path | None, *, seconds: float) -> dict[str, Any]:
    """Run it, end whatever it started, and give the ``status`` of its ExecCredential.

    ``program`` is where `Plugin.place` found it: what was examined there is what runs.

    Raises:
        PluginError: it cannot be started, fails, says too much or nothing that can be used, or
            does not end in time.
    """
    if program is None:
        raise PluginError("there is no such program in PATH")
    info: dict[str, Any] = {"interactive": False}
    if plugin.cluster is not None:
        info["cluster"] = plugin.cluster
    told = {"apiVersion": plugin.version, "kind": "ExecCredential", "spec": info}
    try:
        # A time, which YAML has and JSON has not, is as it is written.
        info_text = json.dumps(told, default=str)
    except (TypeError, ValueError, RecursionError):
        # The error's own text quotes the file.
        raise PluginError("the kubeconfig's cluster has what cannot be told to it") from None
    environment = {**os.environ, **plugin.environment, "KUBERNETES_EXEC_INFO": info_text}
    with _ended([str(program), *plugin.arguments], environment, plugin.folder) as process:
        said = _read(process, time.monotonic() + seconds, seconds)
    return _status(said, plugin.version)


def _read(process: subprocess.Popen[bytes], deadline: float, seconds: float) -> bytes:
    """All that it says until its end, whoever else has its output open."""
    assert process.stdout is not None  # noqa: S101 -- it is a pipe
    descriptor, said, is_open = process.stdout.fileno(), bytearray(), True
    while is_open or process.poll() is None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise PluginError(f"it did not end within {seconds:g} s")
        has_ended = process.poll() is not None
        wait = 0.0 if has_ended else min(left, _LOOK_SECONDS)
        if not select.select([descriptor] if is_open else [], [], [], wait)[0]:
            is_open = is_open and not has_ended
            continue
        part = os.read(descriptor, _CHUNK)
        is_open = bool(part)
        said += part
        if len(said) > _MOST_BYTES:
            raise PluginError(f"it says more than {_MOST_BYTES // 1024} kB")
    if process.returncode:
        raise PluginError(_end(process.returncode))
    return bytes(said)


def _end(code: int) -> str:
    if code > 0:
        return f"it ended with status {code}"
    return f"it was ended by {signal.Signals(-code).name}"


def _status(said: bytes, version: str) -> dict[str, Any]:
    try:
        credential = json.loads(said)
    except (ValueError, RecursionError):
        # The error's own text quotes what was said: it is not kept as a cause.
        raise PluginError("what it says is not JSON") from None
    if not isinstance(credential, dict) or not isinstance(credential.get("status"), dict):
        raise PluginError("what it says is no ExecCredential with a status")
    if credential.get("apiVersion") != version:
        raise PluginError("what it says is not of the apiVersion that the kubeconfig names")
    status: dict[str, Any] = credential["status"]
    return status


@contextmanager
def _ended(
    command: Sequence[str], environment: Mapping[str, str], folder: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A process for the time of the block; after it, nothing of it is left."""
    control: Callable[..., int] = ctypes.CDLL(None).prctl
    try:
        before = _children()
    except OSError as error:
        raise PluginError(f"it cannot be started: {error.strerror}") from None
    # What loses its parent becomes a child of this process, and is found, whatever its session.
    control(_SET_SUBREAPER, 1, 0, 0, 0)
    try:
        process = _start(command, environment, folder, control)
        try:
            yield process
        finally:
            if process.stdout is not None:
                process.stdout.close()
            process.kill()
            process.wait()
    finally:
        _end_all_but(before)
        control(_SET_SUBREAPER, 0, 0, 0, 0)


def _start(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    control: Callable[..., int],
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=environment,
            # It shall not ask at a terminal.
            start_new_session=True,
            # If this process is killed, nobody is left to end it. One system call, of what was
            # loaded before the fork.
            preexec_fn=lambda: control(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0),  # noqa: PLW1509
        )
    except (OSError, ValueError) as error:
        # ValueError: a zero byte. The text of it may quote what may be a secret.
        reason = getattr(error, "strerror", None) or "its arguments are malformed"
        raise PluginError(f"it cannot be started: {reason}") from None


def _end_all_but(before: Set[int]) -> None:
    """Kill what is left, and what comes to this process when its own parent is killed."""
    deadline = time.monotonic() + _END_SECONDS
    # OSError: descriptors are used up, or another thread was there first, see `reader`.
    with suppress(OSError):
        while (left := _children() - before) and time.monotonic() < deadline:
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            for pid in left:
                os.waitpid(pid, 0)


def _children() -> set[int]:
    """This process's children, whichever thread they are counted with (proc(5))."""
    found: set[int] = set()
    for thread in Path("/proc/self/task").iterdir():
        try:
            found |= {int(pid) for pid in (thread / "children").read_text().split()}
        except (FileNotFoundError, ProcessLookupError):
            # The thread ended, or the kernel has no such file.
            continue
    return found
