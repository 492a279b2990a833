"""The simulated cluster does what pacing and the protocol promise, and always the same."""

import os
import re
import subprocess
import sys
from itertools import pairwise

import pytest

from pokepodsd.core.model import SECOND_NS, Layer
from tests.bench.fleet import SAMPLED
from tests.bench.scalepage import BEGIN, END, PAGE, amount, api_row, node_row, rounded, with_tables
from tests.bench.simulation.churn import PODS_A_NODE, REPLACED_A_MINUTE, changes
from tests.bench.simulation.cluster import Cost, cost
from tests.bench.simulation.lives import END as ENDING
from tests.bench.simulation.lives import START, Stage, sizes
from tests.bench.simulation.node import SimulatedNode, make_reader
from tests.bench.simulation.server import Server

SECONDS = 120.0


def fresh_cost(nodes: int, *, is_granted: bool) -> Cost:
    of_all, of_own = SAMPLED[nodes]
    return cost(nodes, is_granted=is_granted, sampled=of_all if is_granted else of_own)


def make_server(nodes: int, *, is_granted: bool, seconds: float = SECONDS) -> Server:
    return Server(nodes, changes(nodes, seconds), is_granted=is_granted, can_stream=True)


@pytest.mark.parametrize(("is_granted", "pods"), [(True, 20 * PODS_A_NODE), (False, PODS_A_NODE)])
def test_each_tunnel_and_pod_is_poked_once_an_interval(is_granted: bool, pods: int) -> None:
    """Twenty nodes: one packet a tunnel in 30 s and one a pod in 5 s, to a packet."""
    node = SimulatedNode(Server(20, (), is_granted=is_granted, can_stream=True), 3)
    node.run(10)
    observed = node.observe(60)
    assert observed.pokes[Layer.TUNNEL] == pytest.approx(2 * 19, abs=1)
    assert observed.pokes[Layer.POD] == pytest.approx(12 * pods, abs=1)
    assert observed.own_pod_pokes == 12 * PODS_A_NODE
    assert (observed.pods_poked, observed.interval_seconds) == (pods, 5.0)


def test_more_pods_than_the_cap_carries_are_poked_by_a_few_of_each_node() -> None:
    """70 nodes have 2,100 pods, and 2,000 is the bound; the cap holds in every second."""
    server = Server(70, (), is_granted=True, can_stream=True)
    node = SimulatedNode(server, 3)
    node.run(30)
    observed = node.observe(30)
    assert observed.is_narrowed
    assert (observed.pods_known, observed.pods_poked) == (70 * PODS_A_NODE, 70 * 3)
    assert sum(observed.pokes.values()) <= 30 * 200
    assert observed.most_in_second <= 200 + 18


def test_every_change_reaches_whoever_may_see_it() -> None:
    """Readers of all pods are told each change; those of their own, together, each once."""
    end = round((SECONDS + 30) * SECOND_NS)
    granted = make_server(20, is_granted=True)
    reader = make_reader(granted, 7)
    reader.run(end)
    assert reader.usage.events == len(granted.changes) > 0
    own = make_server(20, is_granted=False)
    readers = [make_reader(own, number) for number in range(20)]
    for one in readers:
        one.run(end)
    seen = [one for one in own.changes if one.is_seen(for_own_node=True)]
    assert sum(one.usage.events for one in readers) == len(seen)
    assert all(one.usage.refused for one in readers)


def test_pods_change_as_often_as_it_is_said() -> None:
    """Nine events a replacement, in order, and 0.4 % of the pods a minute."""
    happened = changes(100, 600)
    replaced = 100 * PODS_A_NODE * REPLACED_A_MINUTE * 10
    assert len(happened) == pytest.approx(replaced * len(Stage), rel=0.02)
    assert len(START) + len(ENDING) == len(Stage) == 9
    assert all(one.at_ns <= other.at_ns for one, other in pairwise(happened))
    versions = [one.version for one in happened]
    assert versions == list(range(versions[0], versions[0] + len(versions)))


def test_objects_are_as_large_as_real_ones() -> None:
    """4.3 kB a running pod; in a page, gzip makes a thirtieth of it."""
    assert sizes().listed == pytest.approx(4_300, rel=0.02)
    assert sizes().listed / sizes().zipped == pytest.approx(34, rel=0.05)
    assert sizes().lines[Stage.CREATED] < sizes().lines[Stage.READY]


def test_lists_come_in_pages() -> None:
    """What the daemon itself asks for: 3,000 pods in six compressed pages, then one watch."""
    reader = make_reader(Server(100, (), is_granted=True, can_stream=True), 0)
    reader.run(0)
    assert reader.usage.requests == 6 + 1
    assert reader.usage.list_bytes == pytest.approx(3_000 * sizes().zipped, rel=0.01)


@pytest.mark.parametrize("is_granted", [False, True])
@pytest.mark.parametrize("nodes", [10, 100])
def test_the_page_says_what_a_fresh_run_finds(nodes: int, is_granted: bool) -> None:
    """Its lines for clusters where all pods are poked, and where a few of each node are."""
    page = PAGE.read_text(encoding="utf-8").splitlines()
    made = fresh_cost(nodes, is_granted=is_granted)
    assert made.is_narrowed is (is_granted and nodes == 100)
    assert node_row(made) in page
    assert api_row(made) in page


def test_the_page_has_every_size() -> None:
    """Both tables have a line for each cluster, without the right and with it."""
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    made, _, _ = rest.partition(END)
    found = re.findall(r"^\| ([\d,]+) \| (all|its own) pods", made, re.MULTILINE)
    wanted = [(f"{nodes:,}", sees) for nodes in SAMPLED for sees in ("its own", "all")]
    assert found == 2 * wanted


def test_another_process_finds_the_same() -> None:
    """Nothing hangs on the order of sets, which differs from process to process."""
    program = "from tests.bench.test_fleet import *; print(fresh_cost(10, is_granted=False))"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, env=environment
    )
    assert done.stdout.strip() == str(fresh_cost(10, is_granted=False))


def test_tables_are_put_in_their_place() -> None:
    """Between the marks, once; a page without them is refused."""
    page = f"before\n{BEGIN}old\n{END}\nafter\n"
    made = with_tables(page, "| new |\n")
    assert made == f"before\n{BEGIN}\n| new |\n\n{END}\nafter\n"
    assert with_tables(made, "| new |\n") == made
    for wrong in ("before", page + page):
        with pytest.raises(ValueError, match="not one place"):
            with_tables(wrong, "")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.0333, "0.033"), (2.0, "2"), (59.98, "60"), (3111, "3,100"), (183.3, "180")],
)
def test_numbers_have_two_digits(value: float, text: str) -> None:
    """Zero, small, and with a mark between thousands."""
    assert rounded(value) == text


@pytest.mark.parametrize(
    ("size", "text"), [(83, "83 B"), (999, "1 kB"), (1_295_287, "1.3 MB"), (9.4e10, "94 GB")]
)
def test_amounts_have_units(size: float, text: str) -> None:
    """Decimal ones, and never a thousand of one."""
    assert amount(size) == text
