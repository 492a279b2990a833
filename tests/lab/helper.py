"""Owns the program behind the nodes of a lab, from its start to its end, and what it is told.

It ends when the socket closes on which it takes its orders: with the lab, or with whoever built
the lab, however that died.
"""

import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.lab.errors import LabError

PROGRAM = "tests.lab.helperprogram"
ROOT = Path(__file__).parents[2]
TIMEOUT_SECONDS = 10.0
LARGEST_ORDER = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What is to be done in one node; no device where the kernel has the tunnel itself."""

    node: str
    namespace: str
    device: str | None
    port: int


class Helper:
    """Wraps and unwraps the packets of all nodes of a lab, and answers TCP for their pods."""

    def __init__(self, blocks: Mapping[str, str]) -> None:
        self._blocks = dict(blocks)
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._orders.settimeout(TIMEOUT_SECONDS)
        with theirs:
            # A session of its own, so that Ctrl-C leaves the tunnels to whoever cleans up.
            self._process = subprocess.Popen(
                [sys.executable, "-m", PROGRAM],
                stdin=theirs.fileno(),
                cwd=ROOT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def serve(self, service: Service) -> None:
        """Begin with a node; a new device of the tunnel is there when this returns."""
        self._order({"serve": asdict(service), "blocks": self._blocks})

    def leave(self, node: str) -> None:
        """Have done with a node, and hold nothing of its namespace any more."""
        self._order({"leave": node})

    def close(self) -> None:
        self._orders.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(TIMEOUT_SECONDS)
        self._process.kill()
        self._process.wait()

    def _order(self, order: Mapping[str, Any]) -> None:
        try:
            self._orders.send(json.dumps(order).encode())
            answer = self._orders.recv(LARGEST_ORDER).decode()
        except OSError as error:
            raise LabError(f"the lab's helper {self.pid} does not answer: {error}") from error
        if answer != "done":
            raise LabError(f"the lab's helper {self.pid} failed: {answer or 'it is gone'}")
