"""What a lookup of one Node says, with which rights, and what it costs the API server."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from pokepodsd.core.model import NodeName
from pokepodsd.core.records import NodeGone, NodeSeen, NodesRefused
from pokepodsd.errors import CredentialsError
from tests.apiserver.client import ApiServer
from tests.apiserver.kubeconfig import rotate, write_token_kubeconfig
from tests.discovery.conftest import NODE, AskerStart, asked

B = NodeName("node-b")
CREATED = "2026-11-23T01:33:56Z"
READY = {"conditions": [{"type": "Ready", "status": "True"}]}
NOT_READY = {"conditions": [{"type": "Ready", "status": "Unknown"}]}
SEEN = {"unschedulable": False, "ready": True, "deleting": False}


def create_node(api: ApiServer, name: str = B, **parts: Any) -> None:
    metadata = {"name": name, "creationTimestamp": CREATED, **parts.pop("metadata", {})}
    api.admin.create_node({"metadata": metadata, "status": READY, **parts})


@pytest.mark.parametrize(
    ("parts", "difference"),
    [
        ({}, {}),
        ({"spec": {"unschedulable": True}}, {"unschedulable": True}),
        ({"status": NOT_READY}, {"ready": False}),
        ({"status": {}}, {"ready": False}),
        ({"metadata": {"deletionTimestamp": CREATED}}, {"deleting": True}),
    ],
    ids=["in service", "cordoned", "not ready", "new", "being deleted"],
)
def test_state_of_a_node_is_seen(
    api: ApiServer, connect: AskerStart, parts: dict[str, Any], difference: dict[str, bool]
) -> None:
    """What an alarm wants to know, by one GET of this one Node out of the server's cache."""
    create_node(api, **parts)
    create_node(api, "node-c")
    assert connect().look_up(B) == NodeSeen(node=B, created=CREATED, **{**SEEN, **difference})
    assert asked(api) == [f"/api/v1/nodes/{B}?resourceVersion=0"]


def test_change_between_two_lookups_is_seen(api: ApiServer, connect: AskerStart) -> None:
    """Nothing is remembered of a node: it is there, it is gone, it is another one."""
    asker = connect()
    assert asker.look_up(B) == NodeGone(node=B)
    create_node(api)
    assert asker.look_up(B) == NodeSeen(node=B, created=CREATED, **SEEN)
    api.admin.request("DELETE", f"/api/v1/nodes/{B}")
    assert asker.look_up(B) == NodeGone(node=B)


def test_refusal_is_told_once_and_stands(api: ApiServer, connect: AskerStart) -> None:
    """A kubelet since 1.32: one question, one answer, and no more questions, even when the right
    is given, until the credentials are read anew.
    """
    api.control.change_settings(node_selectors=True)
    create_node(api)
    asker = connect()
    assert asker.look_up(B) == NodesRefused()
    assert [asker.look_up(B), asker.look_up(NodeName("node-c"))] == [None, None]
    assert len(asked(api)) == 1
    api.admin.grant("nodes", verbs=["get"], resources=["nodes"])
    assert asker.look_up(B) is None
    asker.connect()
    assert asker.look_up(B) == NodeSeen(node=B, created=CREATED, **SEEN)
    api.admin.revoke("nodes")
    assert [asker.look_up(B), asker.look_up(B)] == [NodesRefused(), None]
    assert len(asked(api)) == 3


def test_renewed_credentials_are_used(api: ApiServer, connect: AskerStart, tmp_path: Path) -> None:
    """After a rotation a lookup comes with the new certificate."""
    create_node(api)
    asker = connect()
    assert asker.look_up(B)
    issued = api.authority.issue_node(NODE)
    rotate(api.authority, tmp_path / "kubelet", NODE, issued)
    assert not asker.is_connected
    asker.connect()
    assert asker.look_up(B)
    first, second = [one.serial for one in api.control.requests() if one.path.count(B)][-2:]
    assert (first != second, second) == (True, issued.serial)


def test_without_credentials_nothing_is_asked(
    api: ApiServer, connect: AskerStart, tmp_path: Path
) -> None:
    """Before the first credentials, and after they were dropped and no others could be read."""
    create_node(api)
    asker = connect()
    kubeconfig = tmp_path / "kubelet" / "kubelet.conf"
    assert kubeconfig.exists()
    kubeconfig.unlink()
    with pytest.raises(CredentialsError):
        asker.connect()
    assert asker.look_up(B) is None
    assert asked(api) == []


def test_rejected_token_teaches_nothing(
    api: ApiServer, connect: AskerStart, tmp_path: Path
) -> None:
    """401 is the list's to tell, and no refusal: with a good token the next lookup is done."""
    create_node(api)
    path = write_token_kubeconfig(api.authority, tmp_path / "files", api.url, "unknown")
    asker = connect(path)
    assert asker.look_up(B) is None
    api.control.set_token("unknown", f"system:node:{NODE}", ["system:nodes"])
    assert isinstance(asker.look_up(B), NodeSeen)


FAULTS = {
    "html": {},
    "drop": {},
    "drop_midway": {},
    "truncated_line": {},
    "garbage_line": {},
    "status 404": {"code": 404},
    "status 429": {"code": 429, "retry_after": 1},
    "status 500": {"code": 500},
    "status 302": {"code": 302},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_trouble_teaches_nothing_and_passes(
    api: ApiServer, connect: AskerStart, fault: str
) -> None:
    """Whatever else goes wrong, nothing is said of the node; the next lookup is done again."""
    create_node(api)
    asker = connect()
    api.control.add_fault(fault.partition(" ")[0], **FAULTS[fault])  # type: ignore[arg-type]
    assert asker.look_up(B) is None
    assert asker.look_up(B) == NodeSeen(node=B, created=CREATED, **SEEN)
    assert len(asked(api)) == 2


@pytest.mark.parametrize(
    "parts", [{"status": {"conditions": "Ready"}}, {"metadata": {"creationTimestamp": 5}}]
)
def test_garbled_node_teaches_nothing(
    api: ApiServer, connect: AskerStart, parts: dict[str, Any]
) -> None:
    """A Node of the wrong shape costs its own lookup, and no other."""
    create_node(api, **parts)
    create_node(api, "node-c")
    asker = connect()
    assert asker.look_up(B) is None
    assert isinstance(asker.look_up(NodeName("node-c")), NodeSeen)


@pytest.mark.parametrize("is_frozen", [True, False])
def test_hanging_server_is_given_up_after_three_seconds(
    api: ApiServer, connect: AskerStart, is_frozen: bool
) -> None:
    """An alarm does not wait long for a server that takes the question and says nothing."""
    create_node(api)
    asker = connect()
    begin = time.monotonic()
    if is_frozen:
        api.freeze()
    else:
        api.control.add_fault("silent")
    try:
        assert asker.look_up(B) is None
    finally:
        api.thaw()
    assert 2.9 <= time.monotonic() - begin < 5
    assert isinstance(asker.look_up(B), NodeSeen)


def connections(api: ApiServer) -> int:
    """How many clients are connected, by proc(5): state 1 is established."""
    port, lines = f":{api.port:04X}", Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(line.split()[2].endswith(port) and line.split()[3] == "01" for line in lines)


def test_refusal_of_replaced_credentials_is_not_told(api: ApiServer, connect: AskerStart) -> None:
    """Credentials that are read anew while a lookup is under way are not blamed for its answer."""
    api.control.change_settings(node_selectors=True)
    create_node(api)
    asker = connect()
    said: list[object] = []
    other = threading.Thread(target=lambda: said.append(asker.look_up(B)))
    before = connections(api)
    api.freeze()
    try:
        other.start()
        while connections(api) == before:
            time.sleep(0.01)
        asker.connect()
    finally:
        api.thaw()
    other.join(10)
    assert (said, len(asked(api))) == ([None], 1)
    assert asker.look_up(B) == NodesRefused()


def test_lookups_while_credentials_are_replaced(api: ApiServer, connect: AskerStart) -> None:
    """Lookups that meet a change of credentials fail or are done, and never do anything else."""
    create_node(api)
    asker = connect()
    seen = NodeSeen(node=B, created=CREATED, **SEEN)
    said: list[object] = []
    is_over = threading.Event()

    def look_up() -> None:
        while not is_over.is_set():
            said.append(asker.look_up(B))
        said.append("ended")

    other = threading.Thread(target=look_up)
    other.start()
    changes, end = 0, time.monotonic() + 60
    while (changes < 50 or seen not in said) and time.monotonic() < end:
        asker.connect()
        changes += 1
    is_over.set()
    other.join(10)
    assert said.pop() == "ended"
    assert seen in said
    assert [one for one in said if one not in (None, seen)] == []
    assert asker.look_up(B) == seen
