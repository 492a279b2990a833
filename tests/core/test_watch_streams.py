"""Checks lists that break off: streams that lead to pages, and pages that go on where they were."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.answers import WatchError
from pokepodsd.core.model import Scope
from pokepodsd.core.protocol import Begun, Completed, Event, Forbidden, Opened, Timings, Troubled
from pokepodsd.core.watch import PodFeed
from pokepodsd.errors import ApiError, ConnectionLostError, GarbledError, SilentError
from tests.core.builders import (
    asked,
    bookmark,
    broken,
    error_line,
    event_line,
    heard,
    page_body,
    paused,
    pod_object,
    status_body,
    streaming_feed,
)

SILENT = SilentError("nothing came from it for too long")
LOST = ConnectionLostError("connection reset by peer")


def kinds(events: list[Event]) -> list[type[Event]]:
    return [type(event) for event in events]


def paging_feed(timings: Timings | None = None) -> PodFeed:
    """A feed that asks for pages, and whose first page is asked for."""
    feed = streaming_feed(timings)
    asked(feed)
    feed.page(422, b"")
    asked(feed)
    return feed


def halfway() -> PodFeed:
    """A feed that had the first page, and has asked for the second."""
    feed = paging_feed()
    assert kinds(feed.page(200, page_body(7, "token", "a")))[0] is Begun
    assert asked(feed).parameters["continue"] == "token"
    return feed


@pytest.mark.parametrize("error", [SILENT, LOST, GarbledError("no event")])
def test_two_streaming_lists_that_break_lead_to_pages(error: ApiError) -> None:
    """A proxy that holds the stream back, or cuts it, is asked in the older way instead."""
    feed = streaming_feed()
    for _ in range(2):
        assert asked(feed).parameters["sendInitialEvents"] == "true"
        feed.opened()
        heard(feed, [event_line("ADDED", pod_object("a", 5))])
        assert kinds(feed.failed(error, 90.0)) == [Troubled]
        assert paused(feed) > 0
    question = asked(feed)
    assert not question.is_watch
    assert question.parameters["limit"] == "500"
    assert kinds(feed.page(200, page_body(7, "", "a")))[-1] is Completed
    assert asked(feed).is_watch


def test_one_streaming_list_that_breaks_is_asked_for_again() -> None:
    """A server that restarts once keeps the cheaper way; so does a break between lists."""
    feed = streaming_feed()
    asked(feed)
    feed.opened()
    feed.failed(LOST)
    paused(feed)
    assert asked(feed).is_watch
    feed.opened()
    heard(feed, [bookmark(9, ends_list=True)])
    for _ in range(5):
        feed.failed(LOST, 90.0)
        paused(feed)
        assert asked(feed).parameters["resourceVersion"] == "9"
        feed.opened()
    broken(feed, [error_line(410)])
    paused(feed)
    assert asked(feed).parameters["sendInitialEvents"] == "true"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_busy_server_between_pages_is_asked_for_the_same_page(status: int) -> None:
    """What came is kept: the list goes on with its token, and is complete when it ends."""
    feed = halfway()
    for delay in (1.0, 2.0, 4.0):
        assert kinds(feed.page(status, status_body("busy"))) == [Troubled]
        assert paused(feed) == delay
        assert asked(feed).parameters["continue"] == "token"
    events = feed.page(200, page_body(7, "", "b"))
    assert Begun() not in events
    assert events[-1] == Completed(scope=Scope.CLUSTER)
    assert asked(feed).parameters["resourceVersion"] == "7"


def test_wait_that_a_busy_server_asks_for_is_kept_between_pages() -> None:
    """429 with Retry-After, and the page is asked for after that."""
    feed = halfway()
    feed.page(429, status_body("busy"), 17.0)
    assert paused(feed) == 17.0
    assert asked(feed).parameters["continue"] == "token"


@pytest.mark.parametrize("status", [400, 410])
def test_refused_token_starts_the_list_over(status: int) -> None:
    """The token is no good any more, and the pages that came before it are void."""
    feed = halfway()
    assert kinds(feed.page(status, status_body("too old"))) == [Troubled]
    paused(feed)
    assert "continue" not in asked(feed).parameters
    assert feed.page(200, page_body(8, "next", "a"))[0] == Begun()


def checking_in_pages() -> PodFeed:
    """A feed of the node's own pods (version 5), halfway through a check for a grant."""
    feed = paging_feed()
    assert kinds(feed.page(403, status_body("no"))) == [Forbidden]
    asked(feed)
    feed.page(200, page_body(5, "", "own"))
    asked(feed)
    feed.opened()
    feed.ended(400.0)
    assert asked(feed).parameters["scope"] == "cluster"
    feed.page(200, page_body(7, "token", "a"))
    assert asked(feed).parameters["continue"] == "token"
    return feed


@pytest.mark.parametrize("status", [401, 403, 410, 429, 503])
def test_check_for_a_grant_that_fails_between_pages_leaves_nothing_behind(status: int) -> None:
    """The node's watch goes on, keeps its place over a lost connection, and the next check begins.

    The half list of the cluster is void: its token is minutes old when the next check is due.
    """
    feed = checking_in_pages()
    feed.page(status, status_body("no"))
    if status != 403:
        paused(feed)
    question = asked(feed)
    assert (question.parameters["scope"], question.parameters["resourceVersion"]) == ("node", "5")
    assert feed.opened() == [Opened(scope=Scope.NODE)]
    feed.failed(LOST)
    paused(feed)
    assert asked(feed).parameters["resourceVersion"] == "5"
    feed.opened()
    feed.ended(400.0)
    question = asked(feed)
    assert question.parameters["scope"] == "cluster"
    assert "continue" not in question.parameters
    assert feed.page(200, page_body(9, "", "a"))[0] == Begun()


def test_first_check_for_a_grant_comes_after_the_first_wait() -> None:
    """The first watch of the node's own pods is the shortest."""
    feed = streaming_feed()
    asked(feed)
    feed.page(403, b"")
    assert asked(feed).parameters["timeoutSeconds"] == "10"


@pytest.mark.parametrize("annotations", [["x"], "x", 5, True, None, {}, {"other": "true"}])
def test_bookmark_with_odd_annotations_ends_no_list(annotations: object) -> None:
    """Only the one annotation does, and nothing else in its place raises."""
    feed = streaming_feed()
    asked(feed)
    feed.opened()
    metadata = {"resourceVersion": "1", "annotations": annotations}
    assert heard(feed, [event_line("BOOKMARK", {"metadata": metadata})]) == []
    assert heard(feed, [bookmark(2, ends_list=True)])[0] == Completed(scope=Scope.CLUSTER)


KEYS = st.sampled_from(["type", "object", "metadata", "resourceVersion", "annotations", "code"])
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["ADDED", "DELETED", "BOOKMARK", "ERROR", "5", "k8s.io/initial-events-end"])
)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner), max_leaves=6
)
EVENTS = st.fixed_dictionaries(
    {
        "type": JSON,
        "object": JSON
        | st.fixed_dictionaries(
            {
                "metadata": JSON
                | st.fixed_dictionaries({"resourceVersion": JSON, "annotations": JSON})
            },
            optional={"code": JSON, "message": JSON},
        ),
    }
)


@given(st.lists(JSON | EVENTS, max_size=4), st.booleans())
def test_any_lines_are_events_garbled_or_the_end_of_the_watch(
    lines: list[Any], is_listing: bool
) -> None:
    """No line that a server can send ends in another exception, in a list or in a watch."""
    feed = streaming_feed()
    asked(feed)
    feed.opened()
    if not is_listing:
        heard(feed, [bookmark(1, ends_list=True)])
    ends: list[ApiError] = []
    for line in lines:
        try:
            heard(feed, [json.dumps(line).encode() + b"\n"])
        except (GarbledError, WatchError) as error:
            ends.append(error)
            break
    assert [kinds(feed.failed(error)) for error in ends] == [[Troubled]] * len(ends)
