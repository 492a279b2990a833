"""Every recorded scene of a real kube-apiserver, replayed through the real client code.

The scenes are served as they were recorded, over TLS; the client is the kubernetes package's
transport with pokepodsd's feed on top.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pokepodsd.core.answers import explain
from pokepodsd.core.records import ListEnded, Lost, PodChanged, PodRemoved, PodsListed, Refused
from tests.apiserver.kubeconfig import write_kubeconfig
from tests.apiserver.pki import Authority
from tests.discovery.follower import Follower

SCENES = Path(__file__).resolve().parents[1] / "recordings"


@contextmanager
def replay(tmp_path: Path, *scenes: str) -> Iterator[Follower]:
    """Serve these scenes in turn, the last one again and again, to a follower."""
    loaded = [json.loads((SCENES / f"{scene}.json").read_text()) for scene in scenes]
    turns = iter([*loaded[:-1], *[loaded[-1]] * 1000])

    class Replay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            scene = next(turns)
            response = scene["response"]
            self.send_response(response["status"])
            for name, value in response["headers"].items():
                if name not in {"Content-Length", "Transfer-Encoding", "Date"}:
                    self.send_header(name, value)
            if "stream" in scene:
                self._stream(scene["stream"])
            else:
                body = json.dumps(response["body"]).encode() + b"\n"
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def _stream(self, events: list[dict[str, Any]]) -> None:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for event in events:
                if "line" in event:
                    line = json.dumps(event["line"]).encode() + b"\n"
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    authority = Authority(tmp_path / "pki")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Replay)
    context = authority.make_server_context(["127.0.0.1"])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"https://127.0.0.1:{server.server_address[1]}"
        path = write_kubeconfig(authority, tmp_path / "kubelet", url, "node-a")
        with Follower(path, tmp_path) as follower:
            yield follower
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def body_of(scene: str) -> Any:
    return json.loads((SCENES / f"{scene}.json").read_text())["response"]["body"]


REFUSED = ["02-list-all-forbidden", "03-watch-all-forbidden", "09-anonymous"]
ASKED_OTHERWISE = ["05-list-other-node-forbidden", "06-nodes-forbidden"]
NO_PODS = ["01-version", "07-own-node", "08-can-i-list-pods-no", "11-can-i-list-pods-yes"]


@pytest.mark.parametrize("scene", [*REFUSED, *ASKED_OTHERWISE])
def test_a_refusal_is_told_in_the_servers_words(tmp_path: Path, scene: str) -> None:
    """403: the cluster is given up for the node's own pods, with the server's message."""
    with replay(tmp_path, scene) as follower:
        follower.wait_for(lambda: follower.count(Refused) >= 1)
        assert Refused(message=body_of(scene)["message"]) in follower.records


def test_a_bad_token(tmp_path: Path) -> None:
    """401: said, and the credentials are read again."""
    with replay(tmp_path, "10-bad-token") as follower:
        follower.wait_for(lambda: follower.count(Lost) >= 2)
        said = [one.reason for one in follower.records if isinstance(one, Lost)]
        assert said[0].endswith(explain(401, "Unauthorized"))


@pytest.mark.parametrize("scene", [*NO_PODS, "19-table"])
def test_what_is_no_list_of_pods_is_not_taken_for_an_empty_one(tmp_path: Path, scene: str) -> None:
    """A version, a Node, a Table, an access review: garbled, and no list is complete."""
    with replay(tmp_path, scene) as follower:
        follower.wait_for(lambda: follower.count(Lost) >= 2)
        assert follower.count(ListEnded) == 0


@pytest.mark.parametrize(
    "scene", ["04-list-own-node", "12-list-all", "16-list-from-cache", "18-list-field-selector"]
)
def test_a_whole_list(tmp_path: Path, scene: str) -> None:
    """Every pod of the list is read, whatever state it is in."""
    with replay(tmp_path, "17-bad-continue", scene, "20-watch-expired-rv") as follower:
        follower.wait_for(lambda: follower.count(ListEnded) >= 1)
        listed = [
            pod.uid for one in follower.records if isinstance(one, PodsListed) for pod in one.pods
        ]
        wanted = [item["metadata"]["uid"] for item in body_of(scene)["items"]]
        assert listed[: len(wanted)] == wanted


def test_a_paged_list(tmp_path: Path) -> None:
    """Three pages are one list; the targets are those of the unpaged one."""
    pages = ("13-list-page-1", "14-list-page-2", "15-list-page-3-last")
    with replay(tmp_path, "17-bad-continue", *pages, "20-watch-expired-rv") as follower:
        follower.wait_for(lambda: follower.count(ListEnded) >= 1)
        paged = follower.names
    with replay(tmp_path, "17-bad-continue", "12-list-all", "20-watch-expired-rv") as follower:
        follower.wait_for(lambda: follower.count(ListEnded) >= 1)
        assert follower.names == paged
    assert paged == {"web-7f9c5d8b6d-4xk2p", "web-7f9c5d8b6d-9qz7m", "cart-0", "pay-5b7d-6fd00"}


def test_a_bad_continue_token_starts_the_list_over(tmp_path: Path) -> None:
    """400 between two pages, and no streamed list: nothing is complete until a whole one came."""
    scenes = ("13-list-page-1", "17-bad-continue", "17-bad-continue", "12-list-all")
    with replay(tmp_path, *scenes, "20-watch-expired-rv") as follower:
        follower.wait_for(lambda: follower.count(ListEnded) >= 1)
        assert "web-7f9c5d8b6d-4xk2p" in follower.names


def test_a_watch_of_an_expired_version_lists_again(tmp_path: Path) -> None:
    """410 within the stream: listed again, and again after the next."""
    scenes = ("17-bad-continue", "12-list-all", "20-watch-expired-rv", "04-list-own-node")
    with replay(tmp_path, *scenes, "20-watch-expired-rv") as follower:
        follower.wait_for(lambda: follower.count(ListEnded) >= 2)
        assert any("too old resource version" in str(one) for one in follower.records)
        assert follower.names == {"web-7f9c5d8b6d-4xk2p"}


def test_the_life_of_a_pod(tmp_path: Path) -> None:
    """Created, bound, given an IP, ready, deleted: a target from its IP to its deletion."""
    scenes = ("17-bad-continue", "12-list-all", "21-watch-lifecycle")
    with replay(tmp_path, *scenes, "03-watch-all-forbidden") as follower:
        follower.wait_for(lambda: follower.count(PodRemoved) >= 1)
        changes = [one.pod for one in follower.records if isinstance(one, PodChanged)]
    life = [pod for pod in changes if pod.name == "new-1"]
    # Of its seven changes the two that changed nothing which matters are not told.
    told = [(pod.node, bool(pod.host), bool(pod.addresses), pod.terminating) for pod in life]
    assert told == [
        (None, False, False, False),
        ("node-c", False, False, False),
        ("node-c", True, False, False),
        ("node-c", True, True, False),
        ("node-c", True, True, True),
    ]


def test_a_streaming_list(tmp_path: Path) -> None:
    """After pages that expired: initial events, and the bookmark that ends them, are one list."""
    scenes = ("13-list-page-1", "17-bad-continue", "22-watch-list")
    with replay(tmp_path, *scenes, "03-watch-all-forbidden") as follower:
        follower.wait_for(lambda: follower.count(ListEnded) >= 1)
        assert follower.names >= {"web-7f9c5d8b6d-4xk2p", "cart-0"}


def test_no_scene_is_left_out() -> None:
    """A new recording needs its place here."""
    text = Path(__file__).read_text()
    assert [path.stem for path in SCENES.glob("*.json") if f'"{path.stem}"' not in text] == []
