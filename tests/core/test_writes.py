"""Checks the requests that write reports, and what is made of the answers."""

import json
from dataclasses import replace

import pytest

from pokepodsd.core.errands import ConditionReport, EventReport, Report, Status
from pokepodsd.core.model import SECOND_NS, NodeName, WallNs
from pokepodsd.core.records import Fate, ReportEnded
from pokepodsd.core.writes import EVENTS, Write, judge_write, write_of

NODE = NodeName("node-a")
# 2026-11-25T01:02:03.9Z
FIRST = WallNs(1_795_568_523 * SECOND_NS + 900_000_000)
LAST = WallNs(FIRST + 61 * SECOND_NS)
EVENT = EventReport(
    reason="TunnelBroken",
    text="the tunnel is broken",
    is_warning=True,
    is_new=True,
    count=3,
    first_ns=FIRST,
    last_ns=LAST,
)
AGAIN = replace(EVENT, is_new=False, count=4)
CONDITION = ConditionReport(status=Status.FALSE, reason="Broken", text="1 of 3", since_ns=FIRST)
NAME = f"node-a.{FIRST:x}"


def test_a_new_event_is_about_the_node_as_the_kubelets_are() -> None:
    """Every field of it, in the namespace that an Event without one lies in."""
    assert write_of(EVENT, NODE, LAST) == Write(
        method="POST",
        path="/api/v1/namespaces/default/events",
        content_type="application/json",
        body={
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": NAME, "namespace": "default"},
            "involvedObject": {"apiVersion": "v1", "kind": "Node", "name": NODE, "uid": NODE},
            "reason": "TunnelBroken",
            "message": "the tunnel is broken",
            "type": "Warning",
            "count": 3,
            "firstTimestamp": "2026-11-25T01:02:03Z",
            "lastTimestamp": "2026-11-25T01:03:04Z",
            "source": {"component": "pokepodsd", "host": NODE},
            "reportingComponent": "pokepodsd",
            "reportingInstance": NODE,
        },
    )
    assert write_of(replace(EVENT, is_warning=False), NODE, LAST).body["type"] == "Normal"


def test_an_event_that_happened_again_is_counted() -> None:
    """By its name, and with nothing but what is different."""
    assert write_of(AGAIN, NODE, LAST) == Write(
        method="PATCH",
        path=f"{EVENTS}/{NAME}",
        content_type="application/merge-patch+json",
        body={"count": 4, "lastTimestamp": "2026-11-25T01:03:04Z"},
    )


def test_a_condition_is_merged_into_the_others() -> None:
    """As the kubelet writes its own, with the heartbeat of now."""
    assert write_of(CONDITION, NODE, LAST) == Write(
        method="PATCH",
        path="/api/v1/nodes/node-a/status",
        content_type="application/strategic-merge-patch+json",
        body={
            "status": {
                "conditions": [
                    {
                        "type": "PokePodsTunnelsReady",
                        "status": "False",
                        "reason": "Broken",
                        "message": "1 of 3",
                        "lastTransitionTime": "2026-11-25T01:02:03Z",
                        "lastHeartbeatTime": "2026-11-25T01:03:04Z",
                    }
                ]
            }
        },
    )


@pytest.mark.parametrize("report", [AGAIN, CONDITION])
def test_a_node_cannot_name_another_place(report: Report) -> None:
    """What a name holds that a path would obey is quoted."""
    assert "/../x/" not in write_of(report, NodeName("n/../x/"), LAST).path


def test_the_longest_name_of_a_node_leaves_room() -> None:
    """An object's name has 253 characters, and may not have two marks beside each other."""
    for node in ("n" * 253, "n" * 235 + "-." + "m" * 16):
        name = write_of(EVENT, NodeName(node), LAST).body["metadata"]["name"]
        kept, _, stamp = name.rpartition(".")
        assert len(name) <= 253
        assert stamp == f"{FIRST:x}"
        assert node.startswith(kept)
        assert kept[-1].isalnum()
    name = write_of(EVENT, NodeName("n" * 253), LAST).body["metadata"]["name"]
    assert name == f"{'n' * 236}.{FIRST:x}"


@pytest.mark.parametrize("status", [200, 201])
def test_what_was_written_is_told(status: int) -> None:
    """With the status that the Node has from now on."""
    assert judge_write(EVENT, NODE, "POST", status, b"") == ReportEnded(
        report="event", fate=Fate.WRITTEN, text=""
    )
    assert judge_write(CONDITION, NODE, "PATCH", status, b"") == ReportEnded(
        report="condition", fate=Fate.WRITTEN, text="False"
    )


def test_an_event_that_is_there_already_is_written() -> None:
    """The answer to an earlier attempt was lost; a conflict of anything else passes."""
    written = ReportEnded(report="event", fate=Fate.WRITTEN, text="")
    assert judge_write(EVENT, NODE, "POST", 409, b"") == written
    assert judge_write(AGAIN, NODE, "PATCH", 409, b"") is None
    assert judge_write(CONDITION, NODE, "PATCH", 409, b"") is None


def test_an_event_that_expired_is_written_anew() -> None:
    """With its count; what is not found otherwise is tried again."""
    assert judge_write(AGAIN, NODE, "PATCH", 404, b"") == write_of(
        replace(AGAIN, is_new=True), NODE, LAST
    )
    assert judge_write(EVENT, NODE, "POST", 404, b"") is None
    assert judge_write(CONDITION, NODE, "PATCH", 404, b"") is None


@pytest.mark.parametrize("status", [302, 401, 408, 425, 429, 500, 503, 399])
def test_what_passes_is_tried_again(status: int) -> None:
    """Load, trouble of the server, credentials that are being renewed, redirects."""
    assert judge_write(EVENT, NODE, "POST", status, b"") is None
    assert judge_write(CONDITION, NODE, "PATCH", status, b"") is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (json.dumps({"message": "no\n such  right"}).encode(), "no such right"),
        (b'{"message": ""}', "no reason given"),
        (b'["message"]', "no reason given"),
        (b"<html>", "no reason given"),
        (b'{"message": "' + b"x" * 501 + b'"}', "x" * 497 + "..."),
        (b"[" * 100_000, "no reason given"),
    ],
)
@pytest.mark.parametrize("status", [400, 403, 422, 499])
def test_a_refusal_says_why_in_one_line(status: int, body: bytes, said: str) -> None:
    """With the server's own words, as far as it has any."""
    for report, name in ((EVENT, "event"), (CONDITION, "condition")):
        assert judge_write(report, NODE, "PATCH", status, body) == ReportEnded(
            report=name, fate=Fate.REFUSED, text=f"HTTP {status}: {said}"
        )
