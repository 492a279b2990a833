"""What the search begins with: the recordings, fixtures and documents of the other tests, as bytes.

Made by code, the same each time, but for `found`: inputs of a few bytes that were defects once.
"""

import base64
import json
import ssl
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pokepodsd.core.errands import ConditionReport, EventReport, Lookup, Status, encode_errand
from pokepodsd.core.model import Family, NodeName, Scope, Target, TargetId, Uid, WallNs
from pokepodsd.core.pods import pod_from_object
from pokepodsd.core.recordlines import encode
from pokepodsd.core.records import (
    Alive,
    Asked,
    Fate,
    Identified,
    ListBegun,
    ListEnded,
    NodeSeen,
    PodChanged,
    PodIgnored,
    PodRemoved,
    PodsListed,
    ReportEnded,
    Watching,
)
from pokepodsd.core.requests import Request, Result
from pokepodsd.core.sample import sample
from pokepodsd.edge import statefile
from tests.apiserver.recordings import load_scene, recorded_pods
from tests.core.metricsfacts import metrics_document, unwell
from tests.fuzz.places import folder
from tests.matrixworld import World as MatrixWorld
from tests.statusdocument import broken, cut_off, lines, many

FOUND: Final = Path(__file__).parent / "found"
CERTIFICATE: Final = Path(__file__).parent / "certificate.pem"
_LISTS: Final = ("12", "13", "14", "15", "16", "18", "19")
_REFUSALS: Final = ("02", "03", "05", "06", "09", "10", "17", "20")


def found(name: str) -> Iterator[bytes]:
    """What was a defect once, of the target of this name."""
    for path in sorted((FOUND / name).glob("*")):
        yield path.read_bytes()


def answers() -> Iterator[bytes]:
    """All that the API server was recorded to say, after the byte that says what it is."""
    for number, kind in enumerate((pods, watches, refusals, nodes)):
        yield from (bytes((number,)) + one for one in kind())


def piped() -> Iterator[bytes]:
    yield from records()
    yield from errands()


def pods() -> Iterator[bytes]:
    for number in _LISTS:
        yield _body(number)
    small = {"kind": "PodList", "metadata": {"resourceVersion": "7", "continue": "more"}}
    for one in recorded_pods()[:4]:
        yield _compact({**small, "items": [one]})


def refusals() -> Iterator[bytes]:
    for index, number in enumerate(_REFUSALS):
        yield bytes((index,)) + _body(number)
    yield b"\x06<html>502 Bad Gateway</html>"


def watches() -> Iterator[bytes]:
    for number in ("20", "21", "22"):
        scene = load_scene(number)
        events = [part["event"] for part in scene.get("stream", ()) if "event" in part]
        yield b"\x80" + b"".join(_compact(one) + b"\n" for one in events or [scene["response"]])
    for kind, one in zip(("ADDED", "MODIFIED", "DELETED"), recorded_pods(), strict=False):
        yield b"\x40" + _compact({"type": kind, "object": one}) + b"\n"


def nodes() -> Iterator[bytes]:
    yield b"\0" + _body("07")
    yield b"\1" + _body("06")
    details = {"name": "node-a", "kind": "nodes"}
    yield b"\2" + _compact({"kind": "Status", "reason": "NotFound", "details": details})


def records() -> Iterator[bytes]:
    read = [pod_from_object(one) for one in recorded_pods()]
    node = NodeName("node-a")
    seen = NodeSeen(node=node, unschedulable=True, ready=False, deleting=False, created="")
    ended = ReportEnded(report="condition", fate=Fate.WRITTEN, text="True")
    told = (
        Identified(node=node, source="certificate"),
        ListBegun(),
        PodsListed(pods=tuple(read[:3])),
        ListEnded(scope=Scope.CLUSTER),
        Watching(scope=Scope.CLUSTER),
        PodChanged(pod=read[4]),
        PodRemoved(uid=read[5].uid),
        PodIgnored(reason="no uid"),
        Alive(received=1, heard_ns=2),
        Asked(request=Request.LIST, result=Result.OK),
        *(seen, ended),
    )
    yield from (encode(one) for one in told)
    yield b"".join(encode(one) for one in told)


def errands() -> Iterator[bytes]:
    event = EventReport(
        reason="PokePodsTunnelBroken",
        text="no way to node-b",
        is_warning=True,
        is_new=True,
        count=1,
        first_ns=WallNs(1),
        last_ns=WallNs(2),
    )
    condition = ConditionReport(
        status=Status.TRUE, reason="TunnelsReady", text="all well", since_ns=WallNs(1)
    )
    for one in (Lookup(node=NodeName("node-b")), event, replace(event, is_new=False), condition):
        yield encode_errand(one)


def echoes() -> Iterator[bytes]:
    """A byte that chooses, and what arrives: bare, with an IP header, quoted by an error."""
    for kind, choice in ((0, 0), (129, 1), (8, 4), (128, 5)):
        echo = struct.pack("!BBHHHQQ", kind, 0, 0, 4242, 0, 0, 0x8877665544332211)
        yield bytes((choice,)) + echo
        yield bytes((choice,)) + echo[:8]
        yield bytes((choice,)) + b"\x45" + bytes(19) + echo


def kubeconfigs() -> Iterator[bytes]:
    data = base64.b64encode(CERTIFICATE.read_bytes()).decode()
    users: Iterable[Mapping[str, Any]] = (
        {"token": "abc.def"},
        {"client-certificate-data": data, "client-key-data": data},
        {"client-certificate": "client.pem", "client-key": "client.pem"},
        {"tokenFile": "token"},
        {"username": "a", "password": "b"},
        {"auth-provider": {"name": "oidc", "config": {"id-token": "a.b.c"}}},
    )
    for user in users:
        cluster = {"server": "https://127.0.0.1:6443", "certificate-authority-data": data}
        yield _kubeconfig(cluster, user)
    yield _kubeconfig({"server": "https://[::1]", "insecure-skip-tls-verify": True}, {})
    yield b"a: &a {x: 1}\nb: &b {<<: [*a, *a]}\nclusters: !!set {? a}\n"


def certificates() -> Iterator[bytes]:
    pem = CERTIFICATE.read_text()
    yield ssl.PEM_cert_to_DER_cert(pem)
    yield b"\xff" + pem.encode()
    yield b"\xff" + b"a key before it\n" + pem.encode() * 2


def configurations() -> Iterator[bytes]:
    text = sample()
    yield text.encode()
    yield text.replace("\n# ", "\n").encode()
    yield b'[poke]\ninterval = "1m30s"\ntimeout = "500ms"\nmax_rate = 10\n[pods]\nscope = "all"\n'
    yield b'poke = {interval = "5s"}\n[kubernetes]\nexclude_namespaces = [\n "a",\n "b",\n]\n'
    yield b'[metrics]\nlisten = "[::1]:19747"\ntextfile = "/run/a.prom"\n[log]\nsummary = "1h"\n'


def states() -> Iterator[bytes]:
    for addresses in ((), ("10.244.1.1",), ("10.244.1.1", "fd00::1")):
        targets = [
            Target(
                id=TargetId(f"uid-{number}/{address}"),
                uid=Uid(f"uid-{number}"),
                namespace="shop",
                name=f"web-{number}",
                node=NodeName("node-b") if number else None,
                address=address,
                family=Family.V6 if ":" in address else Family.V4,
                created="2026-01-01T00:00:00Z",
                host="192.168.10.12",
            )
            for number, address in enumerate(addresses)
        ]
        statefile.Writer(folder(), targets).finish()
        yield (folder() / statefile.NAME).read_bytes()


def requests() -> Iterator[bytes]:
    asked: Iterable[Mapping[str, Any]] = (
        {"status": {}},
        {"status": {"peers": "all", "targets": "none", "peer": "node-b", "namespace": "shop"}},
        {"metrics": {}},
        {"hold": "all", "seconds": 60},
        {"hold": "node-b", "seconds": 1},
    )
    for one in asked:
        yield _compact(one) + b"\n"


def statuses() -> Iterator[bytes]:
    for made in (broken(), cut_off(), many()):
        yield b"\n".join(_compact(one) for one in lines(made))


def documents() -> Iterator[bytes]:
    world = MatrixWorld(
        names=("node-a", "node-b", "node-c"),
        verdicts={(0, 1): "tunnel broken", (1, 2): "pod only"},
        cut_off=frozenset({2}),
    )
    told = world.documents()
    yield _compact(told)
    yield b"\n".join(_compact(one) for one in told)
    yield _compact(told[0])


def samples() -> Iterator[bytes]:
    for index, value in enumerate(("1", "1.8e9", "NaN")):
        metrics: Iterable[dict[str, str]] = (
            {"__name__": "pokepodsd_node_info", "node": "node-a", "host": "a"},
            {"__name__": "pokepodsd_node_address_info", "address": "192.168.10.11"},
            {"__name__": "pokepodsd_node_cut_off"},
            {"__name__": "pokepodsd_peers", "verdict": "ok"},
            {"__name__": "pokepodsd_peer_unwell", "peer": "b", "verdict": "tunnel_broken"},
            {"__name__": "pokepodsd_peer_unwell_since_timestamp_seconds", "peer": "b"},
        )
        place: dict[str, str] = {"job": "pokepodsd", "instance": f"10.0.0.{index}:19747"}
        result: list[dict[str, Any]] = [
            {"metric": {**one, **place}, "value": [1.8e9, value]} for one in metrics
        ]
        yield _compact({"status": "success", "data": {"resultType": "vector", "result": result}})
    yield _compact({"status": "error", "errorType": "bad_data", "error": "no"})


def numbers() -> Iterator[bytes]:
    document = metrics_document(peers=3)
    yield _compact(document)
    yield _compact({**document, "unwell": [unwell(), unwell("node-c", "node unreachable")]})


def questions() -> Iterator[bytes]:
    heads = (
        "GET /metrics",
        "GET /status?peers=all&peer=node-b",
        "HEAD /",
        "POST /metrics",
        "GET *",
    )
    accepts = ("*/*", "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.1")
    for head in heads:
        for accept in accepts:
            text = (
                f"{head} HTTP/1.1\r\nHost: a\r\nAccept: {accept}\r\nAccept-Encoding: gzip\r\n\r\n"
            )
            yield text.encode()
    yield b"GET /metrics\r\n"


def _body(number: str) -> bytes:
    return _compact(load_scene(number)["response"]["body"])


def _compact(value: object) -> bytes:
    """As Go writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _kubeconfig(cluster: Mapping[str, Any], user: Mapping[str, Any]) -> bytes:
    """JSON, which is YAML too, with a line for each part."""
    parts = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    return "\n".join(f"{key}: {json.dumps(value)}" for key, value in parts.items()).encode()
