"""The API server dies within an answer, refuses, or somebody else answers in its place."""

import socket
from typing import Any

import pytest

from pokepodsd.core.entries import EventKind
from tests.daemon.wire import SECOND_NS, wait_requests_until
from tests.faults.asking import Asking, change_a_pod, meet, met_and_past
from tests.faults.stage import Stage

Fault = tuple[str, str, dict[str, Any]]
ANSWERS: list[Fault] = [
    ("drop", "watch", {}),
    ("drop_midway", "watch", {}),
    ("truncated_line", "watch", {}),
    ("drop_midway", "list", {}),
    ("status", "watch", {"code": 401}),
    ("status", "watch", {"code": 500}),
    ("error_event", "watch", {"code": 500}),
    ("status", "watch", {"code": 503, "retry_after": 1}),
]
RETRY_SECONDS = 4
STORM_SECONDS = 8
EVENTS = 32


def name_of(fault: Fault) -> str:
    """What pytest calls a case."""
    kind, match, details = fault
    return "-".join(str(part) for part in (kind, match, *details.values()))


def test_answers_that_fail_once(staged: Stage) -> None:
    """One after another: each is made good at once, what changed meanwhile is known, none is told.

    So where the server dies before an answer, within a page or a line, and between two lines; where
    it does not know who asks, or has a fault of its own. Where it has too much to do, it is not
    asked before what Retry-After says has passed.
    """
    for fault, match, details in ANSWERS:
        met_and_past(staged, fault, match, **details)
    staged.cluster.api.control.break_watches()
    change_a_pod(staged)
    staged.wait_well()
    asking = met_and_past(staged, "status", "watch", code=429, retry_after=RETRY_SECONDS)
    refused, following = asking.requests()[:2]
    assert following.at_ns - refused.at_ns >= RETRY_SECONDS * SECOND_NS
    staged.survived()


def test_a_redirect_carries_no_credentials_elsewhere(staged: Stage) -> None:
    """Nobody connects to where it points, and the targets stay meanwhile."""
    hub = staged.cluster.lab.hub
    with hub.inside():
        elsewhere = socket.create_server((hub.address, 0))
    with elsewhere:
        elsewhere.setblocking(False)
        place = f"https://{hub.address}:{elsewhere.getsockname()[1]}/api/v1/pods"
        for code in (302, 307):
            met_and_past(staged, "status", "watch", code=code, location=place)
        with pytest.raises(BlockingIOError):
            elsewhere.accept()
    met_and_past(staged, "html", "watch")
    staged.survived()


def test_a_storm_of_expiries_is_no_storm_of_lists(staged: Stage) -> None:
    """410 after each event of a watch: lists come after delays that grow, though events come."""
    asking = Asking.since_now(staged)
    meet(staged, "error_event", "watch", None, code=410, after=1)
    for part in range(1, EVENTS + 1):
        change_a_pod(staged)
        after_ns = STORM_SECONDS * SECOND_NS * part // EVENTS
        wait_requests_until(staged.capture, asking.began_ns + after_ns)
    asking.check_load("list", spare=0)
    assert len(asking.requests("list")) > 1
    staged.cluster.api.control.clear_faults()
    staged.survived()


@pytest.mark.long
@pytest.mark.parametrize(
    "fault",
    [
        ("status", "any", {"code": 401}),
        ("status", "any", {"code": 429, "retry_after": 2}),
        ("status", "any", {"code": 500}),
        ("status", "any", {"code": 503}),
        ("status", "any", {"code": 302}),
        ("html", "any", {}),
        ("drop", "any", {}),
        ("drop_midway", "list", {}),
        ("truncated_line", "list", {}),
        ("garbage_line", "list", {}),
    ],
    ids=name_of,
)
def test_a_server_that_fails_for_long(staged: Stage, fault: Fault) -> None:
    """It is asked less and less often, the loss is told once with its reason, and so is its end."""
    kind, match, details = fault
    asking = Asking.since_now(staged)
    meet(staged, kind, "any" if match == "any" else "list", None, **details)
    told = staged.daemon.wait_entry(EventKind.API_LOST)
    asking.check_load()
    if "code" in details:
        assert f"HTTP {details['code']}" in told["MESSAGE"]
    staged.cluster.api.control.clear_faults()
    staged.survived(EventKind.API_LOST, EventKind.API_BACK)
