"""What the API server says, as the reader takes it, and what goes through the pipe."""

import json
from collections.abc import Iterable, Mapping
from typing import Final

from pokepodsd.core.errands import Lookup, decode_errand, encode_errand
from pokepodsd.core.model import NodeName, Scope, Target, WallNs
from pokepodsd.core.nodes import read_answer
from pokepodsd.core.podrecords import PodRecords
from pokepodsd.core.population import Population
from pokepodsd.core.protocol import Ask, Changed, Event, Listed, Pause, Removed, Timings
from pokepodsd.core.recordlines import LONGEST_RECORD, decode, encode
from pokepodsd.core.records import Record, ReportEnded
from pokepodsd.core.watch import PodFeed
from pokepodsd.core.writes import judge_write, write_of
from pokepodsd.errors import ApiError, GarbledError
from tests.core.builders import BOTH, rule
from tests.fuzz.shown import check_entry

NODE: Final = NodeName("node-a")
_RULE: Final = rule()
_STATUSES: Final = (200, 403, 404, 500, 302)


def answer(data: bytes) -> None:
    """Any of what the API server says; the first byte chooses which."""
    kinds = (pods, watch, refusal, node)
    kinds[(data[:1] or b"\0")[0] % len(kinds)](data[1:])


def line(data: bytes) -> None:
    """What goes through the pipe, this way or that."""
    record(data)
    errand(data)


def pods(data: bytes) -> None:
    """A page of the list of pods."""
    feed = _feed()
    _ask(feed)
    _take_all(_records(feed.page(200, data)))
    _ask(feed)


def refusal(data: bytes) -> None:
    """An answer that is none of 200: the first byte chooses which."""
    status = (400, 401, 403, 404, 410, 422, 429, 500, 503, 301)[(data[:1] or b"\0")[0] % 10]
    feed = _feed()
    _ask(feed)
    for event in feed.page(status, data[1:], 3.0):
        check_entry(getattr(event, "reason", "") + getattr(event, "message", ""))
    _ask(feed)


def watch(data: bytes) -> None:
    """A watch, in two parts of which the first byte says where they meet."""
    cut, body = (data[:1] or b"\0")[0] * len(data) // 256, data[1:]
    feed = _feed()
    _ask(feed)
    feed.page(200, b'{"kind":"PodList","metadata":{"resourceVersion":"1"},"items":[]}')
    _ask(feed)
    records = PodRecords(tells_ready=True)
    feed.opened()
    try:
        for part in (body[:cut], body[cut:]):
            _take_all(_records(feed.chunk(part), records))
        feed.ended(1.0)
    except ApiError as error:
        feed.failed(error)
    _ask(feed)


def node(data: bytes) -> None:
    """The answer to a lookup of a Node; the first byte chooses the status."""
    status = _STATUSES[(data[:1] or b"\0")[0] % len(_STATUSES)]
    try:
        _check_piped(read_answer(NODE, status, data[1:]))
    except GarbledError as error:
        check_entry(str(error))


def record(data: bytes) -> None:
    """Lines of the reader, as the daemon takes them."""
    for line in data.split(b"\n"):
        try:
            read = decode(line)
        except GarbledError as error:
            check_entry(str(error))
            continue
        _check_piped(read)
        _take_all([read])


def errand(data: bytes) -> None:
    """Lines of the daemon, as the reader takes them, and the requests that they become."""
    for line in data.split(b"\n"):
        try:
            read = decode_errand(line)
        except GarbledError:
            continue
        assert decode_errand(encode_errand(read)) == read
        if isinstance(read, Lookup):
            continue
        write = write_of(read, NODE, WallNs(1))
        json.dumps(write.body).encode()
        assert write.path.isascii()
        ended = judge_write(read, NODE, write.method, 403, line)
        assert isinstance(ended, ReportEnded)
        _check_piped(ended)


def _feed() -> PodFeed:
    return PodFeed(selectors=_selectors, timings=Timings(), roll=lambda: 0.5)


def _selectors(scope: Scope, portable: bool) -> Mapping[str, str]:
    return {}


def _ask(feed: PodFeed) -> None:
    """What the reader would do next is something it can do."""
    step = feed.next_step()
    if isinstance(step, Pause):
        assert 0 < step.seconds <= Timings().longest_retry_after
        step = feed.next_step()
    assert isinstance(step, Ask)
    assert all(isinstance(value, str) for value in step.parameters.values())


def _records(events: Iterable[Event], records: PodRecords | None = None) -> list[Record]:
    records = records or PodRecords(tells_ready=True)
    made: list[Record] = []
    for event in events:
        match event:
            case Listed(objects=objects):
                made += records.listed(objects)
            case Changed(object=obj):
                made += records.changed(obj)
            case Removed(object=obj):
                made.append(records.removed(obj))
            case _:
                pass
    for one in made:
        _check_piped(one)
    return made


def _check_piped(record: Record) -> None:
    """It crosses the pipe, whole and unchanged but for halves of pairs in messages."""
    line = encode(record)
    assert len(line) <= LONGEST_RECORD
    assert encode(decode(line[:-1])) == line


def _take_all(records: Iterable[Record]) -> None:
    population = Population(_RULE, BOTH)
    for one in records:
        for delta in population.take(one):
            for target in delta.added:
                _check_target(target)
    for entry in population.entries:
        check_entry(entry.text)
        # What the journal takes of a line by default (journald.conf(5), LineMax=).
        assert len(entry.text) < 48 * 1024


def _check_target(target: Target) -> None:
    for text in (target.name, target.namespace, target.node or "", target.host, target.address):
        text.encode()
    check_entry(str(target))
