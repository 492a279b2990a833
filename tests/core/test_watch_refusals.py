"""Checks list-then-watch where the cluster's pods are refused, granted, and refused again."""

import pytest

from pokepodsd.core.model import Scope
from pokepodsd.core.protocol import (
    Begun,
    Completed,
    Event,
    Forbidden,
    Opened,
    Pause,
    Troubled,
)
from pokepodsd.core.watch import REFUSALS_BEFORE_NARROWING, PodFeed
from pokepodsd.errors import ApiError, ConnectionLostError, GarbledError
from tests.core.builders import (
    asked,
    bookmark,
    broken,
    error_line,
    event_line,
    heard,
    narrowed_feed,
    page_body,
    paused,
    pod_object,
    scene_body,
    status_body,
    streaming_feed,
    watching_feed,
)

NO = status_body("no")


def check_for_a_grant(feed: PodFeed, lived: float = 400.0) -> None:
    """The watch of the node's own pods ends in order; the next question is the cluster's list."""
    assert feed.ended(lived) == []
    question = asked(feed)
    assert question.parameters["scope"] == "cluster"
    assert question.parameters["resourceVersion"] == ""


def kinds(events: list[Event]) -> list[type[Event]]:
    return [type(event) for event in events]


@pytest.mark.parametrize("scene", ["02", "03", "09"])
def test_first_refusal_narrows_to_the_node_at_once(scene: str) -> None:
    """The recorded 403s: said with the server's words, and the node's own pods asked for."""
    feed = streaming_feed()
    asked(feed)
    (told,) = feed.page(403, scene_body(scene))
    assert isinstance(told, Forbidden)
    assert told.message.startswith("pods is forbidden: User")
    question = asked(feed)
    assert question.parameters["scope"] == "node"
    assert question.parameters["resourceVersion"] == ""


def test_narrowed_list_says_that_it_is_narrow() -> None:
    """Whoever folds the list must know that it is not the cluster's."""
    feed = streaming_feed()
    asked(feed)
    feed.page(403, NO)
    asked(feed)
    assert feed.opened() == [Begun()]
    lines = [event_line("ADDED", pod_object("own", 5)), bookmark(9, ends_list=True)]
    assert heard(feed, lines)[1:] == [Completed(scope=Scope.NODE), Opened(scope=Scope.NODE)]


def test_grant_is_checked_for_and_the_watch_goes_on_where_it_was() -> None:
    """A refused check costs neither the list of the node's pods nor its place in the stream."""
    feed = narrowed_feed(50)
    heard(feed, [event_line("ADDED", pod_object("own", 60))])
    check_for_a_grant(feed)
    assert kinds(feed.page(403, NO)) == [Forbidden]
    question = asked(feed)
    assert (question.parameters["scope"], question.parameters["resourceVersion"]) == ("node", "60")
    assert feed.opened() == [Opened(scope=Scope.NODE)]


def test_grant_is_checked_for_now_and_then() -> None:
    """Each watch of the node's pods lasts until the next check; the gaps double to 5 minutes."""
    feed = narrowed_feed()
    lengths = []
    for _ in range(7):
        check_for_a_grant(feed)
        feed.page(403, NO)
        length = asked(feed).parameters["timeoutSeconds"]
        lengths.append(int(length))
        feed.opened()
    assert lengths == [20, 40, 80, 160, 300, 300, 300]


def test_short_watches_add_up_to_the_time_of_a_check() -> None:
    """A server that closes early does not put the check off for ever."""
    feed = narrowed_feed()
    check_for_a_grant(feed)
    feed.page(403, NO)
    asked(feed)
    feed.opened()
    scopes = []
    for _ in range(2):
        feed.ended(9.5)
        step = feed.next_step()
        question = asked(feed) if isinstance(step, Pause) else step
        scopes.append(question.parameters["scope"])
        feed.opened()
    assert scopes == ["node", "cluster"]


def test_grant_is_noticed() -> None:
    """The check that is answered becomes the list, and the watch of the cluster follows."""
    feed = narrowed_feed()
    check_for_a_grant(feed)
    assert feed.opened() == [Begun()]
    events = heard(feed, [event_line("ADDED", pod_object("a", 70)), bookmark(71, ends_list=True)])
    assert events[1:] == [Completed(scope=Scope.CLUSTER), Opened(scope=Scope.CLUSTER)]
    feed.ended(300.0)
    question = asked(feed)
    assert question.parameters["scope"] == "cluster"
    assert question.parameters["resourceVersion"] == "71"


def test_grant_is_noticed_in_pages() -> None:
    """The same with a server that knows no streaming list."""
    feed = streaming_feed()
    asked(feed)
    feed.page(422, b"")
    asked(feed)
    feed.page(403, NO)
    asked(feed)
    feed.page(200, page_body(5, "", "own"))
    asked(feed)
    feed.opened()
    assert feed.ended(400.0) == []
    assert asked(feed).parameters == {"limit": "500", "scope": "cluster", "portable": "False"}
    events = feed.page(200, page_body(9, "", "a", "b"))
    assert events[-1] == Completed(scope=Scope.CLUSTER)
    assert asked(feed).parameters["scope"] == "cluster"


def by_status(feed: PodFeed, status: int) -> list[Event]:
    return feed.page(status, b"")


def by_error(feed: PodFeed, error: ApiError) -> list[Event]:
    feed.opened()
    return feed.failed(error)


def by_error_event(feed: PodFeed, code: int) -> list[Event]:
    feed.opened()
    return broken(feed, [error_line(code)])


@pytest.mark.parametrize(
    "failure",
    [
        lambda feed: by_status(feed, 500),
        lambda feed: by_status(feed, 410),
        lambda feed: by_status(feed, 401),
        lambda feed: by_status(feed, 429),
        lambda feed: by_error(feed, ConnectionLostError("reset")),
        lambda feed: by_error(feed, GarbledError("no event")),
        lambda feed: by_error_event(feed, 410),
        lambda feed: by_error_event(feed, 500),
    ],
    ids=["500", "410", "401", "429", "reset", "garbled", "in-stream 410", "in-stream 500"],
)
def test_check_that_fails_otherwise_goes_back_to_the_nodes_watch(failure: object) -> None:
    """Whatever a check meets: the watch of the node's own pods goes on from where it was."""
    feed = narrowed_feed(50)
    check_for_a_grant(feed)
    assert callable(failure)
    assert kinds(failure(feed)) == [Troubled]
    assert paused(feed) > 0
    question = asked(feed)
    assert (question.parameters["scope"], question.parameters["resourceVersion"]) == ("node", "50")


def test_interrupted_check_goes_back_to_the_nodes_watch() -> None:
    """New credentials in the middle of a check."""
    feed = narrowed_feed(50)
    check_for_a_grant(feed)
    feed.opened()
    feed.interrupted()
    question = asked(feed)
    assert (question.parameters["scope"], question.parameters["resourceVersion"]) == ("node", "50")


def test_expired_version_of_the_node_lists_the_node_again() -> None:
    """410 for the node's own watch does not ask for the cluster."""
    feed = narrowed_feed()
    broken(feed, [error_line(410)])
    paused(feed)
    question = asked(feed)
    assert (question.parameters["scope"], question.parameters["resourceVersion"]) == ("node", "")


def refusals(feed: PodFeed) -> list[type[Event]]:
    """What is said of one 403 after another, until the feed narrows."""
    said: list[type[Event]] = []
    while Forbidden not in said:
        (event,) = feed.page(403, NO)
        said.append(type(event))
        if isinstance(event, Troubled):
            assert paused(feed) > 0
            assert asked(feed).parameters["scope"] == "cluster"
    return said


def test_right_that_was_there_is_asked_for_again_before_it_is_given_up() -> None:
    """A restarted API server answers 403 for some seconds, and the targets are to stay."""
    feed = watching_feed()
    assert refusals(feed) == [*[Troubled] * REFUSALS_BEFORE_NARROWING, Forbidden]
    assert asked(feed).parameters["scope"] == "node"


def test_list_that_is_answered_ends_the_count_of_refusals() -> None:
    """Each time the right comes back, the patience is whole again."""
    feed = watching_feed()
    for _ in range(3):
        for _ in range(REFUSALS_BEFORE_NARROWING):
            assert kinds(feed.page(403, NO)) == [Troubled]
            paused(feed)
            asked(feed)
        feed.opened()
        heard(feed, [bookmark(9, ends_list=True)])


def test_revoked_right_that_is_granted_again_checks_quickly_again() -> None:
    """The gaps between checks start over with each grant."""
    feed = narrowed_feed()
    for _ in range(4):
        check_for_a_grant(feed)
        feed.page(403, NO)
        asked(feed)
        feed.opened()
    check_for_a_grant(feed)
    feed.opened()
    heard(feed, [bookmark(9, ends_list=True)])
    refusals(feed)
    asked(feed)
    feed.page(422, b"")
    asked(feed)
    feed.page(200, page_body(10, ""))
    assert asked(feed).parameters["timeoutSeconds"] == "10"


def test_identity_that_may_read_nothing_asks_seldom() -> None:
    """Refused even its own node's pods, it asks for the cluster's again, ever more slowly."""
    feed = streaming_feed()
    asked(feed)
    delays = []
    for _ in range(4):
        assert kinds(feed.page(403, NO)) == [Forbidden]
        assert asked(feed).parameters["scope"] == "node"
        assert kinds(feed.page(403, NO)) == [Troubled]
        delays.append(paused(feed))
        assert asked(feed).parameters["scope"] == "cluster"
    assert delays == sorted(delays)
    assert delays[0] >= 10
    assert delays[-1] == 300
