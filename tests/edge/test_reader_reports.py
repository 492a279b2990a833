"""Checks the reader's reports, in its real process and in a thread: retries, bounds, one voice."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pokepodsd.asker import Orders
from pokepodsd.core.backoff import Backoff
from pokepodsd.core.config import validate
from pokepodsd.core.errands import ConditionReport, EventReport, Report, Status, encode_errand
from pokepodsd.core.model import SECOND_NS, NodeName, WallNs
from pokepodsd.core.protocol import Timings
from pokepodsd.core.records import Fate, NodeGone, Record, ReportEnded, Watching
from pokepodsd.reporter import MOST_WAITING, Reporter
from tests.apiserver.client import ApiServer as ClusterServer
from tests.apiserver.status import Json
from tests.edge.test_reader_nodes import Reading

EVENTS = "/api/v1/namespaces/default/events"
FIRST = WallNs(1_795_500_000 * SECOND_NS)
EVENT = EventReport(
    reason="PokePodsTunnelBroken",
    text="it is broken",
    is_warning=True,
    is_new=True,
    count=1,
    first_ns=FIRST,
    last_ns=FIRST,
)
WELL = ConditionReport(status=Status.TRUE, reason="Well", text="well", since_ns=FIRST)
ILL = replace(WELL, status=Status.FALSE, reason="Ill")
WRITTEN = ReportEnded(report="event", fate=Fate.WRITTEN, text="")
QUICK = Timings(first_delay=0.1, longest_delay=0.4)


def event(number: int) -> EventReport:
    return replace(EVENT, first_ns=WallNs(FIRST + number), last_ns=WallNs(FIRST + number))


@pytest.fixture
def reading(server: ClusterServer, kubelet: Path, scratch: Path) -> Iterator[Reading]:
    """A reader with an open watch, on the node node-a, which has no condition yet."""
    server.admin.create_node({"metadata": {"name": "node-a"}})
    config = validate({"kubernetes": {"kubeconfig": str(kubelet)}}, source="test").kubernetes
    started = Reading(Orders(config=config, timings=QUICK, scratch=scratch))
    started.wait_kind(Watching)
    server.control.clear_log()
    yield started
    started.child.kill()


def send(reading: Reading, *reports: Report) -> None:
    for report in reports:
        reading.child.write(encode_errand(report))


def ended(reading: Reading, seconds: float = 10.0) -> ReportEnded:
    """The next report that ended, in what was read or comes; each is given once."""
    deadline = time.monotonic() + seconds
    while True:
        for number, record in enumerate(reading.records):
            if isinstance(record, ReportEnded):
                del reading.records[number]
                return record
        left = deadline - time.monotonic()
        assert left > 0, reading.records[-10:]
        reading.read(left)


def held_events(server: ClusterServer) -> list[Json]:
    items: list[Json] = server.admin.request("GET", EVENTS)["items"]
    return items


def condition(server: ClusterServer) -> str:
    node = server.admin.request("GET", "/api/v1/nodes/node-a")
    (one,) = node["status"]["conditions"]
    return str(one["status"])


def writes(server: ClusterServer) -> int:
    return sum(one.kind == "report" for one in server.control.requests())


def test_reports_are_written_and_told(server: ClusterServer, reading: Reading) -> None:
    """Events in their order, the condition with its status; the watch stays open."""
    send(reading, event(1), event(2))
    assert [ended(reading), ended(reading)] == [WRITTEN, WRITTEN]
    send(reading, WELL)
    assert ended(reading) == ReportEnded(report="condition", fate=Fate.WRITTEN, text="True")
    assert [one["metadata"]["name"] for one in held_events(server)] == [
        f"node-a.{FIRST + 1:x}",
        f"node-a.{FIRST + 2:x}",
    ]
    assert (condition(server), server.control.state()["watches"]) == ("True", 1)


def test_api_that_is_back_gets_what_waited(server: ClusterServer, reading: Reading) -> None:
    """Of conditions the newest alone, of events all; then nothing is written any more."""
    server.control.add_fault("status", "report", count=None, code=503)
    send(reading, event(1), WELL, ILL)
    while writes(server) < 3:
        time.sleep(0.01)
    server.control.clear_faults()
    assert {ended(reading).text, ended(reading).text} == {"False", ""}
    assert (condition(server), len(held_events(server))) == ("False", 1)
    before = writes(server)
    reading.wait(lambda _: True, 5.0)
    assert writes(server) == before


def test_refusal_comes_after_three(server: ClusterServer, reading: Reading) -> None:
    """A server that has just started refuses what it allows: two refusals are nothing, a third
    is told; after that each report is tried once, until one is taken.
    """
    server.control.add_fault("status", "report", count=2, code=403)
    send(reading, event(1))
    assert (ended(reading), writes(server)) == (WRITTEN, 3)
    server.control.add_fault("status", "report", count=4, code=403)
    send(reading, event(2))
    refused = ended(reading)
    assert (refused.fate, writes(server)) == (Fate.REFUSED, 6)
    assert "HTTP 403: " in refused.text
    send(reading, event(3))
    assert (ended(reading).fate, writes(server)) == (Fate.REFUSED, 7)
    send(reading, event(4))
    assert ended(reading) == WRITTEN


def test_hanging_report_stops_no_lookup(server: ClusterServer, reading: Reading) -> None:
    """An alarm's lookup is answered while a report waits for its answer."""
    server.control.change_settings(node_selectors=False)
    server.control.add_fault("silent", "report")
    send(reading, event(1))
    server.control.wait_requests(1, "report")
    begin = time.monotonic()
    reading.look_up("node-x")
    reading.wait(lambda record: record == NodeGone(node=NodeName("node-x")), 2.0)
    assert time.monotonic() - begin < 2
    assert ended(reading) == WRITTEN


def test_sigterm_does_not_end_the_reader(server: ClusterServer, reading: Reading) -> None:
    """systemd sends it to all processes of the unit: the last report is written all the same."""
    os.kill(reading.child.pid, signal.SIGTERM)
    send(reading, WELL)
    assert ended(reading).text == "True"


class Attempts:
    """A seam instead of an API server: what each attempt came to, and what was said of it."""

    def __init__(self, answer: Callable[[Report], ReportEnded | None]) -> None:
        self._answer = answer
        self.tried: list[Report] = []
        self.said: list[Record] = []
        self.changed = threading.Condition()

    def write(self, report: Report) -> ReportEnded | None:
        with self.changed:
            self.tried.append(report)
            self.changed.notify_all()
        return self._answer(report)

    def say(self, record: ReportEnded) -> None:
        with self.changed:
            self.said.append(record)
            self.changed.notify_all()

    def wait(self, is_reached: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(is_reached, 10.0), (self.tried, self.said)


def started(attempts: Attempts, stale_seconds: float = 600.0, delay: float = 0.01) -> Reporter:
    delays = Backoff(first=delay, longest=delay, roll=lambda: 1.0)
    reporter = Reporter(attempts.write, attempts.say, delays, stale_seconds=stale_seconds)
    threading.Thread(target=reporter.run, daemon=True).start()
    return reporter


def test_nothing_piles_up() -> None:
    """A hundred events wait at most, the newest ones; what is dropped is told."""
    attempts = Attempts(lambda _: None)
    reporter = started(attempts)
    for number in range(MOST_WAITING + 50):
        reporter.put(event(number))
        reporter.put(replace(WELL, since_ns=WallNs(number)))
    attempts.wait(lambda: len(attempts.said) == 50)
    assert {one.fate for one in attempts.said if isinstance(one, ReportEnded)} == {Fate.DROPPED}
    assert len(reporter._events) == MOST_WAITING
    assert reporter._events[-1][0] == event(MOST_WAITING + 49)


def test_report_that_cannot_be_written_is_dropped() -> None:
    """After its time, and counted; the condition is kept, since it is how things are."""
    attempts = Attempts(lambda _: None)
    reporter = started(attempts, stale_seconds=0.05)
    reporter.put(WELL)
    reporter.put(event(1))
    text = "it could not be written in time"
    attempts.wait(
        lambda: attempts.said == [ReportEnded(report="event", fate=Fate.DROPPED, text=text)]
    )
    tried = len(attempts.tried)
    attempts.wait(lambda: len(attempts.tried) > tried)
    assert attempts.tried[-1] == WELL


def test_newer_condition_waits_for_no_delay() -> None:
    """That the daemon stops is written at once, whatever the delay has grown to."""
    attempts = Attempts(lambda report: None if report == WELL else WRITTEN)
    reporter = started(attempts, delay=300.0)
    reporter.put(WELL)
    attempts.wait(lambda: len(attempts.tried) == 1)
    reporter.put(ILL)
    attempts.wait(lambda: attempts.said == [WRITTEN])
    assert attempts.tried == [WELL, ILL]
