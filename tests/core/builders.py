"""Values that the tests of the core share, made from as few words as a test needs.

Owns the making of pods, targets, configurations, answers of a network and lines of a watch.
Refuses: to judge.
"""

import ipaddress
import json
from collections.abc import Iterable, Mapping
from typing import Any

from pokepodsd.core.config import Config, KubernetesConfig, validate
from pokepodsd.core.inflight import InFlight
from pokepodsd.core.model import (
    SECOND_NS,
    Channel,
    Datagram,
    Family,
    MonotonicNs,
    NodeName,
    Outcome,
    OutcomeKind,
    Pod,
    Probe,
    Send,
    Target,
    TargetId,
    Uid,
    WallNs,
)
from pokepodsd.core.pods import pod_from_object
from pokepodsd.core.protocol import Ask, Event, Pause, Timings
from pokepodsd.core.watch import PodFeed
from pokepodsd.errors import ApiError
from tests.apiserver.recordings import load_scene, recorded_pods

T0 = MonotonicNs(1_000 * SECOND_NS)
WALL0 = WallNs(1_800_000_000 * SECOND_NS)
COOKIE = 0x1122334455667788


def draw_cookie() -> int:
    """The same one for every probe, where nobody guesses."""
    return COOKIE


IDENTIFIER = 4242
V4 = Channel(family=Family.V4, identifier=IDENTIFIER, has_ip_header=False)
V4_RAW = Channel(family=Family.V4, identifier=IDENTIFIER, has_ip_header=True)
V6 = Channel(family=Family.V6, identifier=IDENTIFIER, has_ip_header=False)
BOTH = frozenset(Family)


def at(seconds: float) -> MonotonicNs:
    """So many seconds after the beginning of a test."""
    return MonotonicNs(T0 + round(seconds * SECOND_NS))


def make_config(**tables: Mapping[str, Any]) -> Config:
    """The defaults, but for these tables."""
    return validate(tables, source="test")


def rule(**settings: Any) -> KubernetesConfig:
    """The settings of the selection, the defaults but for these."""
    return make_config(kubernetes=settings).kubernetes


def make_pod(
    name: str = "web",
    *,
    namespace: str = "shop",
    node: str | None = "node-b",
    phase: str = "Running",
    ready: bool = False,
    terminating: bool = False,
    host_network: bool = False,
    host: str = "",
    created: str = "2026-01-01T00:00:00Z",
    addresses: tuple[str, ...] = ("10.244.1.1",),
) -> Pod:
    """A running pod that would be a target, but for what is said otherwise."""
    return Pod(
        uid=Uid(f"uid-{name}"),
        namespace=namespace,
        name=name,
        node=None if node is None else NodeName(node),
        phase=phase,
        ready=ready,
        terminating=terminating,
        host_network=host_network,
        host=host,
        created=created,
        addresses=addresses,
    )


def make_target(
    number: int = 1,
    *,
    node: str | None = "node-b",
    address: str | None = None,
    uid: str | None = None,
    name: str | None = None,
    created: str = "2026-01-01T00:00:00Z",
) -> Target:
    """A target by its number; two of the same number are equal."""
    parsed = ipaddress.ip_address(address or 0x0A000000 + number)
    owner = Uid(uid or f"uid-{number}")
    return Target(
        id=TargetId(f"{owner}/{parsed}"),
        uid=owner,
        namespace="shop",
        name=name or f"pod-{number}",
        node=None if node is None else NodeName(node),
        address=str(parsed),
        family=Family(parsed.version),
        created=created,
    )


def recorded_by_name() -> dict[str, Pod]:
    """The thirteen recorded pods as records, by name."""
    return {pod.name: pod for pod in map(pod_from_object, recorded_pods())}


def reply_to(
    probe: Probe,
    *,
    after_ns: int,
    cookie: int | None = None,
    identifier: int = IDENTIFIER,
    source: str | None = None,
    has_ip_header: bool = False,
) -> Datagram:
    """The echo reply as RFC 792 and RFC 4443 want it, stamped so long after the wall's send."""
    kind = 0 if probe.target.family is Family.V4 else 129
    header = bytes([kind, 0, 0, 0]) + identifier.to_bytes(2, "big")
    data = header + probe.sequence.to_bytes(2, "big")
    data += probe.serial.to_bytes(8, "big")
    drawn = int.from_bytes(probe.mark[-8:], "big") if probe.mark else COOKIE
    data += (drawn if cookie is None else cookie).to_bytes(8, "big")
    if has_ip_header:
        data = bytes([0x45]) + bytes(19) + data
    return Datagram(
        family=probe.target.family,
        data=data,
        source=probe.target.address if source is None else source,
        stamp_ns=WallNs(probe.sent_wall_ns + after_ns),
    )


def opened(flight: InFlight, target: Target, now: MonotonicNs, *, opening: bool = False) -> Send:
    """A probe that left, with the wall clock in step with the monotonic one."""
    made = flight.open(target, now, opening=opening)
    assert made is not None
    probe, packet = made
    probe.sent_wall_ns = WallNs(WALL0 + now - T0)
    return Send(probe=probe, packet=packet)


def make_outcome(
    target: Target,
    kind: OutcomeKind = OutcomeKind.TIMED_OUT,
    *,
    sent: float = 0.0,
    lasted: float = 1.0,
    opening: bool = False,
    detail: str = "",
    reporter: str = "",
) -> Outcome:
    """The end of a poke that left so many seconds after the beginning."""
    probe = Probe(target=target, sequence=1, serial=1, opening=opening, sent_ns=at(sent))
    rtt = round(lasted * SECOND_NS) if kind is OutcomeKind.REPLIED else None
    return Outcome(
        probe=probe,
        kind=kind,
        at_ns=at(sent + lasted),
        rtt_ns=rtt,
        detail=detail,
        reporter=reporter,
    )


def pod_object(name: str, version: int) -> dict[str, Any]:
    """An object of the API, with what the feed looks at."""
    return {"metadata": {"name": name, "uid": f"uid-{name}", "resourceVersion": str(version)}}


def event_line(kind: str, obj: Mapping[str, Any]) -> bytes:
    """One line of a watch."""
    return json.dumps({"type": kind, "object": obj}).encode() + b"\n"


def bookmark(version: int, *, ends_list: bool = False) -> bytes:
    """A BOOKMARK line; the one that ends the initial events is annotated."""
    metadata: dict[str, Any] = {"resourceVersion": str(version)}
    if ends_list:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    return event_line("BOOKMARK", {"metadata": metadata})


def error_line(code: int, message: str = "no more") -> bytes:
    """An ERROR line, as a server ends a watch with."""
    return event_line("ERROR", {"kind": "Status", "code": code, "message": message})


def status_body(message: str) -> bytes:
    """The body of a refusal."""
    return json.dumps({"kind": "Status", "message": message}).encode()


def page_body(version: int, token: str, *names: str) -> bytes:
    """A page of a list."""
    metadata = {"resourceVersion": str(version), **({"continue": token} if token else {})}
    items = [pod_object(name, version) for name in names]
    return json.dumps({"kind": "PodList", "metadata": metadata, "items": items}).encode()


def scene_body(number: str) -> bytes:
    """The body of a recorded answer."""
    return json.dumps(load_scene(number)["response"]["body"]).encode()


def scene_lines(number: str) -> list[bytes]:
    """The lines of a recorded watch."""
    stream = load_scene(number)["stream"]
    return [json.dumps(one["line"]).encode() + b"\n" for one in stream if "line" in one]


def paging_feed(timings: Timings | None = None) -> PodFeed:
    """A feed whose dice always fall on the longest delay, so that delays are 1, 2, 4 ... s."""
    return PodFeed(
        selectors=lambda scope, portable: {"scope": scope.value, "portable": str(portable)},
        timings=timings or Timings(),
        roll=lambda: 1.0,
    )


def streaming_feed(timings: Timings | None = None) -> PodFeed:
    """A feed whose pages expired, so that its next list is streamed."""
    feed = paging_feed(timings)
    asked(feed)
    feed.page(200, page_body(1, "token"))
    asked(feed)
    assert feed.page(410, b"") == []
    return feed


def asked(feed: PodFeed) -> Ask:
    """The next step, which is a question."""
    step = feed.next_step()
    assert isinstance(step, Ask), step
    return step


def paused(feed: PodFeed) -> float:
    """The next step, which is to wait so many seconds."""
    step = feed.next_step()
    assert isinstance(step, Pause), step
    return step.seconds


def heard(feed: PodFeed, lines: Iterable[bytes]) -> list[Event]:
    """What the feed makes of these lines, in one chunk."""
    return list(feed.chunk(b"".join(lines)))


def broken(feed: PodFeed, lines: Iterable[bytes], lived: float = 0.0) -> list[Event]:
    """Lines of which the last ends the watch; what came of them, and of the failure."""
    events: list[Event] = []
    try:
        events.extend(feed.chunk(b"".join(lines)))
    except ApiError as error:
        return [*events, *feed.failed(error, lived)]
    raise AssertionError("the lines did not end the watch")


def watching_feed(version: int = 100, timings: Timings | None = None) -> PodFeed:
    """A feed that has listed the cluster, and whose watch is open."""
    feed = streaming_feed(timings)
    asked(feed)
    feed.opened()
    heard(feed, [bookmark(version, ends_list=True)])
    assert feed.ended(300.0) == []
    asked(feed)
    feed.opened()
    return feed


def narrowed_feed(version: int = 50) -> PodFeed:
    """A feed that was refused the cluster, and whose watch of its own node's pods is open."""
    feed = streaming_feed()
    asked(feed)
    feed.page(403, status_body("no"))
    asked(feed)
    feed.opened()
    heard(feed, [bookmark(version, ends_list=True)])
    return feed
