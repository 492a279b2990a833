"""Checks what Prometheus' samples make of the matrix, and that both sources make the same."""

from dataclasses import replace

import pytest

from pokepodsd.core.matrix import Matrix, Report, State
from pokepodsd.core.samplematrix import Answers, Sample, queries, sample_matrix
from pokepodsd.core.statusmatrix import parse, status_matrix
from pokepodsd.errors import SourceError
from tests.matrixworld import AT, VERDICTS, World, large, small
from tests.prometheusserver import samples_of, target_of


def answers(
    world: World, *, down: frozenset[int] = frozenset(), strangers: tuple[Sample, ...] = ()
) -> Answers:
    """What Prometheus answers: nodes that are ``down`` were scraped before."""
    now = [
        sample
        for number in range(len(world.names))
        if number not in down
        for sample in samples_of(world, number)
    ]
    before = [
        sample
        for number in range(len(world.names))
        for sample in samples_of(world, number)
        if sample.name == "node_info"
    ]
    targets = [
        Sample(labels={"__name__": "up", **target_of(number)}, value=float(number not in down))
        for number in range(len(world.names))
    ]
    return Answers(
        now=now, before=before, targets=[*targets, *strangers], at_seconds=AT.timestamp()
    )


def read(given: Answers) -> Matrix:
    return sample_matrix(given, source="a test")


def verdicts(matrix: Matrix) -> dict[tuple[str, str], tuple[State, float | None]]:
    """State of each pair, and since when where it is not well."""
    names = [node.name for node in matrix.nodes]
    return {
        (names[poker], names[poked]): (
            cell.state,
            None if cell.state in (State.OK, State.CUT_OFF) else cell.since_seconds,
        )
        for poker, row in enumerate(matrix.rows)
        for poked, cell in enumerate(row)
    }


@pytest.mark.parametrize("size", [3, 60])
def test_both_sources_make_the_same_matrix(size: int) -> None:
    """Nodes, their reports, addresses, states and times are the same from documents and metrics."""
    world = small() if size == 3 else large(size)
    statuses = [parse(document, source="") for document in world.documents()]
    told = status_matrix(statuses, (), now_seconds=0)
    measured = read(answers(world, down=world.gone))
    assert verdicts(measured) == verdicts(told)
    reports = {node.name: node.report for node in told.nodes}
    assert {node.name: node.report for node in measured.nodes} == reports
    assert measured.at_seconds == told.at_seconds


@pytest.mark.parametrize("verdict", list(VERDICTS))
def test_each_verdict_is_a_state(verdict: str) -> None:
    """Each label of a verdict is known."""
    world = World(names=("a", "b"), verdicts={(0, 1): verdict})
    assert read(answers(world)).rows[0][1].state.value == verdict


def test_a_node_whose_daemon_is_gone_does_not_report() -> None:
    """Its target is down: it has its name from before, and others still poke it."""
    matrix = read(answers(small(), down=frozenset({2})))
    assert [node.name for node in matrix.nodes] == ["node-a", "node-b", "node-c"]
    assert matrix.nodes[2].report is Report.MISSING
    assert [cell.state for cell in matrix.rows[2][:2]] == [State.NOT_REPORTING] * 2
    assert matrix.rows[1][2].state is State.OK


def test_a_node_that_left_is_not_shown() -> None:
    """What is not to be scraped any more is no node, though there were metrics of it today."""
    world = World(names=("a", "b", "c"))
    given = answers(world, down=frozenset({2}))
    left = Answers(
        now=given.now, before=given.before, targets=given.targets[:2], at_seconds=given.at_seconds
    )
    assert [node.name for node in read(left).nodes] == ["a", "b"]


@pytest.mark.parametrize("is_mixed", [False, True])
def test_a_target_that_never_answered(*, is_mixed: bool) -> None:
    """It is a node by its address, unless its job scrapes other things than pokepodsd too."""
    strangers = [Sample(labels={"job": "pokepodsd", "instance": "10.0.0.9:9746"}, value=0)]
    if is_mixed:
        strangers.append(Sample(labels={"job": "pokepodsd", "instance": "db:9100"}, value=1))
    matrix = read(answers(small(), strangers=tuple(strangers)))
    assert [node.name for node in matrix.nodes][3:] == ([] if is_mixed else ["10.0.0.9:9746"])


def recounted(given: Answers, verdict: str, peers: int) -> Answers:
    """The same, but the first node says so many peers of this verdict."""
    counted = {"verdict": verdict, "instance": target_of(0)["instance"]}
    now = [
        Sample(labels=one.labels, value=float(peers))
        if one.name == "peers" and counted.items() <= one.labels.items()
        else one
        for one in given.now
    ]
    return replace(given, now=now)


def test_more_than_the_named_ones_are_not_well() -> None:
    """A node names at most 100 that are not well: of the rest nothing is known."""
    found = recounted(answers(small()), "tunnel_broken", 5)
    assert [cell.state for cell in read(found).rows[0]] == [
        State.ITSELF,
        State.TUNNEL_BROKEN,
        State.UNKNOWN,
    ]


def test_fewer_peers_than_nodes_leave_it_unknown_who_is_well() -> None:
    """Well is only said of those that are certainly poked."""
    found = recounted(answers(World(names=("a", "b", "c", "d"))), "ok", 1)
    assert {cell.state for cell in read(found).rows[0][1:]} == {State.UNKNOWN}
    assert {cell.state for cell in read(found).rows[1][2:]} == {State.OK}


def test_a_cut_off_node() -> None:
    """It names nobody, and its row says that it is cut off itself."""
    world = World(names=("a", "b", "c"), cut_off=frozenset({1}))
    matrix = read(answers(world))
    assert matrix.nodes[1].report is Report.CUT_OFF
    assert [cell.state for cell in matrix.rows[1]] == [State.CUT_OFF, State.ITSELF, State.CUT_OFF]


def test_a_node_told_by_two_targets_is_one_row() -> None:
    """Scraped directly and by a file, it is the same node, and that is said."""
    given = answers(small())
    again = [
        Sample(labels={**one.labels, "instance": "zz:9100", "job": "node"}, value=one.value)
        for one in samples_of(small(), 0)
    ]
    found = Answers(
        now=[*given.now, *again],
        before=given.before,
        targets=given.targets,
        at_seconds=given.at_seconds,
    )
    matrix = read(found)
    assert len(matrix.nodes) == 3
    assert sum("two targets" in node.note for node in matrix.nodes) == 1


def test_no_metrics_are_an_error() -> None:
    """A Prometheus that scrapes no pokepodsd is told from a cluster that is well."""
    with pytest.raises(SourceError, match="no metrics of pokepodsd"):
        read(Answers(now=[], before=[], targets=[], at_seconds=0))


def test_the_selector_narrows_every_query() -> None:
    """It stands in each pair of braces."""
    asked = queries('cluster="prod"')
    assert asked.now.endswith(',cluster="prod"}')
    assert 'node_info{cluster="prod"}[1d]' in asked.before
    assert asked.targets.count('{cluster="prod"}') == 2


def test_samples_of_what_is_not_known_are_left_out() -> None:
    """Of a target that says no name, and of a metric that nobody asked for."""
    given = answers(small())
    labels = given.now[0].labels
    other = {**target_of(77), "__name__": "pokepodsd_node_cut_off"}
    strange = [
        Sample(labels={**labels, "__name__": "pokepodsd_something"}, value=1.0),
        Sample(labels=other, value=1.0),
    ]
    assert read(replace(given, now=[*given.now, *strange])) == read(given)


def test_a_peer_without_a_name_is_met_by_its_address() -> None:
    """An older node, or one that the API never named."""
    given = answers(small())
    now = [
        replace(one, labels={**one.labels, "peer": ""}) if "peer" in one.labels else one
        for one in given.now
    ]
    assert verdicts(read(replace(given, now=now))) == verdicts(read(given))


def test_a_host_without_a_name_is_called_as_its_host_or_its_instance() -> None:
    """As Prometheus has it."""
    given = answers(small())
    for labels, name in (
        ({"node": "", "host": "host-0"}, "host-0"),
        ({"node": "", "host": ""}, "192.0.2.0:9746"),
    ):
        now = [
            replace(one, labels={**one.labels, **labels})
            if one.name == "node_info" and one.labels["node"] == "node-a"
            else one
            for one in given.now
        ]
        assert read(replace(given, now=now)).nodes[0].name == name


def test_a_node_that_is_gone_by_its_address_is_the_one_that_was_told() -> None:
    """A target that never answered is the node whose address it has, and says so once."""
    instance = f"{small().address(2)}:9746"
    stranger = Sample(labels={"job": "pokepodsd", "instance": instance}, value=0)
    matrix = read(answers(small(), strangers=(stranger,)))
    assert [node.name for node in matrix.nodes] == ["node-a", "node-b", "node-c"]
    assert [node.note for node in matrix.nodes] == ["", "", ""]
