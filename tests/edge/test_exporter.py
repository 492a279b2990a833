"""Checks the whole exporter over HTTP: a real child, kept and answered as the daemon does."""

import json
import os
import signal
import socket
import time
import urllib.error
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

import pytest

from pokepodsd.core.config import MetricsConfig
from pokepodsd.core.entries import EventKind
from pokepodsd.edge.metrics import Format
from tests.core.clientmodel import decode
from tests.core.metricsfacts import unwell
from tests.edge.exporting import Daemon, free_place, get, running, wait_until


@pytest.fixture
def listen() -> str:
    return free_place()


@pytest.fixture
def served(listen: str) -> Iterator[Daemon]:
    with running(listen) as daemon:
        wait_until(lambda: daemon.texts(EventKind.METRICS_AVAILABLE), "it serves")
        yield daemon


def test_the_metrics_are_served(served: Daemon) -> None:
    """In the format that is asked for, with what the daemon says at that time."""
    status, body, kind = get(served, "/metrics")
    assert (status, kind) == (200, Format.TEXT.value)
    assert b'\npokepodsd_peers{verdict="ok"} 5000.0\n' in body
    status, body, kind = get(served, "/metrics", Format.OPENMETRICS.value)
    assert (status, kind, body.endswith(b"# EOF\n")) == (200, Format.OPENMETRICS.value, True)
    status, body, kind = get(served, "/metrics", Format.PROTOBUF.value)
    assert (status, kind) == (200, Format.PROTOBUF.value)
    assert "pokepodsd_rtt_seconds" in {one.name for one in decode(body)}


def test_series_of_peers_come_and_go(served: Daemon) -> None:
    """A peer that is not well has its series while that lasts."""
    assert b"peer_unwell{" not in get(served, "/metrics")[1]
    served.document = served.document | {"unwell": [unwell()]}
    assert b'peer_unwell{address="192.168.10.12",peer="node-b"' in get(served, "/metrics")[1]
    served.document = served.document | {"unwell": []}
    assert b"peer_unwell{" not in get(served, "/metrics")[1]


def test_the_status_is_put_together(served: Daemon) -> None:
    """All peers and the targets that are not up, unless it is asked for otherwise."""
    status, body, kind = get(served, "/status")
    document = json.loads(body)
    assert (status, kind, document["version"]) == (200, "application/json", 1)
    assert [one["id"] for one in document["peers"]] == [f"node-{n}" for n in range(5_000)]
    assert document["targets"] == [{"name": "web-1"}]
    assert served.asked[-1] == {"status": {"peers": "all", "targets": "some"}}
    assert get(served, "/status?peers=none&targets=all&namespace=shop")[0] == 200
    asked = {"peers": "none", "targets": "all", "namespace": "shop"}
    assert served.asked[-1] == {"status": asked}


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/", 200, "status"),
        ("/other", 404, "there are /metrics and /status"),
        ("/status?peers=many", 400, "peers is one of some, all, none"),
        ("/status?hold=node-b", 400, "no parameter 'hold'"),
        ("/status?peer=nobody", 404, "no peer is known as nobody"),
    ],
)
def test_other_pages(served: Daemon, path: str, status: int, text: str) -> None:
    """What there is not is said in a line, the daemon's refusal with its reason."""
    found, body, _ = get(served, path)
    assert found == status
    assert text in body.decode()


@pytest.mark.parametrize("letter", ["x", "%01", "%C3%A9"])
def test_no_question_ends_the_exporter(served: Daemon, letter: str) -> None:
    """A name that is too long is refused, and the longest that is not reaches the daemon, however
    it is escaped on the way: neither is anything that the daemon ends its exporter for.
    """
    refused = served.asked.copy()
    assert get(served, f"/status?peer={letter * (12_000 // len(letter))}")[0] == 400
    assert served.asked == refused
    names = letter * (253 // len(unquote_to_bytes(letter)))
    assert get(served, f"/status?peer={names}&namespace={names}")[0] == 200
    assert served.texts(EventKind.EXPORTER_REPLACED) == []


def test_a_stuck_daemon_is_told_as_such(served: Daemon) -> None:
    """503 while it does not answer, however often one asks; and what comes too late is no answer
    to a later question.
    """
    served.is_stuck.set()
    for _ in range(2):
        status, body, _ = get(served, "/metrics")
        assert (status, body) == (503, b"503 pokepodsd did not answer within 3 s\n")
    asked = len(served.asked)
    served.is_stuck.clear()
    served.document = served.document | {"pods_known": 77}
    status, body, _ = get(served, "/metrics")
    assert (status, b"pokepodsd_pods_known 77.0\n" in body) == (200, True)
    assert len(served.asked) <= asked + 2
    assert json.loads(get(served, "/status")[1])["version"] == 1


def test_a_taken_port_is_told_once_and_tried_again(listen: str) -> None:
    """One warning with the address, the reason and the remedy; served as soon as it is free."""
    host, _, port = listen.partition(":")
    with socket.create_server((host, int(port))) as other, running(listen) as daemon:
        wait_until(lambda: daemon.texts(EventKind.METRICS_UNAVAILABLE), "it says so")
        # Some tries more, which leave no trace.
        time.sleep(0.7)
        (text,) = daemon.texts(EventKind.METRICS_UNAVAILABLE)
        assert f"at {listen} (EADDRINUSE, Address already in use)" in text
        assert "choose another port" in text
        other.close()
        wait_until(lambda: daemon.texts(EventKind.METRICS_AVAILABLE), "it serves")
        assert get(daemon, "/metrics")[0] == 200
        assert daemon.texts(EventKind.EXPORTER_REPLACED) == []


def test_a_killed_exporter_is_replaced(served: Daemon) -> None:
    """It serves again, at the same place, and one entry says what happened."""
    before = served.pid
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: len(served.texts(EventKind.METRICS_AVAILABLE)) == 2, "it serves again")
    assert served.pid != before
    assert get(served, "/metrics")[0] == 200
    (text,) = served.texts(EventKind.EXPORTER_REPLACED)
    assert text.endswith("killed by SIGKILL")


def test_settings_turn_it_on_and_off(served: Daemon) -> None:
    """A reload to off closes the port, one to on opens it."""
    served.wanted = MetricsConfig(listen="off", textfile="off")
    wait_until(lambda: served.exports.process is None, "it is off")
    with pytest.raises(urllib.error.URLError):
        get(served, "/metrics")
    served.wanted = served.config
    wait_until(lambda: len(served.texts(EventKind.METRICS_AVAILABLE)) == 2, "it serves again")
    assert get(served, "/metrics")[0] == 200
