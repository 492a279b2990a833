"""Lists of pods: snapshots, pages, selectors.

Owns: which pods a list holds and its metadata. Refuses: authorization, which came before.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from tests.apiserver import tables
from tests.apiserver.cluster import Cluster
from tests.apiserver.continuation import Continuation, continue_after, decode
from tests.apiserver.options import ListOptions
from tests.apiserver.responses import send_list
from tests.apiserver.status import Json, StatusError, too_large
from tests.apiserver.store import Record, Store, serialize


@dataclass(frozen=True, slots=True)
class Page:
    """One answer to a list, before it is bytes."""

    version: int
    records: Sequence[Record]
    continuation: Continuation | None
    remaining: int

    def encode(self, *, with_remaining: bool, as_table: bool = False) -> bytes:
        metadata: Json = {"resourceVersion": str(self.version)}
        if self.continuation is not None:
            metadata["continue"] = self.continuation.encode()
            if with_remaining:
                metadata["remainingItemCount"] = self.remaining
        if as_table:
            return tables.encode_table(metadata, self.records)
        head = b'{"kind":"PodList","apiVersion":"v1","metadata":%s,"items":[' % serialize(metadata)
        return b"".join((head, b",".join([record.data for record in self.records]), b"]}\n"))


async def send_pods(
    request: web.Request, cluster: Cluster, options: ListOptions
) -> web.StreamResponse:
    page = make_page(cluster.store, options)
    # Unknown where a selector hides some: apiserver pkg/storage/etcd3/store.go.
    as_table = tables.is_wanted(request.headers.get("Accept", ""))
    body = page.encode(with_remaining=options.selector.is_empty, as_table=as_table)
    asked = (options.namespace, options.selector, options.limit, options.continue_token)
    key = (id(cluster), page.version, *asked, as_table)
    return await send_list(request, body, key)


def make_page(store: Store, options: ListOptions) -> Page:
    if options.continue_token:
        asked = decode(options.continue_token)
    else:
        asked = Continuation(_list_version(store, options), "")
    inconsistent = Continuation(-1, asked.start).encode()
    version = store.version if asked.version == -1 else asked.version
    if options.version_match == "Exact":
        snapshot = _exact(store, version)
    else:
        snapshot = store.pods_at(version, inconsistent)
    is_from_cache = options.version == "0" and not options.continue_token
    limit = 0 if is_from_cache else options.limit
    return _cut_page(_within(snapshot, options.namespace), options, asked.start, version, limit)


def _list_version(store: Store, options: ListOptions) -> int:
    asked = options.version_number
    if asked > store.version:
        raise too_large(asked, store.version)
    return asked if options.version_match == "Exact" else store.version


def _exact(store: Store, version: int) -> Sequence[Record]:
    try:
        return store.pods_at(version, "")
    except StatusError:
        # apiserver pkg/storage/etcd3/errors.go words it otherwise without a continue token.
        message = "The resourceVersion for the provided list is too old."
        raise StatusError(410, message) from None


def _within(snapshot: Sequence[Record], namespace: str) -> Sequence[Record]:
    if not namespace:
        return snapshot
    return [record for record in snapshot if record.namespace == namespace]


def _cut_page(
    records: Sequence[Record], options: ListOptions, start: str, version: int, limit: int
) -> Page:
    first = _first_at(records, start)
    if options.selector.is_empty:
        last = len(records) if not limit else min(first + limit, len(records))
        chosen: Sequence[Record] = records[first:last]
    else:
        chosen, last = _choose(records, options, first, limit)
    remaining = len(records) - last
    more = continue_after(version, chosen[-1].key) if remaining and chosen else None
    return Page(version, chosen, more, remaining)


def _choose(
    records: Sequence[Record], options: ListOptions, first: int, limit: int
) -> tuple[list[Record], int]:
    """The matching records and where the scan stopped; what follows it may hold no match."""
    chosen: list[Record] = []
    for index in range(first, len(records)):
        if options.selector.matches(records[index]):
            chosen.append(records[index])
            if len(chosen) == limit:
                return chosen, index + 1
    return chosen, len(records)


def _first_at(records: Sequence[Record], start: str) -> int:
    low, high = 0, len(records)
    while low < high:
        middle = (low + high) // 2
        if records[middle].key < start:
            low = middle + 1
        else:
            high = middle
    return low
