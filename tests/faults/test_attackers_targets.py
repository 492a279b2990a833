"""What no source can make a target of: shown by captures of every interface it could leave by."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final

import pytest

from pokepodsd.core.entries import EventKind
from tests.apiserver.podfactory import PodArguments
from tests.cluster import Cluster
from tests.daemon.wire import SECOND_NS, requests, wait_request_to, wait_requests_until
from tests.faults.attacker import metrics
from tests.faults.stage import TABLES, Stage, stage
from tests.lab import EchoCapture, Node

# Loopback, this network, link-local (a cloud's metadata among it), multicast, reserved, broadcast,
# IPv4 in disguise, what is no address at all, and a name, which somebody would have to look up.
REFUSED: Final = (
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "0.1.2.3", "169.254.169.254"),
    *("224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255"),
    *("::1", "::", "fe80::1", "ff02::1", "::ffff:127.0.0.1", "010.0.0.1", "node-b.example"),
    *("4000::1", "e000::1", "100::1", "fec0::1", "::7f00:1", "64:ff9b::a9fe:a9fe"),
    *("2002:7f00:1::1", "1fff::1"),
)
# A pod's status with this many hosts that are none.
FIRST_POD: Final = 100
PAUSE_SECONDS: Final = 3.0
PATIENCE_SECONDS: Final = 20.0


def own(node: Node) -> tuple[str, ...]:
    """What is the node's own, and the broadcast address of its network."""
    return node.address, node.address6, "192.168.10.255"


@contextmanager
def watched(node: Node, *more: str) -> Iterator[list[EchoCapture]]:
    """Captures of all interfaces by which a poke may leave."""
    with ExitStack() as stack:
        interfaces = ("eth0", "lo", *more)
        yield [stack.enter_context(EchoCapture(node, one)) for one in interfaces]


def poked(captures: Sequence[EchoCapture]) -> set[str]:
    """Every address that a request left for."""
    return {one.destination for capture in captures for one in requests(capture)}


def wait_told(stage: Stage, count: int) -> None:
    """Wait until the journal has so many entries."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(stage.daemon.told()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def wait_turns(stage: Stage) -> None:
    """Long enough for every target to have had its turn."""
    wait_requests_until(stage.capture, time.monotonic_ns() + round(PAUSE_SECONDS * SECOND_NS))


def test_a_poisoned_pod_list_adds_none_of_these(staged: Stage) -> None:
    """Each address is told once, with its reason, and nothing leaves for it. The broadcast address
    of the node's own network is one that a pod could have: the kernel refuses to send there.
    """
    poisoned = [*REFUSED, *own(staged.here)]
    with watched(staged.here) as captures:
        for number, text in enumerate(poisoned):
            name = f"bad-{number}"
            bad = PodArguments(name=name, namespace="shop", node="node-b", addresses=[text])
            staged.cluster.api.control.make_pods([bad])
            # One by one: a journal that gets them all at once loses some.
            if text in REFUSED:
                wait_told(staged, number + 1)
        down = staged.daemon.wait_entry(EventKind.TARGET_DOWN)
        wait_turns(staged)
        assert not poked(captures) & {*poisoned}
        assert metrics(staged)["pods_known"] == len(staged.pods) + 1
    assert "192.168.10.255" in down["MESSAGE"]
    assert "EACCES" in down["MESSAGE"]
    for number in range(len(poisoned)):
        staged.cluster.api.control.delete_pod("shop", f"bad-{number}")
    told = [EventKind.POD_IGNORED] * len(REFUSED)
    staged.survived(*told, EventKind.TARGET_DOWN, EventKind.TARGET_WITHDRAWN)


@pytest.mark.long
def test_a_poisoned_status_names_no_node_to_poke(staged: Stage) -> None:
    """A pod's hostIP is its node's own address, which is poked as well, if it can be one."""
    texts = [*REFUSED, staged.here.address]
    numbers = range(FIRST_POD, FIRST_POD + len(texts))
    with watched(staged.here) as captures:
        staged.cluster.api.control.make_pods(
            PodArguments(
                name=f"node-b-{number}",
                namespace="shop",
                node=f"node-x{number}",
                addresses=[staged.there.pod_address(number)],
                host_address=text,
            )
            for number, text in zip(numbers, texts, strict=True)
        )
        staged.pods.update(numbers)
        staged.wait_well()
        wait_turns(staged)
        assert not poked(captures) & {*texts}
    staged.survived()


def test_a_poisoned_state_file_adds_none_of_these(cluster: Cluster) -> None:
    """With the API server dead, what was saved is all there is: the one good target is poked."""
    here, there = cluster.lab.nodes
    good = there.pod_address(FIRST_POD)
    texts = [one for one in REFUSED if "." not in one or (one[0].isdigit() and one[:2] != "01")]
    rows = [
        [f"uid-{number}", "shop", f"bad-{number}", there.name, text, "", text]
        for number, text in enumerate([*texts, here.address, good])
    ]
    header = {"format": "pokepodsd targets", "version": 2, "targets": len(rows)}
    state = cluster.folder / f"state-{here.name}"
    state.mkdir(mode=0o700)
    (state / "targets.json").write_text("\n".join(map(json.dumps, [header, *rows])) + "\n")
    cluster.write_config(here, TABLES)
    cluster.api.kill()
    with (
        watched(here) as captures,
        EchoCapture(here) as capture,
        cluster.daemon(here, TABLES) as daemon,
    ):
        wait_request_to(capture, good)
        wait_request_to(capture, good, since_ns=time.monotonic_ns() + 2 * SECOND_NS)
        daemon.wait_status(r".*1 targets: 1 up")
        assert not poked(captures) & {*texts, here.address}
        assert good in poked(captures)


ROUTES: Final = {
    "10.99.0.0/26": True,
    "224.7.0.0/26": False,
    "169.254.7.0/26": False,
    "240.7.0.0/26": False,
    "127.7.0.0/26": False,
}


@pytest.mark.long
def test_poisoned_routes_add_none_of_these(cluster: Cluster) -> None:
    """Routes through what counts as a tunnel: one to a block is poked, and those to what no host
    has are not.
    """
    here, there = cluster.lab.nodes
    here.run("ip", "link", "add", "poison0", "type", "veth", "peer", "name", "poison1")
    here.run("ip", "link", "set", "poison1", "up")
    here.run("ip", "link", "set", "poison0", "up", "arp", "off")
    for block in ROUTES:
        here.run("ip", "route", "add", block, "via", there.address, "dev", "poison0", "onlink")
    tables = {**TABLES, "tunnels": {"devices": ["poison0"], "interval": "1s"}}
    with watched(here, "poison0") as captures, stage(cluster, tables) as staged:
        wait_request_to(captures[-1], "10.99.0.0")
        wait_turns(staged)
        blocks = {text.rpartition(".")[0] for text in poked(captures)}
        for block, is_poked in ROUTES.items():
            assert (block.rpartition(".")[0] in blocks) is is_poked
