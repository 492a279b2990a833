"""Checks what keeps the exporter, with real children that ask, die, and do not read."""

import json
import os
import select
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pokepodsd.core.config import MetricsConfig
from pokepodsd.core.entries import EventKind, Level
from pokepodsd.core.model import SECOND_NS, MonotonicNs
from pokepodsd.edge.child import Child
from pokepodsd.exports import UNREAD_NS, Exports
from tests.edge.support import PATIENCE_SECONDS, wait_readable

Body = Callable[[socket.socket], None]
Message = Mapping[str, Any]
OFF = MetricsConfig(listen="off", textfile="off")
ON = MetricsConfig(listen="127.0.0.1:1", textfile="off")
LINE = "x" * 1_000
LARGE = 5_000


def at(seconds: float) -> MonotonicNs:
    return MonotonicNs(round(seconds * SECOND_NS))


def answer(request: Message) -> Iterator[Message]:
    """One line for metrics, 5 MB for the status."""
    if "metrics" in request:
        yield {"metrics": {"pid": 7}}
        return
    for number in range(LARGE):
        yield {"peer": {"id": number, "text": LINE}}
    yield {"end": {"peers": LARGE}}


@pytest.fixture
def make() -> Iterator[Callable[..., Exports]]:
    """Makes exports, started at 100 s, whose exporters do one after the other what is given."""
    made: list[Exports] = []

    def make_one(*bodies: Body, config: MetricsConfig = ON) -> Exports:
        left = iter(bodies)
        made.append(Exports(lambda _: Child(next(left)), answer, roll=lambda: 1.0))
        made[-1].start(config, at(100))
        return made[-1]

    yield make_one
    for one in made:
        one.stop()


Make = Callable[..., Exports]


def turn(exports: Exports, now: MonotonicNs) -> None:
    """A turn, once the exporter has said something."""
    assert exports.process is not None
    wait_readable(exports.process)
    exports.turn(now)


def wait_writable(exports: Exports) -> None:
    assert exports.process is not None
    poller = select.poll()
    poller.register(exports.process.fileno(), select.POLLOUT)
    assert poller.poll(PATIENCE_SECONDS * 1000)


def asks(*requests: Message, then: Body = lambda _: signal.pause()) -> Body:
    def ask(channel: socket.socket) -> None:
        channel.sendall(b"".join(json.dumps(one).encode() + b"\n" for one in requests))
        then(channel)

    return ask


def texts(exports: Exports, kind: EventKind) -> list[str]:
    return [entry.text for entry in exports.entries if entry.kind is kind]


def test_none_where_none_is_asked_for(make: Make) -> None:
    """Without a listener and without a file there is no process, and nothing to wait for."""
    exports = make(config=OFF)
    exports.turn(at(101))
    assert (exports.process, exports.sockets(), exports.next_due()) == (None, [], None)
    assert exports.entries == []


def test_a_question_is_answered(make: Make) -> None:
    """The child's line comes to the answerer, and what that says comes back."""

    def check(channel: socket.socket) -> None:
        reply = channel.makefile("rb").readline()
        channel.sendall(
            b'{"tell": {"kind": "works", "text": "%d"}}\n' % json.loads(reply)["metrics"]["pid"]
        )
        signal.pause()

    exports = make(asks({"metrics": {}}, then=check))
    turn(exports, at(100))
    turn(exports, at(101))
    assert texts(exports, EventKind.METRICS_AVAILABLE) == ["7"]
    assert exports.next_due() is None


def test_a_long_answer_goes_out_in_parts(make: Make) -> None:
    """No turn makes more than a part of it, and none waits for the child to read."""

    def count(channel: socket.socket) -> None:
        lines = channel.makefile("rb")
        found = [json.loads(lines.readline()) for _ in range(LARGE + 1)]
        channel.sendall(b'{"tell": {"kind": "trouble", "text": "%d"}}\n' % len(found))
        signal.pause()

    exports = make(asks({"status": {}}, then=count))
    turn(exports, at(100))
    turns, now = 1, at(100)
    while exports.next_due() is not None:
        due = exports.next_due()
        assert due is not None
        now = max(now, due)
        wait_writable(exports)
        exports.turn(now)
        turns += 1
    turn(exports, now)
    assert turns > LARGE * len(LINE) // 100_000
    (entry,) = exports.entries
    assert (entry.text, entry.kind, entry.level) == (
        *(str(LARGE + 1), EventKind.METRICS_UNAVAILABLE, Level.WARNING),
    )


def test_one_that_does_not_read_is_replaced(make: Make) -> None:
    """What it leaves in its socket for too long ends it; the next one begins anew."""
    exports = make(asks({"status": {}}), asks({"metrics": {}}))
    turn(exports, at(100))
    now = at(100)
    while exports.process is not None:
        due = exports.next_due()
        assert due is not None
        now = max(now, due)
        exports.turn(now)
        assert now <= at(101) + UNREAD_NS
    assert now > at(100) + UNREAD_NS
    (text,) = texts(exports, EventKind.EXPORTER_REPLACED)
    assert "does not read; killed by SIGKILL" in text
    due = exports.next_due()
    assert due is not None
    exports.turn(due)
    turn(exports, due)
    assert exports.process is not None
    assert exports.next_due() is None


ENDS: dict[str, tuple[Body, str]] = {
    "ended": (lambda _: None, "exited with status 0"),
    "killed": (lambda _: os.kill(os.getpid(), signal.SIGKILL), "killed by SIGKILL"),
    "no JSON": (asks(then=lambda channel: talk(channel, b"\xff\n")), "no request"),
    "no request": (asks({"hold": "node-b"}), "no request"),
    "no object": (asks(then=lambda channel: talk(channel, b"7\n")), "no request"),
    "an unknown word": (asks({"tell": {"kind": "joke", "text": ""}}), "no request"),
    "too many": (asks(*[{"status": {}}] * 9), "no request"),
    "a line without end": (asks(then=lambda channel: talk(channel, b"x" * 9_999)), "no request"),
}


def talk(channel: socket.socket, data: bytes) -> None:
    channel.sendall(data)
    signal.pause()


@pytest.mark.parametrize(("body", "why"), ENDS.values(), ids=ENDS.keys())
def test_one_that_ends_or_talks_nonsense_is_replaced(make: Make, body: Body, why: str) -> None:
    """Told once with the reason, and replaced after a delay, not before."""
    exports = make(body, asks())
    turn(exports, at(105))
    (text,) = texts(exports, EventKind.EXPORTER_REPLACED)
    assert text.startswith("the process that serves the metrics is replaced in 1.0 s: ")
    assert why in text
    assert (exports.process, exports.next_due()) == (None, at(106))
    exports.turn(at(105.9))
    assert exports.process is None
    exports.turn(at(106))
    assert exports.process is not None


def test_settings_start_and_end_it(make: Make) -> None:
    """A reload to off ends the child, one to on starts another; nothing of it is a fault."""
    exports = make(asks(), asks())
    first = exports.process
    assert isinstance(first, Child)
    exports.start(OFF, at(101))
    assert exports.process is None
    with pytest.raises(ChildProcessError):
        os.waitid(os.P_PID, first.pid, os.WEXITED)
    exports.start(ON, at(102))
    assert exports.process is not None
    assert exports.entries == []


def test_the_file_goes_with_the_exporter(make: Make, tmp_path: Path) -> None:
    """Whoever ends the exporter removes what it wrote: old metrics would say that all is well."""
    path = tmp_path / "pokepodsd.prom"
    config = MetricsConfig(listen="off", textfile=str(path))
    exports = make(asks(), lambda _: None, config=config)
    path.write_text("pokepodsd_peers 1\n")
    exports.start(config, at(101))
    assert not path.exists()
    path.write_text("pokepodsd_peers 1\n")
    turn(exports, at(102))
    assert not path.exists()
    path.write_text("pokepodsd_peers 1\n")
    exports.stop()
    assert path.exists()
