"""Checks what the status documents of several nodes make of the matrix."""

import copy
from typing import Any

import pytest

from pokepodsd.core.matrix import Matrix, Report, State
from pokepodsd.core.statusmatrix import Unread, parse, status_matrix
from pokepodsd.core.verdict import Verdict
from pokepodsd.errors import SourceError
from tests.matrixworld import AT, FAILED, World, small

NOW = AT.timestamp()


def read(*documents: dict[str, Any], unread: tuple[Unread, ...] = ()) -> Matrix:
    statuses = [parse(document, source="a file") for document in documents]
    return status_matrix(statuses, unread, now_seconds=NOW + 60)


def states(matrix: Matrix) -> dict[tuple[str, str], State]:
    names = [node.name for node in matrix.nodes]
    return {
        (names[poker], names[poked]): cell.state
        for poker, row in enumerate(matrix.rows)
        for poked, cell in enumerate(row)
        if poker != poked
    }


def test_every_pair_has_its_cell() -> None:
    """Verdict, since when, and round trips are those of the poker's peer."""
    matrix = read(*small().documents())
    assert [node.name for node in matrix.nodes] == ["node-a", "node-b", "node-c"]
    assert matrix.at_seconds == NOW
    broken, well = matrix.rows[0][1], matrix.rows[1][0]
    assert (broken.state, broken.since_seconds) == (State.TUNNEL_BROKEN, FAILED.timestamp())
    assert broken.text == "tunl0: timed out"
    assert (well.state, well.rtt_seconds, well.worst_rtt_seconds) == (State.OK, 0.000412, 0.0021)
    assert matrix.is_one_way(0, 1)
    assert {cell.state for row in matrix.rows for cell in row} == {
        State.OK,
        State.TUNNEL_BROKEN,
        State.ITSELF,
    }


@pytest.mark.parametrize("verdict", list(Verdict))
def test_each_verdict_is_a_state(verdict: Verdict) -> None:
    """Every verdict that a daemon gives is shown as itself."""
    world = World(names=("a", "b"), verdicts={(0, 1): verdict.value})
    found = read(*world.documents()).rows[0][1].state
    assert found.value == verdict.value
    assert found.is_failing is verdict.is_fault


def test_a_peer_is_known_by_its_address_where_it_has_no_name() -> None:
    """Without the API a node knows addresses only, and its peers' documents have them."""
    documents = small().documents()
    for document in documents:
        for peer in document["peers"]:
            peer |= {"node": None, "id": peer["address"]}
    assert states(read(*documents)) == states(read(*small().documents()))


def test_a_name_that_one_node_knows_serves_all() -> None:
    """A node without a document is one node, though one calls it by name, another by address."""
    documents = small().documents()[:2]
    documents[0]["peers"][1] |= {"node": None, "id": "192.168.10.3"}
    matrix = read(*documents)
    assert [node.name for node in matrix.nodes] == ["node-a", "node-b", "node-c"]
    assert [node.report for node in matrix.nodes][2] is Report.MISSING
    assert {cell.state for cell in matrix.rows[2][:2]} == {State.NOT_REPORTING}


def test_a_node_without_a_name_is_called_as_its_host() -> None:
    """A host that never read a kubeconfig has no other name."""
    documents = small().documents()
    documents[0]["node"]["name"] = None
    matrix = read(*documents)
    assert [node.name for node in matrix.nodes] == ["host-0", "node-b", "node-c"]
    assert states(matrix)["node-b", "host-0"] is State.OK


def test_a_source_that_cannot_be_read_is_a_node_that_does_not_report() -> None:
    """It is the node of that name or address, if there is one, else one of its own."""
    unread = (Unread(name="192.168.10.3", why="timed out"), Unread(name="node-x", why="refused"))
    matrix = read(*small().documents()[:2], unread=unread)
    assert [(node.name, node.report, node.note) for node in matrix.nodes][2:] == [
        ("node-c", Report.MISSING, "timed out"),
        ("node-x", Report.MISSING, "refused"),
    ]
    assert matrix.rows[0][3].state is State.UNKNOWN
    assert matrix.rows[3][0].state is State.NOT_REPORTING


def test_a_peer_that_is_not_named_is_unknown() -> None:
    """What a node says nothing about is not taken for well."""
    documents = small().documents()
    del documents[0]["peers"][1]
    documents[0] |= {"peers_total": 1, "verdicts": {"tunnel broken": 1}}
    assert states(read(*documents))["node-a", "node-c"] is State.UNKNOWN


def test_a_document_of_those_that_are_not_well_leaves_the_others_well() -> None:
    """`status -o json` without --all names no peer that is well, but says how many there are."""
    documents = small().documents()
    for document in documents:
        document["peers"] = [peer for peer in document["peers"] if peer["verdict"] != "ok"]
    assert states(read(*documents)) == states(read(*small().documents()))


def test_a_node_that_is_cut_off_blames_nobody() -> None:
    """Its failing pairs are its own; what it still reaches stays well."""
    world = World(
        names=("a", "b", "c"), verdicts={(0, 1): "node unreachable"}, cut_off=frozenset({0})
    )
    matrix = read(*world.documents())
    assert [cell.state for cell in matrix.rows[0]] == [State.ITSELF, State.CUT_OFF, State.OK]
    assert matrix.nodes[0].report is Report.CUT_OFF


def test_who_fell_silent_with_a_node_that_is_cut_off_is_not_called_well() -> None:
    """The daemon leaves the verdict of such a peer as it was; here it fails, both ways."""
    verdicts = {(1, 0): "tunnel broken", (2, 0): "tunnel broken"}
    documents = World(names=("a", "b", "c"), verdicts=verdicts, cut_off=frozenset({0})).documents()
    for tunnel in documents[0]["peers"][0]["tunnels"]:
        tunnel |= {"state": "down", "failure": "timed out"}
    matrix = read(*documents)
    assert [cell.state for cell in matrix.rows[0]] == [State.ITSELF, State.CUT_OFF, State.OK]
    assert matrix.rows[0][1].since_seconds == matrix.rows[1][0].since_seconds
    assert (matrix.is_one_way(1, 0), matrix.is_one_way(2, 0)) == (False, True)


def test_the_newer_of_two_documents_counts() -> None:
    """A node that is given twice is one row."""
    old = small().document(0)
    old["at"] = "2026-11-24T19:00:00.000Z"
    for peer in old["peers"]:
        peer["verdict"] = "opening"
    for documents in ([old, *small().documents()], [*small().documents(), old]):
        assert states(read(*documents)) == states(read(*small().documents()))


def test_an_old_document_is_told() -> None:
    """A picture of different times says so."""
    documents = small().documents()
    documents[2]["at"] = "2026-11-24T18:44:23.123Z"
    notes = [node.note for node in read(*documents).nodes]
    assert notes == ["", "", "its status is 60 minutes older than the newest"]


def _without(key: str) -> dict[str, Any]:
    document = small().document(0)
    del document[key]
    return document


def _with(**values: Any) -> dict[str, Any]:
    return {**copy.deepcopy(small().document(0)), **values}


def _with_peer(**values: Any) -> dict[str, Any]:
    document = small().document(0)
    document["peers"][0] |= values
    return document


@pytest.mark.parametrize(
    "document",
    [
        None,
        17,
        "text",
        [],
        {},
        _without("peers"),
        _without("node"),
        _with(version=2),
        _with(at="yesterday"),
        _with(at="9999-12-31T23:59:59-23:00"),
        _with(at=17),
        _with(peers=3),
        _with(node={"name": 3, "host": "a", "addresses": []}),
        _with(node={"name": None, "host": "", "addresses": []}),
        _with(verdicts=[]),
        _with(peers_total="many"),
        _with_peer(verdict="splendid"),
        _with_peer(verdict="cut off"),
        _with_peer(id=None),
        _with_peer(since=None),
        _with_peer(rtt={"median_seconds": -1, "worst_seconds": 0}),
        _with_peer(rtt={"median_seconds": float("nan"), "worst_seconds": 0}),
        _with_peer(rtt={"median_seconds": 10**400, "worst_seconds": 0}),
        _with_peer(tunnels=[{}]),
        _with_peer(pods=None),
    ],
)
def test_what_is_no_status_is_refused(document: Any) -> None:
    """The error names the source, and what to give instead, on one line."""
    with pytest.raises(SourceError, match=r"^a file holds no status of pokepodsd \(.*give what"):
        parse(document, source="a file")


def test_a_peer_that_is_not_well_says_why() -> None:
    """Each layer that fails, the pods that do not answer, a hold."""
    documents = small().documents()
    said = documents[0]["peers"][0]
    said["underlay"]["failure"] = "host unreachable"
    said["pods"]["down"] = 2
    said["is_held"] = True
    assert read(*documents).rows[0][1].text == (
        "tunl0: timed out; its own address: host unreachable; 2 pods do not answer; "
        "its pokes are held (pokepodsd need)"
    )
    said["underlay"] = None
    said["pods"]["down"] = 1
    assert "1 pod does not answer" in read(*documents).rows[0][1].text


def test_a_peer_that_never_answered_has_no_round_trip() -> None:
    """Which is not one of no time."""
    documents = small().documents()
    documents[0]["peers"][0]["rtt"] = {"median_seconds": None, "worst_seconds": None}
    cell = read(*documents).rows[0][1]
    assert (cell.rtt_seconds, cell.worst_rtt_seconds) == (None, None)


@pytest.mark.parametrize("seconds", [-1.0, float("inf"), float("nan")])
def test_a_round_trip_that_is_none_is_refused(seconds: float) -> None:
    """Neither negative nor without an end."""
    document = small().documents()[0]
    document["peers"][0]["rtt"]["median_seconds"] = seconds
    with pytest.raises(SourceError):
        parse(document, source="a file")
