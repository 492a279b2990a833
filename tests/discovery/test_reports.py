"""What a report says to the API server, and what its answers mean."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from pokepodsd.core.errands import ConditionReport, EventReport, Status
from pokepodsd.core.model import SECOND_NS, WallNs
from pokepodsd.core.records import Fate, ReportEnded
from pokepodsd.errors import CredentialsError
from tests.apiserver.client import ApiServer
from tests.apiserver.kubeconfig import write_token_kubeconfig
from tests.apiserver.status import Json
from tests.discovery.conftest import NODE, AskerStart, asked

EVENTS = "/api/v1/namespaces/default/events"
STATUS = f"/api/v1/nodes/{NODE}/status"
STRATEGIC = "application/strategic-merge-patch+json"
ACCOUNT = "system:serviceaccount:kube-system:pokepodsd"
FIRST = WallNs(1_795_500_000 * SECOND_NS + 5)
READY: Json = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
EVENT = EventReport(
    reason="PokePodsTunnelBroken",
    text="the tunnel to node-b (10.9.0.2) is broken for 3.1s",
    is_warning=True,
    is_new=True,
    count=1,
    first_ns=FIRST,
    last_ns=FIRST,
)
AGAIN = replace(EVENT, is_new=False, count=2, last_ns=WallNs(FIRST + 60 * SECOND_NS))
FAULT = ConditionReport(
    status=Status.FALSE,
    reason="PeersNotReachable",
    text="1 peer not reachable from this node: node-b (10.9.0.2) (tunnel broken)",
    since_ns=FIRST,
)
WRITTEN = ReportEnded(report="event", fate=Fate.WRITTEN, text="")


def events(api: ApiServer) -> list[Json]:
    items: list[Json] = api.admin.request("GET", EVENTS)["items"]
    return items


def conditions(api: ApiServer, node: str = NODE) -> dict[str, Json]:
    held = api.admin.request("GET", f"/api/v1/nodes/{node}")["status"].get("conditions", [])
    return {one["type"]: one for one in held}


@pytest.fixture(autouse=True)
def _nodes(api: ApiServer) -> None:
    for name in (NODE, "node-b"):
        api.admin.create_node({"metadata": {"name": name}, "status": {"conditions": [READY]}})


def test_event_is_about_the_node_as_the_kubelets_are(api: ApiServer, connect: AskerStart) -> None:
    """In the namespace default, with the node's name as its uid, so that kubectl shows both."""
    assert connect().report(EVENT) == WRITTEN
    (event,) = events(api)
    assert event["metadata"]["name"] == f"{NODE}.{FIRST:x}"
    assert event["metadata"]["namespace"] == "default"
    assert event["involvedObject"] == {
        "apiVersion": "v1",
        "kind": "Node",
        "name": NODE,
        "uid": NODE,
    }
    assert event["source"] == {"component": "pokepodsd", "host": NODE}
    assert (event["type"], event["reason"], event["count"]) == ("Warning", EVENT.reason, 1)
    assert event["message"] == EVENT.text
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2026-11-24T06:00:00Z"


def test_event_that_happens_again_is_counted(api: ApiServer, connect: AskerStart) -> None:
    """A patch of the count and the last time alone."""
    asker = connect()
    asker.report(EVENT)
    assert asker.report(AGAIN) == WRITTEN
    (event,) = events(api)
    assert (event["count"], event["lastTimestamp"]) == (2, "2026-11-24T06:01:00Z")
    assert (event["message"], event["firstTimestamp"]) == (EVENT.text, "2026-11-24T06:00:00Z")
    assert asked(api) == [EVENTS, f"{EVENTS}/{NODE}.{FIRST:x}"]


def test_event_that_expired_is_made_again(api: ApiServer, connect: AskerStart) -> None:
    """With the count that it has by now; one that was never written too."""
    asker = connect()
    assert asker.report(AGAIN) == WRITTEN
    (event,) = events(api)
    assert (event["count"], event["firstTimestamp"]) == (2, "2026-11-24T06:00:00Z")
    api.admin.request("DELETE", f"{EVENTS}/{event['metadata']['name']}")
    assert asker.report(replace(AGAIN, count=3)) == WRITTEN
    assert [one["count"] for one in events(api)] == [3]


def test_event_that_is_there_counts_as_written(api: ApiServer, connect: AskerStart) -> None:
    """The answer to the first attempt was lost."""
    asker = connect()
    assert [asker.report(EVENT), asker.report(EVENT)] == [WRITTEN, WRITTEN]
    assert len(events(api)) == 1


def test_condition_is_one_of_the_nodes(api: ApiServer, connect: AskerStart) -> None:
    """Beside the kubelet's, and in place of its own from before."""
    asker = connect()
    ended = ReportEnded(report="condition", fate=Fate.WRITTEN, text="False")
    assert asker.report(FAULT) == ended
    held = conditions(api)
    assert held["Ready"] == READY
    mine = held["PokePodsTunnelsReady"]
    heartbeat = mine.pop("lastHeartbeatTime")
    assert mine == {
        "type": "PokePodsTunnelsReady",
        "status": "False",
        "reason": "PeersNotReachable",
        "message": FAULT.text,
        "lastTransitionTime": "2026-11-24T06:00:00Z",
    }
    age = time.time() - time.mktime(time.strptime(heartbeat, "%Y-%m-%dT%H:%M:%SZ")) + time.timezone
    assert 0 <= age < 60
    asker.report(replace(FAULT, status=Status.TRUE, reason="PeersReachable"))
    held = conditions(api)
    assert (len(held), held["PokePodsTunnelsReady"]["status"]) == (2, "True")


def test_kubelet_and_report_leave_each_others_conditions(
    api: ApiServer, connect: AskerStart
) -> None:
    """A patch as the kubelet's: its own conditions, with the order of all."""
    asker = connect()
    asker.report(FAULT)
    order = [{"type": "Ready"}, {"type": "PokePodsTunnelsReady"}]
    changed = {"type": "Ready", "status": "False"}
    body: Json = {"status": {"$setElementOrder/conditions": order, "conditions": [changed]}}
    api.admin.request("PATCH", STATUS, body, STRATEGIC)
    held = conditions(api)
    assert (held["Ready"]["status"], held["PokePodsTunnelsReady"]["status"]) == ("False", "False")
    asker.report(replace(FAULT, status=Status.UNKNOWN))
    held = conditions(api)
    assert (held["Ready"]["status"], held["PokePodsTunnelsReady"]["status"]) == ("False", "Unknown")


def test_another_nodes_status_is_refused(
    api: ApiServer, connect: AskerStart, tmp_path: Path
) -> None:
    """A kubelet's rights end at its own node: NodeRestriction's words, and nothing is written."""
    token = "a-kubelet-by-token"
    api.control.set_token(token, "system:node:node-b", ["system:nodes"])
    asker = connect(write_token_kubeconfig(api.authority, tmp_path / "files", api.url, token))
    ended = asker.report(FAULT)
    assert isinstance(ended, ReportEnded)
    assert (ended.report, ended.fate) == ("condition", Fate.REFUSED)
    assert f'node "node-b" is not allowed to modify node "{NODE}"' in ended.text
    assert "PokePodsTunnelsReady" not in conditions(api)


def test_missing_right_is_named(api: ApiServer, connect: AskerStart, tmp_path: Path) -> None:
    """A ServiceAccount without a rule, and with the one that `pokepodsd rbac` prints."""
    api.control.set_token("a", ACCOUNT)
    asker = connect(write_token_kubeconfig(api.authority, tmp_path / "files", api.url, "a"))
    for report, right in ((EVENT, 'create resource "events"'), (FAULT, 'resource "nodes/status"')):
        ended = asker.report(report)
        assert isinstance(ended, ReportEnded)
        assert ended.fate is Fate.REFUSED
        assert right in ended.text
    subject = {"kind": "ServiceAccount", "name": "pokepodsd", "namespace": "kube-system"}
    api.admin.grant("e", ["create", "patch"], ["events"], [subject])
    assert asker.report(EVENT) == WRITTEN


def test_node_that_is_not_registered_is_waited_for(api: ApiServer, connect: AskerStart) -> None:
    """404 for the own Node is no refusal: its kubelet may be about to make it."""
    api.admin.request("DELETE", f"/api/v1/nodes/{NODE}")
    asker = connect()
    assert asker.report(FAULT) is None
    api.admin.create_node({"metadata": {"name": NODE}, "status": {}})
    assert asker.report(FAULT) is not None


FAULTS: dict[str, dict[str, int]] = {
    "drop": {},
    "status 401": {"code": 401},
    "status 409": {"code": 409},
    "status 429": {"code": 429, "retry_after": 1},
    "status 500": {"code": 500},
    "status 503": {"code": 503},
    "status 302": {"code": 302},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_trouble_is_no_end_of_a_report(api: ApiServer, connect: AskerStart, fault: str) -> None:
    """It is tried again, and written then."""
    asker = connect()
    api.control.add_fault(fault.partition(" ")[0], "report", **FAULTS[fault])  # type: ignore[arg-type]
    assert asker.report(FAULT) is None
    assert asker.report(FAULT) is not None
    assert conditions(api)["PokePodsTunnelsReady"]["status"] == "False"


@pytest.mark.parametrize("code", [400, 413, 422])
def test_what_can_never_be_written_is_not_tried_again(
    api: ApiServer, connect: AskerStart, code: int
) -> None:
    """The server's words are kept."""
    api.control.add_fault("status", "report", code=code)
    ended = connect().report(EVENT)
    assert isinstance(ended, ReportEnded)
    assert (ended.fate, f"HTTP {code}" in ended.text) == (Fate.REFUSED, True)


def test_hanging_server_is_given_up(api: ApiServer, connect: AskerStart) -> None:
    """After five seconds the next attempt's turn comes."""
    asker = connect()
    api.control.add_fault("silent", "report")
    begin = time.monotonic()
    assert asker.report(EVENT) is None
    assert 4.9 <= time.monotonic() - begin < 8


def test_without_credentials_a_report_waits(
    api: ApiServer, connect: AskerStart, tmp_path: Path
) -> None:
    """Nothing is asked, and nothing is given up."""
    asker = connect()
    (tmp_path / "kubelet" / "kubelet.conf").unlink()
    with pytest.raises(CredentialsError):
        asker.connect()
    assert asker.report(EVENT) is None
    assert asked(api) == []
