"""`pokepodsd trace` without a daemon, on a lab of three nodes with real IP-in-IP between them.

Owns what it says of each fault: the layer, the verdict, the reason. One node looks at another.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.tracer import Tracer, outcomes, tracer
from tests.cluster import Cluster
from tests.daemon.journalled import during, filtered
from tests.daemon.scene import three_nodes
from tests.edge.support import UNPRIVILEGED
from tests.lab import EchoCapture, Kind, Node

REPLIED = ["replied"] * 3
LOST = ["timed out"] * 5


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with three_nodes(tmp_path_factory.mktemp("trace")) as started:
        yield started


@pytest.fixture
def trace(cluster: Cluster, here: Node) -> Tracer:
    # The first poke of a node pays for neighbours and the tunnel's filter.
    here.run("ping", "-c", "1", "-W", "1", cluster.lab.nodes[1].tunnel.address, check=False)
    return tracer(cluster, here)


def test_a_healthy_peer_answers_at_every_layer(trace: Tracer, here: Node, there: Node) -> None:
    """Three replies a layer are enough; the route, the counters and conntrack are shown."""
    done = trace.run("node-b")
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stdout.splitlines() if line]
    assert said[0].split(maxsplit=1)[1] == f"node-b ({there.address})"
    assert sum("replied in" in line and "TTL 64" in line for line in said) == 6
    assert f"eth0 (veth), from {here.address}" in done.stdout
    assert f"tunl0 (tun) via {there.address}, from {here.tunnel.address}" in done.stdout
    assert f"protocol 4 to {there.address}: replied, " in done.stdout
    assert re.search(r"sent 3 \(\d+ to \d+\), received 3 \(", done.stdout)
    assert said[-2].split() == ["verdict", "ok"]


@pytest.mark.parametrize("form", ["address", "tunnel", "block"])
def test_an_address_needs_no_api(trace: Tracer, there: Node, form: str) -> None:
    """The node's own address, its tunnel's and its block name the same peer, by the routes."""
    texts = {"address": there.address, "tunnel": there.tunnel.address, "block": str(there.block)}
    status, document = trace.document(texts[form])
    assert (status, document["known_by"], document["pod"]) == (0, "routes", None)
    assert document["peer"]["address"] == there.address
    assert document["layers"]["tunnel"] == "answers"


def test_a_peer_that_filters_protocol_4(trace: Tracer, there: Node) -> None:
    """The tunnel is broken, by few packets, and protocol 4 is what to allow."""
    with filtered(there), EchoCapture(trace.node, "tunl0") as capture:
        status, document = trace.document(there.address)
        sent = [echo for echo in capture.snapshot() if echo.kind is Kind.REQUEST]
    assert (status, document["verdict"]) == (1, "tunnel broken")
    assert (outcomes(document, "underlay"), outcomes(document, "tunnel")[0]) == ([REPLIED], LOST)
    assert len(sent) == 7
    assert f"{there.address} itself does" in document["text"]
    assert "allow protocol 4, not 94" in document["reason"]
    assert "tunl0 sent 5 packets and received 0" in document["reason"]
    counters = [document["steps"][1][when]["counters"] for when in ("before", "after")]
    assert counters[1]["sent"] - counters[0]["sent"] == 5


def test_a_node_that_is_down(trace: Tracer, there: Node) -> None:
    """Nothing of it answers: the node, and not its tunnel."""
    with during(there.link_down, there.link_up):
        status, document = trace.document("--count", "2", there.address)
    assert (status, document["verdict"]) == (1, "node unreachable")
    assert "check that the node is up" in document["reason"]


def test_a_dead_pod_behind_a_good_tunnel(trace: Tracer, there: Node) -> None:
    """Underlay and tunnel answer, the pod does not: the pod, or a policy."""
    with during(there.kill_address, there.revive_address, there.pod_address(2)):
        status, document = trace.document("shop/node-b-2")
    assert (status, document["verdict"], document["known_by"]) == (1, "pod only", "api")
    assert document["pod"]["name"] == "node-b-2"
    assert [outcomes(document, layer) for layer in ("underlay", "tunnel", "pod")] == [
        [REPLIED],
        [REPLIED],
        [LOST],
    ]
    assert "the network policies that select it" in document["reason"]


def test_an_address_of_a_router_that_reports(trace: Tracer, there: Node) -> None:
    """An ICMP error is shown by its name, with who sent it: so far the packets come."""
    address = there.pod_address(2)
    with during(there.reject_address, there.revive_address, address):
        done = trace.run(address)
    assert done.returncode == 1
    assert f"host unreachable, reported by {there.tunnel.address}" in done.stdout
    assert f"come as far as {there.tunnel.address}, which reports host unreachable" in done.stdout


def test_a_route_past_the_tunnel(trace: Tracer, here: Node, there: Node) -> None:
    """Pods that are silent and not tunnelled: through which device they go instead."""
    with (
        during(here.bypass_tunnel, here.restore_route, there),
        during(there.kill_address, there.revive_address, str(there.block)),
    ):
        by_name = trace.document("node-b")[1]
        by_address = trace.document(there.pod_address(1))[1]
    assert by_name["verdict"] == "tunnel broken"
    assert "goes out through eth0, so it is not tunnelled at all" in by_name["reason"]
    # One address that is silent may be dead by itself.
    assert by_address["verdict"] is None
    assert "goes out through eth0, so it is not tunnelled at all" in by_address["reason"]
    assert by_address["steps"][0]["address"] == there.address


def test_a_missing_route(trace: Tracer, here: Node, there: Node) -> None:
    """No route is the network plugin's work, by the kernel's error."""
    with during(here.remove_route, here.restore_route, there):
        status, document = trace.document("--count", "1", "shop/node-b-1")
    assert (status, document["verdict"]) == (1, "tunnel broken")
    assert "this host has no route to" in document["reason"]
    assert "the network plugin on this node has not written it" in document["reason"]
    assert document["steps"][-1]["pokes"][0]["error"] == "ENETUNREACH"


def test_a_host_that_may_not_send_blames_itself(trace: Tracer, here: Node, there: Node) -> None:
    """The own output filter: the errno, and no verdict on the far side."""
    with during(here.block_output, here.allow_output):
        done = trace.run("--count", "2", there.address)
    assert done.returncode == 1
    assert "not sent: EPERM" in done.stdout
    assert "this host does not send (EPERM): check its firewall" in done.stdout
    assert "verdict         none" in done.stdout


def test_filtered_pings_of_the_node_are_no_fault(trace: Tracer, there: Node) -> None:
    """The tunnel passes, the own address is silent: said so; a layer was silent all the same."""
    with during(there.swallow_pings, there.allow_pings, there.address):
        status, document = trace.document("--count", "2", there.address)
    assert (status, document["verdict"]) == (1, "ICMP filtered on the underlay")
    assert "no fault" in document["reason"]


def test_a_tunnel_address_that_nobody_has(trace: Tracer, there: Node) -> None:
    """Another address of the block is asked instead, and shows that the tunnel passes."""
    with during(there.kill_address, there.revive_address, there.tunnel.address):
        status, document = trace.document("--count", "2", there.address)
    assert (status, document["verdict"]) == (0, "ok")
    assert [step["is_second"] for step in document["steps"]] == [False, False, True]
    assert f"{there.tunnel.address} does not answer" in document["text"]


def test_ipv6_past_any_tunnel(trace: Tracer, there: Node) -> None:
    """An address behind no tunnel: the next hop is asked, and the address."""
    status, document = trace.document(there.pod_address6(1))
    assert (status, document["verdict"], document["known_by"]) == (0, "ok", "address")
    asked = [(step["layer"], step["address"]) for step in document["steps"]]
    assert asked == [("underlay", there.address6), ("pod", there.pod_address6(1))]
    assert document["steps"][1]["pokes"][0]["ttl"] == 64


def test_an_address_that_is_nobodys(trace: Tracer) -> None:
    """It is poked as it is; what is silent alone is no verdict on a node."""
    status, document = trace.document("--count", "1", "192.168.10.77")
    assert (status, document["verdict"], document["peer"]) == (1, None, None)
    assert "192.168.10.77 does not answer" in document["text"]


@pytest.mark.parametrize(
    ("text", "likely"),
    [("nodeb", "'node-b'"), ("node-b-2", "'shop/node-b-2'"), ("shop/node-b-9", "'shop/node-b-3'")],
)
def test_an_unknown_name_is_one_clear_line(trace: Tracer, text: str, likely: str) -> None:
    """It names what is not known, and what may have been meant."""
    done = trace.run(text)
    assert (done.returncode, done.stdout) == (69, "")
    (line,) = done.stderr.splitlines()
    assert f"no node, pod or address is known as {text!r}: did you mean " in line
    assert likely in line


def test_a_hostile_name_is_escaped(trace: Tracer) -> None:
    """A name can neither move the cursor nor forge a line."""
    done = trace.run("shop/\x1b[2J\nx")
    assert (done.returncode, len(done.stderr.splitlines())) == (69, 1)
    assert "\x1b" not in done.stderr


def test_this_host_itself_is_no_target(trace: Tracer, here: Node) -> None:
    """No packet to an own address leaves the host: nothing would be shown."""
    done = trace.run(here.address)
    assert (done.returncode, done.stdout) == (69, "")
    assert "one of this host's own addresses" in done.stderr


@pytest.mark.parametrize("address", ["224.0.0.1", "255.255.255.255", "fe80::1", "127.9.9.9"])
def test_what_no_single_host_has_is_no_target(trace: Tracer, address: str) -> None:
    """Nothing is sent to multicast, broadcast, link-local and loopback addresses."""
    done = trace.run(address)
    assert (done.returncode, done.stdout) == (69, "")
    assert f"{address} is no address that a node or a pod is reached by" in done.stderr


def test_missing_privilege_is_status_77(trace: Tracer, here: Node, there: Node) -> None:
    """A user who may open no ICMP socket is told both remedies in one line, as by `once`."""
    here.set_sysctl("net.ipv4.ping_group_range", "1 0")
    # Nobody may read the folder of the test: without a file the defaults apply.
    anybody = replace(trace, config=Path("/nowhere/pokepodsd.toml"))
    done = anybody.run(there.address, prefix=UNPRIVILEGED)
    assert (done.returncode, done.stdout) == (77, "")
    (line,) = done.stderr.splitlines()
    assert "CAP_NET_RAW" in line


def test_help_fits_a_small_terminal(trace: Tracer) -> None:
    """The help has examples, and fits 80 columns and 50 lines."""
    lines = trace.run("--help").stdout.splitlines()
    assert len(lines) <= 50
    assert max(map(len, lines)) <= 80
    assert "Examples:" in "\n".join(lines)
