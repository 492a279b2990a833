"""Checks list-then-watch where something goes wrong: each failure has its own answer."""

import pytest

from pokepodsd.core.answers import WatchError
from pokepodsd.core.protocol import Begun, Changed, Event, Troubled
from pokepodsd.core.watch import LONGEST_LINE, PodFeed
from pokepodsd.errors import ConnectionLostError, GarbledError, SilentError
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
    scene_body,
    scene_lines,
    status_body,
    streaming_feed,
    watching_feed,
)

LOST = ConnectionLostError("connection reset by peer")
SILENT = SilentError("nothing came from it for too long")


def trouble(events: list[Event]) -> Troubled:
    (event,) = events
    assert isinstance(event, Troubled)
    return event


def is_list(feed: PodFeed) -> bool:
    """Whether the next question is for everything, and not for what follows a version."""
    return asked(feed).parameters.get("resourceVersion", "") == ""


def paged_feed(token: str) -> PodFeed:
    """A feed in the middle of a list in pages."""
    feed = streaming_feed()
    asked(feed)
    feed.page(422, b"")
    asked(feed)
    feed.page(200, page_body(7, token, "a"))
    asked(feed)
    return feed


def test_expired_version_by_http_is_listed_again_after_a_delay() -> None:
    """410 is answered with a list, never with the same version."""
    feed = watching_feed()
    told = trouble(feed.page(410, status_body("too old resource version")))
    assert told.reason.startswith("HTTP 410: too old resource version")
    assert paused(feed) == 1.0
    assert is_list(feed)


def test_expired_versions_are_answered_with_growing_delays_until_a_watch_lives() -> None:
    """Neither a list proves that the watch works, nor do events between two expiries."""
    feed = watching_feed()
    delays = []
    for _ in range(5):
        trouble(broken(feed, scene_lines_of_expiry()))
        delays.append(paused(feed))
        assert is_list(feed)
        assert feed.opened() == [Begun()]
        heard(feed, [event_line("ADDED", pod_object("a", 9)), bookmark(10, ends_list=True)])
        feed.ended(1.0)
        delays.append(paused(feed))
        assert not is_list(feed)
        feed.opened()
    assert delays == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0]
    heard(feed, [event_line("ADDED", pod_object("b", 11))])
    trouble(broken(feed, scene_lines_of_expiry()))
    assert paused(feed) == 32.0
    feed.opened()
    heard(feed, [bookmark(12, ends_list=True), event_line("ADDED", pod_object("c", 13))])
    trouble(feed.failed(LOST))
    assert paused(feed) == 1.0
    assert not is_list(feed)
    feed.opened()
    trouble(feed.failed(WatchError(410, "too old"), 30.0))
    assert paused(feed) == 1.0
    assert is_list(feed)


def scene_lines_of_expiry() -> list[bytes]:
    """Scene 20: a watch that is answered with 200, and then with one ERROR event."""
    return [scene_body("20") + b"\n"]


def test_expired_token_begins_the_list_anew() -> None:
    """410 in the middle of the pages: what came of them is void."""
    feed = paged_feed("token")
    trouble(feed.page(410, status_body("the provided continue parameter is too old")))
    assert paused(feed) == 1.0
    assert "continue" not in asked(feed).parameters
    assert feed.page(200, page_body(8, "t", "a"))[0] == Begun()


def test_refused_token_begins_the_list_anew() -> None:
    """Scene 17: a continue token that the server does not know."""
    feed = paged_feed("bm90LWEtdG9rZW4")
    told = trouble(feed.page(400, scene_body("17")))
    assert "invalid continue token" in told.reason
    assert paused(feed) == 1.0
    assert "continue" not in asked(feed).parameters


def test_unaccepted_credentials_are_to_be_read_again() -> None:
    """Scene 10: 401, by HTTP or in the stream, asks for a renewal; nothing else does."""
    feed = watching_feed()
    assert trouble(feed.page(401, scene_body("10"))).renew
    paused(feed)
    assert not is_list(feed)
    feed.opened()
    assert trouble(broken(feed, [error_line(401)])).renew
    paused(feed)
    asked(feed)
    assert not trouble(feed.page(500, b"")).renew
    assert not trouble(feed.failed(LOST)).renew


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("retry_after", "seconds"), [(None, 1.0), (0.2, 1.0), (7.0, 7.0), (300.0, 300.0), (1e9, 300.0)]
)
def test_retry_after_is_kept_within_reason(
    status: int, retry_after: float | None, seconds: float
) -> None:
    """Never sooner than the server asks, nor than the own delay; never later than five minutes."""
    feed = watching_feed(77)
    told = trouble(feed.page(status, status_body("busy"), retry_after))
    assert told.reason.startswith(f"HTTP {status}: busy")
    assert paused(feed) == seconds
    assert asked(feed).parameters["resourceVersion"] == "77"


@pytest.mark.parametrize("status", [302, 404, 429, 500, 502, 503, 504])
def test_refused_watch_is_asked_for_again_from_its_version(status: int) -> None:
    """A server in trouble forgets nothing: the list is spared it."""
    feed = watching_feed(77)
    delays = []
    for _ in range(8):
        trouble(feed.page(status, b"<html>"))
        delays.append(paused(feed))
        assert asked(feed).parameters["resourceVersion"] == "77"
    assert delays == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]


@pytest.mark.parametrize("error", [LOST, SILENT])
def test_connection_lost_in_a_watch_is_resumed_from_its_version(error: ConnectionLostError) -> None:
    """Dropped, half-open or silent: the targets stay, and so does the place in the stream."""
    feed = watching_feed(77)
    delays = []
    for _ in range(3):
        assert trouble(feed.failed(error)).reason == str(error)
        delays.append(paused(feed))
        assert asked(feed).parameters["resourceVersion"] == "77"
    assert delays == [1.0, 2.0, 4.0]


def test_watch_that_lived_makes_the_delays_short_again() -> None:
    """The failure after a long quiet watch is the first one."""
    feed = watching_feed()
    for _ in range(4):
        feed.failed(LOST, lived=29.9)
        paused(feed)
    feed.failed(LOST, lived=30.0)
    assert paused(feed) == 1.0


def test_connection_lost_in_a_streaming_list_begins_it_anew() -> None:
    """Half a list is no list."""
    feed = streaming_feed()
    asked(feed)
    feed.opened()
    heard(feed, [event_line("ADDED", pod_object("a", 5))])
    trouble(feed.failed(LOST))
    assert paused(feed) == 1.0
    assert is_list(feed)
    assert feed.opened() == [Begun()]


def test_connection_lost_between_pages_begins_the_list_anew() -> None:
    """Half a list is no list, in pages either."""
    feed = paged_feed("token")
    trouble(feed.failed(LOST))
    paused(feed)
    assert "continue" not in asked(feed).parameters
    assert feed.page(200, page_body(8, ""))[0] == Begun()


def test_garbled_page_is_trouble_and_listed_again() -> None:
    """A proxy's page with status 200 is no list of no pods."""
    feed = streaming_feed()
    asked(feed)
    feed.page(422, b"")
    asked(feed)
    assert "no PodList" in trouble(feed.page(200, b"<html>welcome</html>")).reason
    assert paused(feed) == 1.0
    assert is_list(feed)


def test_garbled_line_is_listed_again_and_what_came_before_it_counts() -> None:
    """After a line that cannot be read nobody knows what was missed."""
    feed = watching_feed(77)
    good = pod_object("a", 80)
    events = broken(feed, [event_line("ADDED", good), b"not json\n", event_line("ADDED", good)])
    assert events[0] == Changed(object=good)
    assert "no event" in trouble(events[1:]).reason
    assert paused(feed) == 1.0
    assert is_list(feed)


def test_endless_line_is_garbled() -> None:
    """A server cannot fill the reader's memory."""
    feed = watching_feed()
    for _ in range(LONGEST_LINE // 65_536):
        assert list(feed.chunk(b"x" * 65_536)) == []
    with pytest.raises(GarbledError):
        list(feed.chunk(b"x"))


def test_truncated_line_is_trouble_and_resumed_from_what_was_whole() -> None:
    """The connection ended in the middle of a line: the rest of it comes with the next watch."""
    feed = watching_feed(77)
    whole = event_line("ADDED", pod_object("a", 80))
    heard(feed, [whole, event_line("ADDED", pod_object("b", 81))[:30]])
    assert "middle of a line" in trouble(feed.ended(5.0)).reason
    assert paused(feed) == 1.0
    assert asked(feed).parameters["resourceVersion"] == "80"
    feed.opened()
    assert heard(feed, [whole]) == [Changed(object=pod_object("a", 80))]


def test_error_events_in_a_row_are_listed_again_after_three() -> None:
    """A version of which each watch ends with an error is given up, whatever the code."""
    feed = watching_feed(77)
    was_listed = []
    for _ in range(3):
        trouble(broken(feed, [error_line(500, "etcd is away")]))
        paused(feed)
        was_listed.append(is_list(feed))
        feed.opened()
    assert was_listed == [False, False, True]


def test_event_between_error_events_proves_the_version() -> None:
    """Errors count only in a row."""
    feed = watching_feed(77)
    for version in range(78, 84):
        broken(feed, [bookmark(version), error_line(500)])
        paused(feed)
        assert asked(feed).parameters["resourceVersion"] == str(version)
        feed.opened()


def test_interruption_of_a_watch_blames_nobody() -> None:
    """For new credentials the watch is asked for again at once, from where it was."""
    feed = watching_feed(77)
    feed.interrupted()
    assert asked(feed).parameters["resourceVersion"] == "77"


def test_interruption_of_a_list_begins_it_anew_at_once() -> None:
    """The pages of a list belong to one another: none is kept over new credentials."""
    feed = paged_feed("token")
    feed.interrupted()
    assert "continue" not in asked(feed).parameters
    assert feed.page(200, page_body(8, ""))[0] == Begun()


def test_lines_of_a_lost_watch_do_not_reach_into_the_next() -> None:
    """What was half a line is forgotten with its connection."""
    feed = watching_feed(77)
    heard(feed, [b'{"type":"ADD'])
    feed.failed(LOST)
    paused(feed)
    asked(feed)
    feed.opened()
    assert len(heard(feed, scene_lines("21"))) == 9
