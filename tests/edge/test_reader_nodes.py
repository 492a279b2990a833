"""Checks the reader's lookups, in its real process: what they cost, and what they leave alone."""

import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pokepodsd import reader
from pokepodsd.asker import Orders
from pokepodsd.core.apiusage import ApiUsage
from pokepodsd.core.config import validate
from pokepodsd.core.errands import Lookup, encode_errand
from pokepodsd.core.lines import LineBuffer
from pokepodsd.core.model import NodeName
from pokepodsd.core.protocol import Timings
from pokepodsd.core.recordlines import LONGEST_RECORD, decode
from pokepodsd.core.records import (
    Alive,
    NodeGone,
    NodeSeen,
    NodesRefused,
    PodChanged,
    Record,
    Watching,
)
from pokepodsd.edge.child import Child
from tests.apiserver.client import ApiServer as ClusterServer
from tests.apiserver.served import Request

B = NodeName("node-b")
READY = {"conditions": [{"type": "Ready", "status": "True"}]}


class Reading:
    """A reader in its process, as the daemon has it, and what it said."""

    def __init__(self, orders: Orders) -> None:
        self.child = Child(lambda channel: reader.run(channel, orders))
        self.records: list[Record] = []
        self._lines = LineBuffer(longest=LONGEST_RECORD)

    def look_up(self, *names: str) -> None:
        for name in names:
            self.child.write(encode_errand(Lookup(node=NodeName(name))))

    def wait(self, is_reached: Callable[[Record], bool], seconds: float = 10.0) -> Record:
        """The first record of this kind that comes from now on."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            for record in filter(is_reached, self.read(left)):
                return record
        raise AssertionError(f"not said within {seconds} s: {self.records[-10:]}")

    def read(self, seconds: float) -> list[Record]:
        """What comes next, if anything does within the time."""
        if not select.select([self.child], [], [], seconds)[0]:
            return []
        data = self.child.read()
        assert data, "the reader ended"
        taken = [decode(line) for line in self._lines.feed(data)]
        self.records += taken
        return taken

    def wait_kind(self, kind: type[Record], seconds: float = 10.0) -> Record:
        return self.wait(lambda record: isinstance(record, kind), seconds)


@pytest.fixture
def orders(kubelet: Path, scratch: Path) -> Orders:
    config = validate({"kubernetes": {"kubeconfig": str(kubelet)}}, source="test").kubernetes
    return Orders(config=config, timings=Timings(), scratch=scratch)


@pytest.fixture
def reading(server: ClusterServer, orders: Orders) -> Iterator[Reading]:
    """A reader with an open and quiet watch; the log of the server is empty."""
    server.control.change_settings(node_selectors=False)
    started = Reading(orders)
    started.wait_kind(Watching)
    server.control.clear_log()
    yield started
    if started.child.fileno() >= 0:
        started.child.kill()


def create_node(server: ClusterServer, name: str = B, **spec: Any) -> None:
    server.admin.create_node({"metadata": {"name": name}, "spec": spec, "status": READY})


def lookups(server: ClusterServer) -> list[Request]:
    """The questions for Nodes that came in from the reader."""
    return [one for one in server.control.requests() if "resourceVersion=0" in one.path]


def end_daemon(reading: Reading) -> None:
    """Close the daemon's end of the channel, as its death does."""
    with Path("/dev/null").open("rb") as nothing:
        os.dup2(nothing.fileno(), reading.child.fileno())


def wait_end(reading: Reading) -> str:
    """How the reader ended by itself, long before it says again that it turns."""
    descriptor = os.pidfd_open(reading.child.pid)
    try:
        assert select.select([descriptor], [], [], reader.ALIVE_EVERY / 2)[0], "the reader goes on"
    finally:
        os.close(descriptor)
    return reading.child.kill()


def test_what_each_reader_received_is_counted(server: ClusterServer, orders: Orders) -> None:
    """One that received no less than the reader before it is told from it all the same."""
    server.control.change_settings(node_selectors=False)
    usage, received = ApiUsage(), 0
    for _ in range(2):
        reading = Reading(orders)
        reading.wait_kind(Watching)
        last = reading.wait(lambda record: isinstance(record, Alive) and record.received > 0)
        reading.child.kill()
        for record in reading.records:
            usage.take(record)
        assert isinstance(last, Alive)
        received += last.received
    assert usage.received == received


def test_lookup_is_answered_by_a_record(server: ClusterServer, reading: Reading) -> None:
    """The daemon names a node and is told of it, while the watch stays open."""
    create_node(server, unschedulable=True)
    reading.look_up(B, "node-c")
    seen = reading.wait_kind(NodeSeen)
    assert isinstance(seen, NodeSeen)
    assert (seen.node, seen.unschedulable, seen.ready, seen.deleting) == (B, True, True, False)
    assert reading.wait_kind(NodeGone) == NodeGone(node=NodeName("node-c"))
    assert len(server.control.requests()) == 3  # one is the creation
    assert server.control.state()["watches"] == 1


def test_refusal_is_said_once(server: ClusterServer, reading: Reading) -> None:
    """Of many orders the first is asked for and refused, the others come to nothing."""
    server.control.change_settings(node_selectors=True)
    reading.look_up(*(f"node-{number}" for number in range(10)))
    reading.wait_kind(NodesRefused)
    until = time.monotonic() + 1.5
    while (left := until - time.monotonic()) > 0:
        reading.read(left)
    assert reading.records.count(NodesRefused()) == 1
    assert len(lookups(server)) == 1


def test_ten_a_second(server: ClusterServer, reading: Reading) -> None:
    """Many orders at once are done one after the other, at most ten in a second."""
    names = [f"node-{number}" for number in range(25)]
    begin = time.monotonic_ns()
    reading.look_up(*names)
    reading.wait(lambda record: record == NodeGone(node=NodeName(names[-1])))
    came = [one.at_ns for one in lookups(server)]
    gone = [one.node for one in reading.records if isinstance(one, NodeGone)]
    assert (gone, len(came)) == (names, len(names))
    # Arrivals jitter by what the host is busy with; the tenth after each is a second later.
    assert all(later - first >= 0.9e9 for first, later in zip(came, came[10:], strict=False))
    assert came[0] - begin < 0.5e9
    assert time.monotonic_ns() - begin >= 2.4e9


def test_thousand_at_once_are_not_collected(server: ClusterServer, reading: Reading) -> None:
    """A hundred wait at most, and none for so long that no alarm waits for it any more."""
    server.control.add_fault("silent")
    begin = time.monotonic()
    reading.look_up(*(f"node-{number}" for number in range(1000)))
    while time.monotonic() - begin < 11:
        reading.wait_kind(Alive)
    asked = lookups(server)
    assert 30 <= len(asked) <= 101
    assert asked[-1].at_ns - asked[0].at_ns < 10.5e9
    create_node(server)
    reading.look_up(B)
    reading.wait_kind(NodeSeen, 2.0)
    assert len(lookups(server)) == len(asked) + 1


def test_what_waits_is_bounded(orders: Orders) -> None:
    """However many are ordered, a hundred are kept: the first ones, in their order."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        waiting = reader.Reader(theirs, orders)
        for number in range(1000):
            waiting._take(encode_errand(Lookup(node=NodeName(f"node-{number}"))))
        kept = [waiting._wanted.get_nowait()[0] for _ in range(waiting._wanted.qsize())]
    assert kept == [f"node-{number}" for number in range(100)]


def test_hanging_lookups_stop_nothing_else(server: ClusterServer, reading: Reading) -> None:
    """While a server says nothing to lookups, changes of pods are told and the reader turns."""
    create_node(server)
    server.control.add_fault("silent", count=2)
    reading.look_up("node-x", "node-y", B)
    server.control.wait_requests(2, "any")
    server.control.make_pod(name="new", namespace="fleet", addresses=["10.64.9.9"])
    changed = reading.wait_kind(PodChanged, 2.0)
    assert isinstance(changed, PodChanged)
    assert changed.pod.name == "new"
    assert lookups(server)[-1].ended_ns is None
    reading.wait_kind(Alive, reader.ALIVE_EVERY + 1)
    assert lookups(server)[-1].path.startswith(("/api/v1/nodes/node-x", "/api/v1/nodes/node-y"))
    reading.wait_kind(NodeSeen)
    assert not any(isinstance(one, NodeGone) for one in reading.records)


def test_many_orders_do_not_silence_the_guard(reading: Reading) -> None:
    """Orders that never cease leave room for the proof that the reader turns."""
    until = time.monotonic() + reader.ALIVE_EVERY + 1
    reading.records.clear()
    while time.monotonic() < until:
        reading.look_up("node-x")
        reading.wait_kind(NodeGone)
    assert any(isinstance(one, Alive) for one in reading.records)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\n",
        b"\x00\xff\n",
        b"7\n",
        b'["look-up",""]\n',
        b'["look-up",".."]\n',
        b'["look-up","node-',
        b'["event",{}]\n',
        b'["condition",{"status":"True"}]\n',
        b"x" * 10_000 + b"\n",
    ],
)
def test_garbage_costs_itself_alone(
    server: ClusterServer, reading: Reading, garbage: bytes
) -> None:
    """What is no name is asked of nobody; what is said in the same breath may be lost with it."""
    create_node(server)
    reading.child.write(garbage)
    until = time.monotonic() + 5
    while not any(isinstance(one, NodeSeen) for one in reading.records):
        assert time.monotonic() < until
        reading.look_up(B)
        reading.read(0.2)
    assert {one.path for one in lookups(server)} == {f"/api/v1/nodes/{B}?resourceVersion=0"}


@pytest.mark.parametrize("names", [[], ["node-x"], [f"node-{number}" for number in range(200)]])
def test_reader_ends_with_the_daemon(
    server: ClusterServer, reading: Reading, names: list[str]
) -> None:
    """The end of the channel is the end, with nothing to do, a lookup that hangs, or many."""
    if names:
        server.control.add_fault("silent", count=None)
    reading.look_up(*names)
    if names:
        server.control.wait_requests(1, "any")
    end_daemon(reading)
    assert wait_end(reading) == "exited with status 0"


def test_order_right_before_the_end_does_not_hide_it(reading: Reading) -> None:
    """Orders that were not read yet when the daemon died do not keep the reader."""
    os.kill(reading.child.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, reading.child.pid, os.WSTOPPED)
    reading.look_up("node-x", "node-y")
    end_daemon(reading)
    os.kill(reading.child.pid, signal.SIGCONT)
    assert wait_end(reading) == "exited with status 0"


def test_killed_reader_takes_orders_silently(reading: Reading) -> None:
    """Between a reader's death and its replacement an order is nothing."""
    os.kill(reading.child.pid, signal.SIGKILL)
    reading.look_up(B)
    while reading.child.read() != b"":
        pass
    reading.look_up(B)
    assert reading.child.kill() == "killed by SIGKILL"
    reading.look_up(B)
    assert isinstance(reading.child, Child)
