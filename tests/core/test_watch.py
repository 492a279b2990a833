"""Checks list-then-watch where all goes well: pages, the streaming list, bookmarks, resumption."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.model import Scope
from pokepodsd.core.protocol import (
    Begun,
    Changed,
    Completed,
    Event,
    Listed,
    Opened,
    Removed,
    Timings,
    Troubled,
)
from pokepodsd.core.watch import PodFeed
from tests.core.builders import (
    asked,
    bookmark,
    event_line,
    heard,
    page_body,
    paging_feed,
    paused,
    pod_object,
    scene_body,
    scene_lines,
    status_body,
    streaming_feed,
    watching_feed,
)


def names(event: Event) -> list[Any]:
    match event:
        case Listed(objects=objects):
            return [obj["metadata"]["name"] for obj in objects]
        case Changed(object=obj) | Removed(object=obj):
            return [obj["metadata"]["name"]]
        case _:
            return []


def test_first_question_is_the_first_page() -> None:
    """Pages are compressed, whatever the server's version; a stream is not before 1.37."""
    question = asked(paging_feed())
    assert not question.is_watch
    assert question.parameters == {"limit": "500", "scope": "cluster", "portable": "False"}


@pytest.mark.parametrize("status", [400, 410])
def test_pages_that_expired_are_followed_by_a_streaming_list(status: int) -> None:
    """A list that takes longer than its token lives is asked for in a way that needs none."""
    feed = paging_feed()
    asked(feed)
    feed.page(200, page_body(1, "token", "a"))
    asked(feed)
    assert feed.page(status, status_body("too old")) == []
    assert asked(feed).parameters["sendInitialEvents"] == "true"
    assert feed.opened() == [Begun()]


def test_question_for_the_streaming_list() -> None:
    """All pods and what follows in one answer, with bookmarks and an end set to it."""
    question = asked(streaming_feed())
    assert question.is_watch
    assert question.parameters == {
        "watch": "1",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": "360",
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "resourceVersion": "",
        "scope": "cluster",
        "portable": "False",
    }


def test_streaming_list_is_complete_at_its_annotated_bookmark() -> None:
    """Initial events are the list; another bookmark ends nothing; after the end all is change."""
    feed = streaming_feed()
    asked(feed)
    assert feed.opened() == [Begun()]
    one, two = pod_object("one", 3), pod_object("two", 5)
    assert heard(feed, [event_line("ADDED", one)]) == [Listed(objects=(one,))]
    assert heard(feed, [bookmark(4)]) == []
    assert heard(feed, [event_line("DELETED", one)]) == [Removed(object=one)]
    assert heard(feed, [bookmark(9, ends_list=True), event_line("ADDED", two)]) == [
        Completed(scope=Scope.CLUSTER),
        Opened(scope=Scope.CLUSTER),
        Changed(object=two),
    ]


def test_end_of_initial_events_is_nothing_to_a_resumed_watch() -> None:
    """A list ends once: outside of one, the annotation moves the version and no more."""
    feed = watching_feed(100)
    assert heard(feed, [bookmark(120, ends_list=True)]) == []
    feed.ended(300.0)
    assert asked(feed).parameters["resourceVersion"] == "120"


def test_recorded_streaming_list() -> None:
    """Scene 22: thirteen pods, complete at the bookmark, and watched on from its version."""
    feed = streaming_feed()
    asked(feed)
    feed.opened()
    events = heard(feed, scene_lines("22"))
    assert sum(len(names(event)) for event in events) == 13
    assert events[-2:] == [Completed(scope=Scope.CLUSTER), Opened(scope=Scope.CLUSTER)]
    assert feed.ended(300.0) == []
    assert asked(feed).parameters["resourceVersion"] == "10939"


def test_recorded_life_of_a_pod() -> None:
    """Scene 21: each event in its order, then resumed from the version of the last bookmark."""
    feed = watching_feed(10922)
    events = heard(feed, scene_lines("21"))
    assert [(type(event), *names(event)) for event in events] == [
        *[(Changed, "new-1")] * 5,
        (Changed, "web-7f9c5d8b6d-4xk2p"),
        *[(Changed, "new-1")] * 2,
        (Removed, "new-1"),
    ]
    assert feed.ended(300.0) == []
    assert asked(feed).parameters["resourceVersion"] == "10933"


@given(st.lists(st.integers(0, 30_000), max_size=20))
def test_events_are_the_same_however_the_stream_is_cut(cuts: list[int]) -> None:
    """Chunks end anywhere, in the middle of a character too."""
    data = b"".join(scene_lines("22"))
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    feed, whole = streaming_feed(), streaming_feed()
    for one in (feed, whole):
        asked(one)
        one.opened()
    found = [event for low, high in pairwise(edges) for event in feed.chunk(data[low:high])]
    assert found == list(whole.chunk(data))


@pytest.mark.parametrize("status", [400, 422])
def test_server_without_the_streaming_list_is_asked_for_pages_at_once(status: int) -> None:
    """Before 1.32 the question is invalid: that is no trouble, and not worth a wait."""
    feed = streaming_feed()
    asked(feed)
    assert feed.page(status, status_body("sendInitialEvents is forbidden for watch")) == []
    question = asked(feed)
    assert not question.is_watch
    assert question.parameters == {"limit": "500", "scope": "cluster", "portable": "False"}


def test_server_without_the_field_label_is_asked_portably_at_once() -> None:
    """Before 1.28 spec.hostNetwork is no field label; the streaming list is still tried."""
    feed = streaming_feed()
    asked(feed)
    refusal = status_body(
        'Unable to find "/v1, Resource=pods" that match field selector: '
        "field label not supported: spec.hostNetwork"
    )
    assert feed.page(400, refusal) == []
    question = asked(feed)
    assert (question.is_watch, question.parameters["portable"]) == (True, "True")
    assert feed.page(422, status_body("sendInitialEvents is forbidden for watch")) == []
    question = asked(feed)
    assert (question.is_watch, question.parameters["portable"]) == (False, "True")
    told = feed.page(400, refusal)
    assert [type(event) for event in told] == [Troubled]
    assert paused(feed) > 0


def test_streaming_list_that_ends_without_its_bookmark_is_not_tried_again() -> None:
    """A server that ignores the parameter never says that the list is over."""
    feed = streaming_feed()
    asked(feed)
    feed.opened()
    heard(feed, [event_line("ADDED", pod_object("one", 3)), bookmark(4)])
    assert [type(event) for event in feed.ended(300.0)] == [Troubled]
    assert paused(feed) > 0
    assert not asked(feed).is_watch


def test_pages_follow_their_token_and_the_watch_their_version() -> None:
    """The list begins once, each page is told as it comes, and the watch goes on from it."""
    feed = paging_feed()
    asked(feed)
    first, listed = feed.page(200, page_body(7, "token-1", "a", "b"))
    assert (first, names(listed)) == (Begun(), ["a", "b"])
    assert asked(feed).parameters["continue"] == "token-1"
    assert [names(event) for event in feed.page(200, page_body(7, "token-2", "c"))] == [["c"]]
    assert asked(feed).parameters["continue"] == "token-2"
    listed, completed = feed.page(200, page_body(7, "", "d"))
    assert (names(listed), completed) == (["d"], Completed(scope=Scope.CLUSTER))
    question = asked(feed)
    assert question.is_watch
    assert question.parameters["resourceVersion"] == "7"
    assert "sendInitialEvents" not in question.parameters
    assert feed.opened() == [Opened(scope=Scope.CLUSTER)]


def test_recorded_pages_are_the_recorded_list() -> None:
    """Scenes 13 to 15 give what scene 12 gives in one answer."""
    paged, whole = paging_feed(), paging_feed()
    found = []
    for scene in ("13", "14", "15"):
        asked(paged)
        found += [event for event in paged.page(200, scene_body(scene)) if names(event)]
    asked(whole)
    begun, listed, completed = whole.page(200, scene_body("12"))
    assert [name for event in found for name in names(event)] == names(listed)
    assert (begun, completed) == (Begun(), Completed(scope=Scope.CLUSTER))
    assert asked(paged).parameters == asked(whole).parameters


def test_empty_cluster_is_a_complete_list() -> None:
    """No pods is a fact, which withdraws what was there."""
    feed = paging_feed()
    asked(feed)
    events = feed.page(200, page_body(7, ""))
    assert events == [Begun(), Listed(objects=()), Completed(scope=Scope.CLUSTER)]


def test_size_of_a_page_is_a_setting() -> None:
    """Tests and small machines ask for smaller pages."""
    feed = paging_feed(Timings(page_limit=3))
    assert asked(feed).parameters["limit"] == "3"


@pytest.mark.parametrize(
    "line", [bookmark(205), event_line("MODIFIED", pod_object("a", 205))], ids=["bookmark", "event"]
)
def test_watch_is_resumed_from_the_last_version_it_told(line: bytes) -> None:
    """Nothing is listed again, and nothing is missed."""
    feed = watching_feed(100)
    heard(feed, [event_line("DELETED", pod_object("b", 150)), line])
    assert feed.ended(300.0) == []
    question = asked(feed)
    assert question.parameters["resourceVersion"] == "205"
    assert question.parameters["allowWatchBookmarks"] == "true"
    assert feed.opened() == [Opened(scope=Scope.CLUSTER)]


def test_version_of_an_unfinished_streaming_list_is_not_resumed_from() -> None:
    """What came of it is not all there is: the list is asked for again."""
    feed = streaming_feed()
    asked(feed)
    feed.opened()
    heard(feed, [event_line("ADDED", pod_object("a", 5)), bookmark(6)])
    feed.interrupted()
    assert asked(feed).parameters["resourceVersion"] == ""


def test_length_of_a_watch_is_spread() -> None:
    """Nodes that came back together do not renew their watches together: 0.8 to 1.2 of it."""
    lengths = []
    for rolls in ([0.0], [0.5], [0.999]):
        feed = PodFeed(selectors=lambda *_: {}, timings=Timings(), roll=rolls.pop)
        asked(feed)
        feed.page(200, page_body(7, ""))
        lengths.append(asked(feed).parameters["timeoutSeconds"])
    assert lengths == ["240", "300", "360"]


def test_watch_that_ends_soon_is_asked_for_again_after_a_growing_delay() -> None:
    """A server that closes each watch at once is not asked at full speed."""
    feed = watching_feed()
    delays = []
    for _ in range(4):
        assert feed.ended(0.1) == []
        delays.append(paused(feed))
        asked(feed)
        feed.opened()
    assert delays == [1.0, 2.0, 4.0, 8.0]
    assert feed.ended(30.0) == []
    asked(feed)
    feed.opened()
    feed.ended(0.1)
    assert paused(feed) == 1.0
