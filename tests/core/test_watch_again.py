"""Checks when a list is made again where a server is behind, and how much of it is asked for."""

from pokepodsd.core.protocol import Troubled
from pokepodsd.errors import SilentError, TooLargeError
from tests.core.builders import asked, bookmark, heard, page_body, paused, watching_feed
from tests.core.test_watch_failures import is_list, paged_feed

SILENT = SilentError("nothing came from it for too long")


def test_watch_that_is_silent_again_and_again_is_begun_with_a_list() -> None:
    """A server with an older resourceVersion, as of a restored etcd, never sends what is newer.

    A connection that was silent before the watch was answered says nothing of that.
    """
    feed = watching_feed(77)
    for silent_seconds in (90.1, 0.0, 3.0):
        feed.failed(SILENT, silent_seconds)
        paused(feed)
        assert asked(feed).parameters["resourceVersion"] == "77"
        feed.opened()
    feed.failed(SILENT, 90.1)
    paused(feed)
    assert is_list(feed)


def test_watch_that_speaks_between_silences_goes_on() -> None:
    """One event shows that the server is not behind."""
    feed = watching_feed(77)
    for version in range(78, 82):
        heard(feed, [bookmark(version)])
        feed.failed(SILENT, 95.0)
        paused(feed)
        assert asked(feed).parameters["resourceVersion"] == str(version)
        feed.opened()


def test_page_that_is_too_large_is_asked_for_in_parts() -> None:
    """At once and without a word, while there are smaller ones; then it is told.

    So until a list is complete; the next one begins with whole pages again.
    """
    feed = paged_feed("token")
    error = TooLargeError("the answer is larger than 32 bytes")
    limits = []
    for _ in range(4):
        assert feed.failed(error) == []
        limits.append(asked(feed).parameters["limit"])
    assert limits == ["125", "31", "7", "1"]
    for _ in range(2):
        assert feed.failed(error) == [Troubled(reason=str(error))]
        paused(feed)
        assert asked(feed).parameters["limit"] == "1"
    feed.page(200, page_body(8, "token", "a"))
    assert asked(feed).parameters["limit"] == "1"
    feed.page(200, page_body(8, "", "b"))
    asked(feed)
    feed.page(410, b"")
    paused(feed)
    assert asked(feed).parameters["limit"] == "500"
