"""Bytes from the API server in an hour, with 5,000 pods, beside the origin's loop.

Owns what of an hour is measured and what is added up. Measured, by a relay that counts TCP's
payload with TLS in it: the first list, the renewal of a watch, a bookmark, a change of a pod, and
one list of the loop. An hour is made of these: nothing is left out, but for the headers of TCP and
IP, which both have.

The loop's `kubectl get pods` is asked for in its words: a Table, in pages of 500, with gzip, on a
new connection each time. A Table has each pod's metadata in it, where kubectl finds the namespace.
"""

import gzip
import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from pokepodsd.core.protocol import Timings
from pokepodsd.core.records import PodChanged, Watching
from tests.apiserver.client import ApiServer
from tests.apiserver.kubeconfig import CURRENT, write_kubeconfig
from tests.apiserver.podfactory import PodArguments, fleet
from tests.apiserver.tables import ACCEPT
from tests.bench.accounting import MB
from tests.bench.figures import Figure, Finding, Goal, Run
from tests.bench.learn import NODES, PODS, full_server
from tests.bench.reading import reading
from tests.bench.relay import Relay, relay

LOOP: Final = "the origin's loop"
HOUR_SECONDS: Final = 3_600
LOOP_SECONDS: Final = 5
BOOKMARK_SECONDS: Final = 60
CHANGES_A_SECOND: Final = 10
# What passed is counted as soon as the relay has it; what is still on its way is waited for.
_QUIET_SECONDS = 0.3
_PATIENCE_SECONDS = 20.0
_BOOKMARKS = 60
_HOSTS: Final = count()
_UNBROKEN: Final = (
    f"The time of its pings is left out, so that it makes {HOUR_SECONDS // LOOP_SECONDS} lists;"
    " with its pings one after the other it makes fewer."
)
# Of watches that were short the reader asks again after 1 s, 2 s and so on.
_RENEWALS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Bytes:
    """What was measured, in bytes from the server."""

    first_list: int
    renewal: float
    bookmark: float
    change: float

    def quiet_hour(self) -> float:
        """An hour in which nothing changes: renewals with a last bookmark each, and bookmarks."""
        renewals = HOUR_SECONDS / Timings().watch
        bookmarks = renewals + HOUR_SECONDS / BOOKMARK_SECONDS
        return renewals * self.renewal + bookmarks * self.bookmark

    def first_hour(self) -> float:
        """The same with the list before it."""
        return self.first_list + self.quiet_hour()

    def busy_hour(self) -> float:
        """An hour in which so many pods change."""
        return self.quiet_hour() + HOUR_SECONDS * CHANGES_A_SECOND * self.change


def measure(run: Run) -> Iterator[Finding]:
    """The parts of an hour, in turns with one list of the loop."""
    with ApiServer(run.folder / "api") as api:
        full_server(api, run.folder)
        ours, loop = [], []
        for number in range(run.runs(3, 1)):
            folder = run.folder / str(number)
            ours.append(bytes_of_reader(api, folder, changes=run.runs(100, 30)))
            loop.append(bytes_of_loop(api, folder) * HOUR_SECONDS / LOOP_SECONDS / MB)
    # The bytes do not depend on the machine: the short form has the same bound.
    goal = Goal(most=1 / 500, of=LOOP, most_short=1 / 500, margin="bytes are the same everywhere")
    parts = (
        f"a renewal of the watch {ours[0].renewal:,.0f} bytes, each 5 minutes; a bookmark"
        f" {ours[0].bookmark:,.0f}, each minute; a list of the loop"
        f" {loop[0] * MB / HOUR_SECONDS * LOOP_SECONDS:,.0f}, each {LOOP_SECONDS} s."
    )
    yield Figure(
        name="bytes from the API server in an hour, 5,000 pods, nothing changes",
        unit="MB",
        ours=[one.quiet_hour() / MB for one in ours],
        peers={LOOP: loop},
        goals=[goal],
        note=f"Added up: {parts} {_UNBROKEN}",
    )
    yield Figure(
        name="the same in the first hour, with the list of all pods",
        unit="MB",
        ours=[one.first_hour() / MB for one in ours],
        peers={LOOP: loop},
        note=f"The list is {ours[0].first_list:,.0f} bytes, once.",
    )
    yield Figure(
        name="the same, 10 changes a second",
        unit="MB",
        ours=[one.busy_hour() / MB for one in ours],
        peers={LOOP: loop},
        note=f"A change is {ours[0].change:,.0f} bytes: watches are not compressed.",
    )


def bytes_of_reader(api: ApiServer, folder: Path, *, changes: int) -> Bytes:
    """What the reader gets in its first list, and in each thing that happens later."""
    control = api.control
    control.change_settings(bookmark_interval_seconds=float(BOOKMARK_SECONDS))
    with relay(api.port) as counted:
        kubeconfig = _kubeconfig(api, counted, folder)
        with reading(kubeconfig, folder) as reader:
            reader.wait_for(Watching)
            first_list = settled(counted)

            def change(number: int) -> None:
                control.make_pods(_turned(number))
                reader.wait_for(PodChanged)

            def renew(_: int) -> None:
                control.end_watches()
                reader.wait_for(Watching)

            return Bytes(
                first_list=first_list,
                change=_each(counted, changes, change),
                renewal=_each(counted, _RENEWALS, renew),
                bookmark=_bookmark(api, counted, lambda: renew(0)),
            )


def bytes_of_loop(api: ApiServer, folder: Path) -> int:
    """What one list of the loop brings, as `kubectl get pods --all-namespaces` asks for it.

    Raises:
        RuntimeError: not all pods were in it.
    """
    with relay(api.port) as counted:
        context = ssl.create_default_context(cafile=str(api.authority.certificate_path))
        context.load_cert_chain(_kubeconfig(api, counted, folder).parent / "pki" / CURRENT)
        connection = http.client.HTTPSConnection("127.0.0.1", counted.port, context=context)
        rows, token = 0, ""
        while True:
            page = _page(connection, token)
            rows += len(page["rows"])
            token = page["metadata"].get("continue", "")
            if not token:
                break
        connection.close()
        if rows != PODS:
            raise RuntimeError(f"the loop's list has {rows} pods")
        return settled(counted)


def settled(counted: Relay) -> int:
    """The bytes from the server so far, when no more come."""
    seen, since = counted.from_server, time.monotonic()
    while time.monotonic() - since < _QUIET_SECONDS:
        if counted.from_server != seen:
            seen, since = counted.from_server, time.monotonic()
        time.sleep(_QUIET_SECONDS / 10)
    return seen


def _each(counted: Relay, times: int, happen: Callable[[int], None]) -> float:
    before = settled(counted)
    for number in range(times):
        happen(number)
    return (settled(counted) - before) / times


def _bookmark(api: ApiServer, counted: Relay, renew: Callable[[], None]) -> float:
    """One of many: the server is told to send them often, which says nothing of their size."""
    api.control.change_settings(bookmark_interval_seconds=0.05)
    renew()
    api.control.clear_log()
    before = counted.from_server
    api.control.wait_events(_BOOKMARKS, timeout_seconds=_PATIENCE_SECONDS)
    seen = len(api.control.events())
    return (counted.from_server - before) / seen


def _turned(number: int) -> Iterator[PodArguments]:
    """One of the server's pods, changed in what is told of it, and otherwise each time."""
    node = NODES[number % len(NODES)]
    (pod,) = fleet(1, [node], first=number % len(NODES))
    yield {**pod, "host_address": f"192.168.200.{next(_HOSTS) % 250}"}


def _kubeconfig(api: ApiServer, counted: Relay, folder: Path) -> Path:
    url = f"https://127.0.0.1:{counted.port}"
    return write_kubeconfig(api.authority, folder / "kubelet", url, NODES[0])


def _page(connection: http.client.HTTPSConnection, token: str) -> Any:
    path = "/api/v1/pods?limit=500" + (f"&continue={quote(token)}" if token else "")
    connection.request("GET", path, headers={"Accept": ACCEPT, "Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    body = answer.read()
    if answer.getheader("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    return json.loads(body)
