"""Checks the keeper with real children that die, stand still and write nonsense."""

import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator

import pytest

from pokepodsd.core.entries import EventKind
from pokepodsd.core.errands import Lookup, decode_errand
from pokepodsd.core.model import SECOND_NS, MonotonicNs, NodeName, Scope, Uid
from pokepodsd.core.recordlines import LONGEST_RECORD, encode
from pokepodsd.core.records import Alive, Identified, ListEnded, Lost, NodeGone, PodRemoved, Record
from pokepodsd.edge.child import Child
from pokepodsd.keeper import SILENCE_NS, Keeper
from tests.edge.support import wait_readable

Body = Callable[[socket.socket], None]
Keep = Callable[..., Keeper]

NODE = Identified(node=NodeName("node-a"), source="certificate")
GONE = PodRemoved(uid=Uid("uid-1"))
REPLACED = Lost(reason="the process that reads the API is being replaced")


def at(seconds: float) -> MonotonicNs:
    return MonotonicNs(round(seconds * SECOND_NS))


def says(*data: bytes) -> Body:
    """A body that writes, each part but the first when told to, and then waits for a signal."""

    def speak(channel: socket.socket) -> None:
        for number, part in enumerate(data):
            if number:
                channel.recv(1)
            channel.sendall(part)
        signal.pause()

    return speak


@pytest.fixture
def keep() -> Iterator[Keep]:
    """Makes a keeper, started at 100 s, whose readers do one after the other what is given."""
    keepers: list[Keeper] = []

    def make(*bodies: Body) -> Keeper:
        left = iter(bodies)
        keepers.append(Keeper(lambda: Child(next(left)), roll=lambda: 1.0))
        keepers[-1].start(at(100))
        return keepers[-1]

    yield make
    for keeper in keepers:
        keeper.stop()


def read(keeper: Keeper, now: MonotonicNs) -> list[Record]:
    assert keeper.process is not None
    wait_readable(keeper.process)
    return list(keeper.read(now))


def pid_of(keeper: Keeper) -> int:
    assert isinstance(keeper.process, Child)
    return keeper.process.pid


def texts(keeper: Keeper) -> list[str]:
    assert {entry.kind for entry in keeper.entries} <= {EventKind.READER_REPLACED}
    return [entry.text for entry in keeper.entries]


def is_reaped(pid: int) -> bool:
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False


def test_records_are_handed_over(keep: Keep) -> None:
    """What the reader says comes in order; that it is alive counts too."""
    keeper = keep(says(encode(NODE) + encode(Alive()) + encode(GONE)))
    assert read(keeper, at(100)) == [NODE, Alive(), GONE]
    assert (list(keeper.read(at(100))), keeper.entries) == ([], [])


def test_half_a_record_waits_for_its_other_half(keep: Keep) -> None:
    """A record may come in pieces; nothing is told of it before its end."""
    line = encode(NODE) + encode(GONE)
    keeper = keep(says(line[:10], line[10:]))
    assert read(keeper, at(100)) == []
    assert isinstance(keeper.process, Child)
    os.write(keeper.process.fileno(), b"x")
    assert read(keeper, at(101)) == [NODE, GONE]
    assert list(keeper.read(at(102))) == []


@pytest.mark.parametrize(
    ("body", "how"),
    [
        (lambda _: os._exit(3), "exited with status 3"),
        (lambda _: None, "exited with status 0"),
        (lambda _: os.kill(os.getpid(), signal.SIGKILL), "killed by SIGKILL"),
        (lambda _: os.kill(os.getpid(), signal.SIGSEGV), "killed by SIGSEGV"),
    ],
)
def test_ended_reader_is_replaced_after_a_delay(keep: Keep, body: Body, how: str) -> None:
    """An end is told once, with how it came; the next reader starts when its time has come."""
    keeper = keep(body, says(encode(NODE)))
    pid = pid_of(keeper)
    assert read(keeper, at(105)) == [REPLACED]
    assert texts(keeper) == [f"the process that reads the API is replaced in 1.0 s: {how}"]
    assert (keeper.process, keeper.next_due(), is_reaped(pid)) == (None, at(106), True)
    assert [*keeper.read(at(105.5)), *keeper.tick(at(105.9))] == []
    assert keeper.process is None
    assert list(keeper.tick(at(106))) == []
    assert read(keeper, at(106)) == [NODE]


GARBAGE = {
    "no JSON": b"\x00\xff\n",
    "another record": b'["pods",[]]\n',
    "a pod of the wrong shape": b'["pod-changed",["uid"]]\n',
    "a number": b"7\n",
    "nested without end": b"[" * 50_000 + b"\n",
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_ends_its_reader(keep: Keep, garbage: bytes) -> None:
    """What came before the garbage counts, what comes after it does not."""
    keeper = keep(says(encode(NODE) + garbage + encode(GONE)))
    pid = pid_of(keeper)
    records: list[Record] = []
    while REPLACED not in records:
        records += read(keeper, at(100))
    assert records == [NODE, REPLACED]
    (text,) = texts(keeper)
    assert "it said what is not a record" in text
    assert text.endswith("; killed by SIGKILL")
    assert len(text) < 300
    assert is_reaped(pid)


def test_line_without_end_is_not_collected_for_ever(keep: Keep) -> None:
    """A reader that never ends its line is replaced before it has filled the memory."""

    def flood(channel: socket.socket) -> None:
        while True:
            channel.sendall(b"x" * 65_536)

    keeper, turns = keep(flood), 0
    records: list[Record] = []
    while not records:
        records = read(keeper, at(100))
        turns += 1
        assert turns < 100 * LONGEST_RECORD // 65_536
    assert records == [REPLACED]


def test_half_a_record_of_the_old_is_not_of_the_new(keep: Keep) -> None:
    """What a dead reader left unfinished is not completed by its successor."""

    def die(channel: socket.socket) -> None:
        channel.sendall(encode(NODE)[:10])

    keeper = keep(die, says(encode(GONE)))
    records = read(keeper, at(100))
    while REPLACED not in records:
        records += read(keeper, at(100))
    list(keeper.tick(at(101)))
    assert read(keeper, at(101)) == [GONE]


@pytest.mark.parametrize("is_stopped", [True, False])
def test_silent_reader_is_replaced(keep: Keep, is_stopped: bool) -> None:
    """A reader that stands still, or lives and says nothing, is killed after its time, and not
    before.
    """
    keeper = keep(says(encode(NODE)), says(encode(GONE)))
    assert read(keeper, at(110)) == [NODE]
    pid = pid_of(keeper)
    if is_stopped:
        os.kill(pid, signal.SIGSTOP)
        os.waitid(os.P_PID, pid, os.WSTOPPED)
    due = MonotonicNs(at(110) + SILENCE_NS)
    assert keeper.next_due() == due
    assert list(keeper.tick(due)) == []
    assert list(keeper.tick(MonotonicNs(due + 1))) == [REPLACED]
    assert texts(keeper)[0].endswith("it was silent; killed by SIGKILL")
    assert is_reaped(pid)
    list(keeper.tick(MonotonicNs(due + at(2))))
    assert read(keeper, at(130)) == [GONE]


def test_delays_grow_until_a_list_is_complete(keep: Keep) -> None:
    """Readers that die one after the other are started ever later; one that worked starts over."""
    good = encode(ListEnded(scope=Scope.CLUSTER))

    def work_and_die(channel: socket.socket) -> None:
        channel.sendall(good)

    keeper = keep(*[lambda _: None] * 8, work_and_die, lambda _: None)
    now = at(100)
    delays: list[int] = []
    while len(delays) < 10:
        records = read(keeper, now)
        if REPLACED not in records:
            continue
        due = keeper.next_due()
        assert due is not None
        delays.append((due - now) // SECOND_NS)
        now = due
        if len(delays) < 10:
            list(keeper.tick(now))
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60, 1, 2]


def test_reader_that_cannot_be_started_is_tried_later(keep: Keep) -> None:
    """Without descriptors there is no reader now; when there are, there is one."""
    keeper = keep(says(), says(encode(GONE)), says(encode(NODE)))
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        keeper.start(at(100))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert (keeper.process, keeper.next_due()) == (None, at(101))
    assert "it cannot be started: Too many open files" in texts(keeper)[0]
    list(keeper.tick(at(101)))
    assert read(keeper, at(101)) == [NODE]


def echo_lookups(channel: socket.socket) -> None:
    """Answer each lookup, as if there were no such node."""
    for line in channel.makefile("rb"):
        errand = decode_errand(line.rstrip())
        assert isinstance(errand, Lookup)
        channel.sendall(encode(NodeGone(node=errand.node)))


def test_lookups_reach_the_reader(keep: Keep) -> None:
    """Names go in one after the other, and what the reader says of them comes as records."""
    keeper = keep(echo_lookups)
    names = [NodeName("node-b"), NodeName("node-c.example")]
    for name in names:
        keeper.send(Lookup(node=name))
    records: list[Record] = []
    while len(records) < 2:
        records += read(keeper, at(100))
    assert records == [NodeGone(node=name) for name in names]


def test_lookup_without_a_reader_is_nothing(keep: Keep) -> None:
    """Of a reader that is dead and not noticed yet, one that waits to be replaced, and none."""
    keeper = keep(lambda _: None, says(encode(NODE)))
    assert keeper.process is not None
    wait_readable(keeper.process)
    keeper.send(Lookup(node=NodeName("node-b")))
    assert read(keeper, at(105)) == [REPLACED]
    keeper.send(Lookup(node=NodeName("node-b")))
    assert list(keeper.tick(at(106))) == []
    assert read(keeper, at(106)) == [NODE]
    keeper.stop()
    keeper.send(Lookup(node=NodeName("node-b")))
    assert len(keeper.entries) == 1


def test_stop_ends_the_reader_for_good(keep: Keep) -> None:
    """After the stop there is no process, none is due, and nothing is said."""
    keeper = keep(says(encode(NODE)))
    pid = pid_of(keeper)
    keeper.stop()
    assert (keeper.process, keeper.next_due(), is_reaped(pid)) == (None, None, True)
    assert [*keeper.read(at(200)), *keeper.tick(at(200))] == []
    assert keeper.entries == []
