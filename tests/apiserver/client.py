"""The server as a child process of a test, a demonstration or a benchmark.

Owns: starting, waiting for the ready line, stopping, killing and restarting on the same port.
Refuses: to know what the server answers.
"""

import datetime
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.apiserver.admin import Admin
from tests.apiserver.control_client import Control
from tests.apiserver.kubeconfig import write_kubeconfig
from tests.apiserver.pki import MASTERS, Authority

ROOT = Path(__file__).resolve().parents[2]
STOP_SECONDS = 10.0

__all__ = ["ApiServer", "Control", "NotReadyError"]


class NotReadyError(AssertionError):
    """The program ended without saying that it is ready."""


class ApiServer:
    """A context manager. `prefix` runs the program elsewhere: ["ip", "netns", "exec", "x"]."""

    def __init__(
        self,
        directory: Path,
        *,
        listen: str = "127.0.0.1",
        port: int = 0,
        names: Sequence[str] = (),
        prefix: Sequence[str] = (),
    ) -> None:
        self.directory = directory
        self.listen = listen
        self.port = port
        self.url = ""
        self.pid = 0
        self.valid_until: datetime.datetime | None = None
        """The end of the server's certificate, from the next start on; None for years ahead."""
        self.authority = Authority(directory)
        self._names = names
        self._prefix = prefix
        self._process: subprocess.Popen[bytes] | None = None
        self._admin: Admin | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def control(self) -> Control:
        return Control(self.control_path)

    @property
    def control_path(self) -> Path:
        return self.directory / "control"

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def admin(self) -> Admin:
        """Speaks TCP from this process: the address must be reachable from here."""
        if self._admin is None:
            certificate = self.directory / "admin.pem"
            issued = self.authority.issue("kubernetes-admin", [MASTERS])
            certificate.touch(mode=0o600)
            certificate.write_bytes(issued.pem)
            self._admin = Admin(self.url, self.authority.certificate_path, certificate)
        return self._admin

    def kubeconfig(self, node: str, folder: Path) -> Path:
        """The kubelet's files of a node in `folder`; gives the path of kubelet.conf."""
        return write_kubeconfig(self.authority, folder, self.url, node)

    def start(self) -> None:
        if self.is_running:
            raise RuntimeError("the server runs already")
        self._process = subprocess.Popen(
            self._command(), stdout=subprocess.PIPE, cwd=ROOT, env=os.environ | _unbuffered()
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise NotReadyError(f"exit status {self._process.wait()}: {' '.join(self._command())}")
        ready = json.loads(line)
        self.url = ready["url"]
        self.pid = ready["pid"]
        self.port = int(self.url.rpartition(":")[2])

    def stop(self, *, save: bool = False) -> None:
        """By SIGTERM. `save` keeps the objects for the next start in the same directory."""
        self._finish(signal.SIGTERM, save=save)

    def kill(self, *, save: bool = False) -> None:
        """By SIGKILL: connections are reset or closed by the kernel."""
        self._finish(signal.SIGKILL, save=save)

    def restart(self, *, abruptly: bool = False) -> None:
        """The same port, authority, objects, tokens and settings; history and faults are gone."""
        self._finish(signal.SIGKILL if abruptly else signal.SIGTERM, save=True)
        self.start()

    def freeze(self) -> None:
        """SIGSTOP: the kernel goes on accepting and nobody answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def _finish(self, number: signal.Signals, *, save: bool) -> None:
        if self._process is None or self._process.stdout is None:
            return
        if self._admin is not None:
            self._admin.close()
            self._admin = None
        if self._process.poll() is None:
            if save:
                self.control.save()
            # The pid that the program told: a prefix may have put a process between.
            os.kill(self.pid, signal.SIGCONT)
            os.kill(self.pid, number)
            self._process.wait(STOP_SECONDS)
        self._process.stdout.close()
        self._process = None

    def _command(self) -> list[str]:
        command = [*self._prefix, sys.executable, "-m", "tests.apiserver"]
        command += ["--listen", self.listen, "--port", str(self.port)]
        command += ["--directory", str(self.directory.resolve())]
        for name in self._names:
            command += ["--name", name]
        if self.valid_until is not None:
            command += ["--valid-until", self.valid_until.isoformat()]
        return command


def _unbuffered() -> dict[str, str]:
    return {"PYTHONUNBUFFERED": "1"}
