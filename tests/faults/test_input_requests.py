"""What no client should say at the control socket of a running daemon."""

import json
import socket
from typing import Any

from pokepodsd.core.entries import EventKind
from tests.faults.stage import Stage
from tests.fuzz.mutations import BAD
from tests.fuzz.shown import check_line

REQUESTS: tuple[dict[str, Any], ...] = (
    {"status": {"peers": "all", "targets": "none", "peer": "node-b", "namespace": "shop"}},
    {"hold": "node-b", "seconds": 1},
    {"metrics": {}},
)
PATIENCE_SECONDS = 20.0


def ask(staged: Stage, line: bytes) -> list[bytes]:
    """One client with one line; what it is told first, if anything."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE_SECONDS)
        client.connect(str(staged.control))
        client.sendall(line + b"\n")
        with client.makefile("rb") as said:
            return [one for one in [said.readline()] if one]


def test_each_part_of_a_request_with_each_bad_value(staged: Stage) -> None:
    """An answer of one line, or none and the end; what is no request is told once a minute."""
    for request in REQUESTS:
        for name, inner in request.items():
            lines = [json.dumps({**request, name: value}) for value in BAD]
            if isinstance(inner, dict):
                lines += [json.dumps({name: {**inner, key: one}}) for key in inner for one in BAD]
            for line in lines:
                for told in ask(staged, line.encode()[:60_000]):
                    assert isinstance(json.loads(told), dict)
                    check_line(told.decode().rstrip("\n"))
    for garbage in (b"", b"\0", b"[]", b"null", b"\xff\xfe", b"[" * 60_000, b'{"status"'):
        assert ask(staged, garbage) == []
    staged.survived(EventKind.CONTROL_REFUSED)
