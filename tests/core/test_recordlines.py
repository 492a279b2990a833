"""Checks what crosses the pipe: written and read back, and nothing else taken."""

import json
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.model import NodeName, Pod, Scope, Uid
from pokepodsd.core.objects import LONGEST_TEXT
from pokepodsd.core.pods import pod_from_object
from pokepodsd.core.recordlines import LONGEST_RECORD, decode, encode
from pokepodsd.core.records import (
    Alive,
    Asked,
    Fate,
    Identified,
    ListBegun,
    ListEnded,
    Lost,
    NodeGone,
    NodeSeen,
    NodesRefused,
    PodChanged,
    PodIgnored,
    PodRemoved,
    PodsListed,
    Record,
    Refused,
    ReportEnded,
    Watching,
)
from pokepodsd.core.requests import Request, Result
from pokepodsd.core.watch import TOLD_AT_ONCE
from pokepodsd.errors import GarbledError
from tests.core.builders import make_pod, recorded_by_name

TEXT = st.text(max_size=20)
PODS = st.builds(
    Pod,
    uid=TEXT.map(Uid),
    namespace=TEXT,
    name=TEXT,
    node=st.none() | TEXT.map(NodeName),
    phase=TEXT,
    ready=st.booleans(),
    terminating=st.booleans(),
    host_network=st.booleans(),
    host=TEXT,
    created=TEXT,
    addresses=st.lists(TEXT, max_size=3).map(tuple),
)
SCOPES = st.sampled_from(Scope)
RECORDS: st.SearchStrategy[Record] = st.one_of(
    st.builds(Alive, received=st.integers(0), heard_ns=st.integers(0)),
    st.builds(Asked, request=st.sampled_from(Request), result=st.sampled_from(Result)),
    st.builds(Identified, node=TEXT.map(NodeName), source=TEXT),
    st.just(ListBegun()),
    st.builds(PodsListed, pods=st.lists(PODS, max_size=3).map(tuple)),
    st.builds(ListEnded, scope=SCOPES),
    st.builds(PodChanged, pod=PODS),
    st.builds(PodRemoved, uid=TEXT.map(Uid)),
    st.builds(PodIgnored, reason=TEXT),
    st.builds(Watching, scope=SCOPES),
    st.builds(Lost, reason=TEXT),
    st.builds(Refused, message=TEXT),
    st.builds(
        NodeSeen,
        node=TEXT.map(NodeName),
        unschedulable=st.booleans(),
        ready=st.booleans(),
        deleting=st.booleans(),
        created=TEXT,
    ),
    st.builds(NodeGone, node=TEXT.map(NodeName)),
    st.just(NodesRefused()),
    st.builds(ReportEnded, report=TEXT, fate=st.sampled_from(Fate), text=TEXT),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    [
        "alive",
        "identified",
        "pods-listed",
        "pod-changed",
        "list-ended",
        "watching",
        "report-ended",
        "lost",
        "node-seen",
        "node-gone",
        "nodes-refused",
    ]
)


@given(RECORDS)
def test_record_comes_back_as_it_was_written(record: Record) -> None:
    """Any text, whatever its characters, crosses in one line and means the same."""
    line = encode(record)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode(line[:-1]) == record


@given(st.binary(max_size=60))
def test_any_bytes_are_a_record_or_garbled(line: bytes) -> None:
    """No garbage raises anything but GarbledError."""
    with pytest.raises(GarbledError):
        decode(line)


@given(JSON | st.tuples(NAMES, JSON).map(list) | NAMES.map(lambda name: [name]))
def test_any_json_is_a_record_or_garbled(value: object) -> None:
    """JSON of the wrong shape is garbage too."""
    line = json.dumps(value).encode()
    try:
        record = decode(line)
    except GarbledError:
        return
    assert decode(encode(record)[:-1]) == record


ROWS = PODS.map(lambda pod: json.loads(encode(PodChanged(pod=pod)))[1])
BODIES = (
    JSON
    | ROWS
    | st.lists(ROWS, max_size=2)
    | st.sampled_from([scope.value for scope in Scope])
    | st.dictionaries(st.sampled_from(["reason", "node", "source", "uid", "message"]), TEXT)
    | st.fixed_dictionaries(
        {"node": TEXT, "created": TEXT, "ready": st.booleans()},
        optional=dict.fromkeys(["unschedulable", "deleting", "reason"], st.booleans()),
    )
)


@given(
    st.lists(NAMES | BODIES, max_size=3)
    | st.tuples(NAMES, BODIES).map(list)
    | st.tuples(NAMES, st.sampled_from([scope.value for scope in Scope])).map(
        lambda pair: dict.fromkeys(pair, "")
    )
)
def test_what_is_read_is_exactly_what_is_written(value: object) -> None:
    """A line that passes is, as JSON, the one that `encode` would have written."""
    try:
        record = decode(json.dumps(value).encode())
    except GarbledError:
        return
    assert json.loads(encode(record)) == value


@given(RECORDS, st.data())
def test_truncated_line_is_garbled(record: Record, data: st.DataObject) -> None:
    """A reader that was killed while it wrote leaves no half record behind."""
    line = encode(record)[:-1]
    cut = data.draw(st.integers(0, len(line) - 1))
    with pytest.raises(GarbledError):
        decode(line[:cut])


@pytest.mark.parametrize("index", range(11))
@pytest.mark.parametrize("wrong", [None, 1, {"a": 1}, "text", True, [1]])
def test_each_field_of_a_pod_is_checked(index: int, wrong: object) -> None:
    """Text where text belongs, flags where flags do, and a list of texts for the addresses."""
    row: list[Any] = json.loads(encode(PodChanged(pod=make_pod())))[1]
    is_right = {
        "text": index not in {5, 6, 7, 10},
        True: index in {5, 6, 7},
        None: index == 3,
    }
    if is_right.get(wrong if isinstance(wrong, str | bool | None) else "", False):
        return
    row[index] = wrong
    with pytest.raises(GarbledError):
        decode(json.dumps(["pod-changed", row]).encode())


@pytest.mark.parametrize("length", [10, 12])
def test_pod_of_another_length_is_garbled(length: int) -> None:
    """A reader of another version is not half understood."""
    row = (json.loads(encode(PodChanged(pod=make_pod())))[1] * 2)[:length]
    with pytest.raises(GarbledError):
        decode(json.dumps(["pod-changed", row]).encode())


@pytest.mark.parametrize(
    "line",
    [
        b'["alive"]',
        b'["alive",{"x":"y"}]',
        b'["alive",[1]]',
        b'["alive",[1,-2]]',
        b'["alive",[true,2]]',
        b'["alive",[1,2,3]]',
        b'["asked",["list"]]',
        b'["asked",["list","perhaps"]]',
        b'["asked",["poem","ok"]]',
        b'["lost",{}]',
        b'["lost",{"reason":1}]',
        b'["lost",["reason"]]',
        b'["watching","everything"]',
        b'["alive",{},1]',
        b'["alive",""]',
        b'["pods-listed",""]',
        b'["pods-listed",{}]',
        b'["pods-listed"]',
        b'["pods-listed",[],[]]',
        b'["pod-changed",["u","n","p",null,"R",true,false,false,"h","c","10.0.0.1"]]',
        b'["pod-changed",["u","n","p",null,"R",true,false,false,"h","c",{"10.0.0.1":1}]]',
        b'["pod-changed",{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":10,"k":11}]',
        b'["list-ended",["cluster"]]',
        b'{"watching":1,"cluster":2}',
        b'{"list-ended":1,"cluster":2}',
        b'["node-gone",{}]',
        b'["node-gone",{"node":null}]',
        b'["nodes-refused",{"message":"m"}]',
        rb'["node-gone",{"node":"\ud800"}]',
        rb'["node-gone",{"node":"\uDC00"}]',
        b'["node-gone",{"node":"\xed\xa0\x80"}]',
        b'["node-gone",{"node":"\xc3\xa9"}]',
        '["node-gone",{"node":"n"}]'.encode("utf-16"),
        b'["node-seen",{}]',
        b'["node-seen",[]]',
        b'["node-seen",""]',
        b'["node-seen",null]',
        b'["unknown",{}]',
        b'[["alive"],{}]',
        b"[]",
        b"null",
        b"[" * 100_000,
    ],
)
def test_near_misses_are_garbled(line: bytes) -> None:
    """Missing, unknown and mistyped parts, and nesting without end."""
    with pytest.raises(GarbledError, match=r"^not a record: \w+Error\(.{5,90}"):
        decode(line)


@pytest.mark.parametrize(
    "record",
    [
        Lost(reason="a half: \ud800, a pair: \U0001f600"),
        Refused(message="a half: \ud800, a pair: \U0001f600"),
        ReportEnded(report="event", fate=Fate.REFUSED, text="a half: \ud800, a pair: \U0001f600"),
    ],
)
def test_half_a_pair_in_a_message_is_told_by_its_number(record: Record) -> None:
    """An API server's words, which JSON lets be no characters, do not stop the reader."""
    told = decode(encode(record)[:-1])
    assert "a half: \\ud800, a pair: \U0001f600" in asdict(told).values()


def test_page_of_real_pods_is_far_below_the_longest_record() -> None:
    """A page of 500 pods fits many times into a line."""
    pods = tuple(recorded_by_name().values()) * 39
    assert len(encode(PodsListed(pods=pods[:500]))) < LONGEST_RECORD / 10


@pytest.mark.parametrize("field", ["node", "unschedulable", "ready", "deleting", "created"])
@pytest.mark.parametrize("wrong", [None, 1, "text", True, [], {}])
def test_each_field_of_a_node_is_checked(field: str, wrong: object) -> None:
    """Texts and flags where they belong, and none missing or added: alarms hang on them."""
    values = {"node": "n", "unschedulable": False, "ready": True, "deleting": False, "created": "c"}
    assert decode(json.dumps(["node-seen", values]).encode())
    if type(values[field]) is not type(wrong):
        with pytest.raises(GarbledError):
            decode(json.dumps(["node-seen", {**values, field: wrong}]).encode())
    with pytest.raises(GarbledError):
        decode(json.dumps(["node-seen", {**values, "more": wrong}]).encode())
    del values[field]
    with pytest.raises(GarbledError):
        decode(json.dumps(["node-seen", values]).encode())


def test_as_many_pods_as_are_told_at_once_fit_whatever_they_are_called() -> None:
    """A line that the daemon refuses would cost the reader its life, again and again."""
    text = "\x01" * LONGEST_TEXT
    metadata = {"uid": text, "namespace": text, "name": text, "creationTimestamp": text}
    addresses = [{"ip": text}] * 8
    status = {"phase": text, "hostIP": text, "podIPs": addresses}
    pod = pod_from_object({"metadata": metadata, "spec": {"nodeName": text}, "status": status})
    assert len(encode(PodsListed(pods=(pod,) * TOLD_AT_ONCE))) < LONGEST_RECORD
