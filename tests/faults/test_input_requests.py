"""Requests at the control socket that no client of pokepodsd makes, and what becomes of them."""

import json
import socket
from itertools import product
from typing import Any, Final

from pokepodsd.core.entries import EventKind
from pokepodsd.edge.control import NAME
from tests.faults.attacker import metrics
from tests.faults.stage import Stage
from tests.fuzz.mutations import ENORMOUS, HOSTILE, WRONG
from tests.fuzz.shown import check_line

PATIENCE_SECONDS: Final = 30.0
_VALUES: Final = (*WRONG, *HOSTILE, ENORMOUS[0])
NO_REQUESTS: Final = (b"\n", b"null\n", b"[]\n", b"{\n", b"\xff\xfe\n", b"[" * 50_000 + b"\n")


def requests() -> list[bytes]:
    """Each field of each request with each bad value, and what is no request at all."""
    places: list[dict[str, Any]] = [{}]
    places += [{name: value} for name, value in product(("status", "hold", "other"), _VALUES)]
    fields = ("peers", "targets", "peer", "namespace")
    places += [{"status": {name: value}} for name, value in product(fields, _VALUES)]
    places += [{"hold": "node-b", "seconds": value} for value in _VALUES]
    return [*(json.dumps(one).encode() + b"\n" for one in places), *NO_REQUESTS]


def answer(stage: Stage, request: bytes) -> list[bytes]:
    """The lines of the answer, until its end or that of the connection."""
    lines: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE_SECONDS)
        client.connect(str(stage.cluster.runtime_folder(stage.here) / NAME))
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        with client.makefile("rb") as received:
            lines.extend(received)
    return lines


def test_every_field_of_a_request_with_every_bad_value(staged: Stage) -> None:
    """Refused in one line or answered, with nothing that a terminal obeys; the daemon pokes on.

    What is no request is told at most once a minute.
    """
    for request in requests():
        for line in answer(staged, request):
            assert isinstance(json.loads(line), dict)
            check_line(line.decode().removesuffix("\n"))
    assert metrics(staged)["pods_known"] == len(staged.pods)
    staged.survived(EventKind.CONTROL_REFUSED)
