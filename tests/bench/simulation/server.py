"""The API server of a simulated cluster: what it answers, and how many bytes that is.

Owns the answers to lists and watches of pods. Answers only what the daemon asks, and knows no past:
whoever lists does it at the beginning.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tests.apiserver.recordings import load_scene
from tests.apiserver.responses import GZIP_THRESHOLD
from tests.apiserver.store import serialize
from tests.bench.simulation.churn import FIRST_VERSION, PODS_A_NODE, Change, first_lives
from tests.bench.simulation.lives import (
    Life,
    Stage,
    bookmark,
    lean_object,
    line,
    sizes,
)
from tests.core.nodes import name_of

_NO_STREAM = serialize(
    {
        "kind": "Status",
        "message": "sendInitialEvents is forbidden for watch unless the WatchList feature gate is"
        " enabled",
    }
)
# Large enough for few turns of the feed, as the daemon reads 64 kB at a time.
_LINES_A_CHUNK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A whole answer; ``size`` is what a real one's is on the wire, before TLS."""

    status: int
    data: bytes
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A watch that was opened: first the state, in chunks with the sizes of real ones, if asked."""

    initial: Sequence[tuple[bytes, int]]
    version: int
    seconds: float
    for_own_node: bool


class Server:
    """One API server.

    ``is_granted``: whether a node may see the pods of others. ``can_stream``: whether it knows
    streaming lists (the WatchList feature: on in Kubernetes 1.32, off in 1.33, on since 1.34).
    """

    def __init__(
        self, nodes: int, changes: Sequence[Change], *, is_granted: bool, can_stream: bool
    ) -> None:
        self.nodes = nodes
        self.is_granted = is_granted
        self.can_stream = can_stream
        self.changes = changes
        self._times = [change.at_ns for change in changes]

    def version_at(self, at_ns: int) -> int:
        """The newest version there is at this time."""
        return FIRST_VERSION + bisect_right(self._times, at_ns)

    def changes_of(self, node: int) -> Sequence[Change]:
        """What happens to the pods of one node."""
        return self._by_node.get(node, ())

    def answer(self, parameters: Mapping[str, str], node: int, at_ns: int) -> Body | Stream:
        """What a node is answered that asks for pods."""
        own = f"spec.nodeName={name_of(node)}"
        for_own_node = own in parameters.get("fieldSelector", "").split(",")
        if not (self.is_granted or for_own_node):
            refusal = serialize(load_scene("02")["response"]["body"])
            return Body(status=403, data=refusal, size=len(refusal))
        is_stream = "watch" in parameters
        wants_state = "sendInitialEvents" in parameters
        if wants_state and not self.can_stream:
            return Body(status=400, data=_NO_STREAM, size=len(_NO_STREAM))
        if is_stream and not wants_state:
            return Stream(
                initial=(),
                version=int(parameters["resourceVersion"]),
                seconds=float(parameters["timeoutSeconds"]),
                for_own_node=for_own_node,
            )
        if self.version_at(at_ns) != FIRST_VERSION:
            raise ValueError(
                "a list of what was there before; the model knows the first state only"
            )
        if is_stream:
            state = _chunks(_own_pods(node)) if for_own_node else self._all_chunks
            return Stream(
                initial=(*state, _end_of_state()),
                version=FIRST_VERSION,
                seconds=float(parameters["timeoutSeconds"]),
                for_own_node=for_own_node,
            )
        pods = _own_pods(node) if for_own_node else self._all_pods
        return _page(pods, int(parameters["limit"]), int(parameters.get("continue", "0")))

    @cached_property
    def _by_node(self) -> dict[int, list[Change]]:
        found: dict[int, list[Change]] = {}
        for change in self.changes:
            found.setdefault(change.node, []).append(change)
        return found

    @cached_property
    def _all_pods(self) -> list[bytes]:
        """Made once for all nodes that ask."""
        return _objects(first_lives(self.nodes))

    @cached_property
    def _all_chunks(self) -> list[tuple[bytes, int]]:
        return _chunks(self._all_pods)


def _own_pods(node: int) -> list[bytes]:
    return _objects(Life(node, index) for index in range(PODS_A_NODE))


def _objects(lives: Iterable[Life]) -> list[bytes]:
    return [serialize(lean_object(life, Stage.READY, FIRST_VERSION)) for life in lives]


def _chunks(pods: Sequence[bytes]) -> list[tuple[bytes, int]]:
    """Lines of a watch, as many together as `_LINES_A_CHUNK`, with the sizes of real ones."""
    before, after = b'{"type":"ADDED","object":', b"}\n"
    size = round(sizes().listed) + len(before) + len(after)
    some = (pods[first : first + _LINES_A_CHUNK] for first in range(0, len(pods), _LINES_A_CHUNK))
    return [(b"".join(before + one + after for one in part), size * len(part)) for part in some]


def _end_of_state() -> tuple[bytes, int]:
    end = line("BOOKMARK", bookmark(FIRST_VERSION, ends_list=True))
    return end, len(end)


def _page(pods: Sequence[bytes], limit: int, first: int) -> Body:
    """A page of a list; compressed where it is as long as the API server compresses."""
    some = pods[first : first + limit]
    metadata = {"resourceVersion": str(FIRST_VERSION)}
    if first + limit < len(pods):
        metadata["continue"] = str(first + limit)
    head = b'{"kind":"PodList","metadata":%s,"items":[' % serialize(metadata)
    plain = sizes().listed * len(some)
    size = plain if plain < GZIP_THRESHOLD else sizes().zipped * len(some)
    return Body(status=200, data=head + b",".join(some) + b"]}", size=round(size))
