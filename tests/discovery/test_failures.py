"""Every failure of discovery over a real socket; after each, the targets are right again.

While the failure lasts, one pod is deleted and another made, so that only a client that notices
what it missed comes out right.
"""

import itertools
import time
from collections.abc import Callable
from typing import Any

import pytest

from pokepodsd.core.records import ListEnded, Lost, PodsListed, Record, Watching
from tests.apiserver.client import ApiServer
from tests.discovery.conftest import pod
from tests.discovery.follower import Follower

FollowerStart = Callable[..., Follower]

LIST_FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("status", {"code": 401}),
    ("status", {"code": 403}),
    ("status", {"code": 410}),
    ("status", {"code": 429, "retry_after": 1}),
    ("status", {"code": 500}),
    ("status", {"code": 503, "retry_after": 1}),
    ("status", {"code": 302}),
    ("drop", {}),
    ("drop_midway", {}),
    ("html", {}),
    ("silent", {}),
    ("trickle", {"interval_seconds": 0.05}),
]
WATCH_FAULTS: list[tuple[str, dict[str, Any]]] = [
    *LIST_FAULTS,
    ("truncated_line", {}),
    ("garbage_line", {}),
    ("error_event", {"code": 410}),
    ("error_event", {"code": 500}),
    ("endless_line", {}),
    ("huge_line", {"size": 9 * 1024 * 1024}),
]


def name_of(value: object) -> str:
    if isinstance(value, tuple):
        fault, options = value
        return f"{fault}-{options['code']}" if "code" in options else str(fault)
    return {True: "streaming", False: "paged"}.get(value, "") if isinstance(value, bool) else ""


def begin(api: ApiServer, follow: FollowerStart, *, streaming: bool) -> Follower:
    """A follower in good order, of three pods."""
    api.control.change_settings(watch_list=streaming)
    api.control.make_pods(pod(f"pod-{number}", number) for number in (1, 2, 3))
    follower = follow()
    follower.wait_names("pod-1", "pod-2", "pod-3")
    follower.wait_watching()
    api.control.wait_watches(1)
    return follower


def assert_recovers(api: ApiServer, follower: Follower, fault: str) -> None:
    """It goes on failing for a while; then it is right, and follows changes again."""
    seen = follower.count(Watching)
    api.control.delete_pod("shop", "pod-1")
    api.control.make_pod(**pod("pod-4", 4))
    follower.wait_names("pod-2", "pod-3", "pod-4")
    follower.wait_watching(seen + 1)
    assert [request for request in api.control.requests() if request.fault == fault]
    api.control.make_pod(**pod("pod-5", 5))
    follower.wait_names("pod-2", "pod-3", "pod-4", "pod-5")


@pytest.mark.parametrize("streaming", [True, False], ids=name_of)
@pytest.mark.parametrize("fault", WATCH_FAULTS, ids=name_of)
def test_a_watch_that_fails(
    api: ApiServer, follow: FollowerStart, fault: tuple[str, dict[str, Any]], *, streaming: bool
) -> None:
    """The watch is answered badly, twice: no target is lost, and none is missed."""
    follower = begin(api, follow, streaming=streaming)
    name, options = fault
    api.control.add_fault(name, "watch", 2, **options)
    api.control.break_watches()
    assert_recovers(api, follower, name)


@pytest.mark.parametrize("fault", LIST_FAULTS, ids=name_of)
def test_a_list_that_fails(
    api: ApiServer, follow: FollowerStart, fault: tuple[str, dict[str, Any]]
) -> None:
    """A resource version that expired makes it list again, and the list is answered badly."""
    follower = begin(api, follow, streaming=False)
    name, options = fault
    api.control.add_fault(name, "list", 2, **options)
    api.control.bump(10)
    api.control.compact()
    api.control.break_watches()
    assert_recovers(api, follower, name)


def test_a_list_that_expires_between_its_pages(api: ApiServer, follow: FollowerStart) -> None:
    """410 on a continue token: the list starts over, and is complete."""
    api.control.change_settings(watch_list=False)
    api.control.make_pods(pod(f"pod-{number}", number) for number in (1, 2, 3))
    expiries = iter([True])

    def expire_once(record: Record) -> None:
        if isinstance(record, PodsListed) and next(expiries, False):
            api.control.delete_pod("shop", "pod-1")
            api.control.compact()

    follower = follow(on_record=expire_once)
    follower.wait_names("pod-2", "pod-3")
    answers = [one.status for one in api.control.requests() if one.kind == "list"]
    assert 410 in answers
    assert follower.count(ListEnded) == 1


def test_a_server_that_restarts(api: ApiServer, follow: FollowerStart) -> None:
    """The server goes away and comes back at the same address with the same pods."""
    follower = begin(api, follow, streaming=True)
    lost = follower.count(Lost)
    api.restart(abruptly=True)
    follower.wait_for(lambda: follower.count(Lost) > lost)
    api.control.change_settings(bookmark_interval_seconds=0.3)
    api.control.delete_pod("shop", "pod-1")
    follower.wait_names("pod-2", "pod-3")


def test_a_server_that_was_put_back(api: ApiServer, follow: FollowerStart) -> None:
    """Its etcd was restored: it has an older resourceVersion, and says nothing of what is newer.

    So the watch is silent; after the second time a list says what there is.
    """
    api.control.make_pods(pod(f"pod-{number}", number) for number in (1, 2))
    api.control.save()
    api.control.bump(1000)
    api.control.delete_pod("shop", "pod-1")
    api.control.make_pod(**pod("pod-3", 3))
    follower = follow()
    follower.wait_names("pod-2", "pod-3")
    follower.wait_watching()
    api.kill()
    api.start()
    follower.wait_names("pod-1", "pod-2")
    api.control.make_pod(**pod("pod-4", 4))
    follower.wait_names("pod-1", "pod-2", "pod-4")


def test_a_server_that_hangs(api: ApiServer, follow: FollowerStart) -> None:
    """The connection stays open and nothing comes: given up as silent, then right again."""
    follower = begin(api, follow, streaming=True)
    seen = follower.count(Watching)
    api.freeze()
    try:
        follower.wait_for(
            lambda: any(
                isinstance(one, Lost) and "too long" in one.reason for one in follower.records
            )
        )
    finally:
        api.thaw()
    api.control.delete_pod("shop", "pod-1")
    follower.wait_names("pod-2", "pod-3")
    follower.wait_watching(seen + 1)


def test_a_storm_of_expiries_is_answered_more_and_more_slowly(
    api: ApiServer, follow: FollowerStart
) -> None:
    """410 on every watch: lists come at growing intervals, not at full speed."""
    follower = begin(api, follow, streaming=False)
    api.control.add_fault("error_event", "watch", None, code=410)
    api.control.clear_log()
    api.control.break_watches()
    follower.wait_for(lambda: follower.count(ListEnded) >= 9)
    watches = [one.at_ns for one in api.control.requests() if one.kind == "watch"]
    gaps = [b - a for a, b in itertools.pairwise(watches)]
    # Delays of 0.05, 0.1, 0.2, 0.4, 0.4 s, each halved at the most by the dice.
    assert sum(gaps[4:7]) > 0.55e9
    assert sum(gaps[4:7]) > sum(gaps[:3])
    api.control.clear_faults()
    api.control.delete_pod("shop", "pod-1")
    follower.wait_names("pod-2", "pod-3")


@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_is_kept(api: ApiServer, follow: FollowerStart, code: int) -> None:
    """The server says when to come again: not before."""
    follower = begin(api, follow, streaming=True)
    api.control.clear_log()
    api.control.add_fault("status", "watch", 1, code=code, retry_after=2)
    api.control.break_watches()
    follower.wait_watching(2)
    refused, then = [one for one in api.control.requests() if one.kind == "watch"][:2]
    assert refused.status == code
    assert then.at_ns - refused.at_ns >= 2_000_000_000


def test_the_connection_is_not_asked_for_ever(api: ApiServer, follow: FollowerStart) -> None:
    """A server that is gone for good is asked at growing intervals, and said to be lost."""
    follower = begin(api, follow, streaming=True)
    api.kill()
    began = time.monotonic()
    try:
        follower.wait_for(lambda: follower.count(Lost) >= 8)
        assert time.monotonic() - began > 1.0
        assert follower.names == {"pod-1", "pod-2", "pod-3"}
    finally:
        api.start()
