"""The demonstration's story, step by step. Owns its words, and what must come true in each step."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from tests.apiserver.admin import RBAC
from tests.demonstration.stage import (
    INTERVAL,
    NAMESPACE,
    PODS_PER_NODE,
    Stage,
    SurpriseError,
    pod_name,
)
from tests.demonstration.teller import Teller
from tests.lab import Echo, EchoCapture, Kind, Line, Node, Place, by_destination, gaps

SECOND_NS = 1_000_000_000
# The pods of a node that is asked about itself are reached without leaving it.
ON_THE_WIRE = 2 * PODS_PER_NODE
ALL_PODS = 3 * PODS_PER_NODE
LONGEST_WAIT_SECONDS = 2.0
# What may be under way at the beginning or at the end of a count.
IN_FLIGHT = 2


def tell(stage: Stage, teller: Teller) -> None:
    """Tell it all; SurpriseError or LabError where it does not come true."""
    began = time.monotonic()
    teller.say(
        "pokepodsd opens the tunnels between Kubernetes nodes, and keeps them open: on every node "
        "it learns the pods with the kubelet's own kubeconfig, and sends each an ICMP echo request "
        "at a steady pace. This shows it at work, on a small cluster made of network namespaces."
    )
    steps: list[Callable[[Stage, Teller], None]] = [
        build,
        start,
        grant,
        sweep,
        lose_a_pod,
        lose_the_api,
        stop,
    ]
    for step in steps:
        step(stage, teller)
    teller.say(f"All of it took {time.monotonic() - began:.0f} seconds.")


def build(stage: Stage, teller: Teller) -> None:
    teller.heading("1. Build a cluster of three nodes")
    stage.build()
    api, lab = stage.cluster.api, stage.cluster.lab
    teller.say(
        f"Each node is a network namespace with {PODS_PER_NODE} pods that answer pings, save one: "
        f"{_dead(stage)} never does. Plain routes stand in for the tunnels. The hub in the middle "
        "holds an API server that speaks TLS, knows nodes by their client certificates and lets "
        "each read its own pods only (the Node authorizer as of Kubernetes 1.32)."
    )
    rows = [
        [node.name, node.address, f"{node.pod_address(1)} to {node.pod_address(PODS_PER_NODE)}"]
        for node in stage.nodes
    ]
    rows.append([lab.hub.name, lab.hub.address, f"the API server, {api.url}"])
    teller.table(["PLACE", "ADDRESS", "PODS"], rows)
    first = stage.nodes[0]
    teller.say(
        f'Every command below is really run, and its output is as it came. A "{first.name}#" '
        f'before it stands for "ip netns exec {first.namespace}", with '
        f"{Path(sys.executable).parent} in the path."
    )
    _run(stage, teller, first, "ip", "route")


def start(stage: Stage, teller: Teller) -> None:
    teller.heading("2. Start pokepodsd on each node")
    for node in stage.nodes:
        stage.start_daemon(node)
    first = stage.nodes[0]
    teller.say(
        f"Three daemons start, each with its node's kubeconfig, as the systemd unit would start "
        f"them. They poke every {INTERVAL} instead of the default 5s, so that this takes less time."
    )
    _run(stage, teller, first, "cat", str(stage.config(first)))
    teller.commands((n.name, f"pokepodsd --config {stage.config(n)} run &") for n in stage.nodes)
    for node in stage.nodes:
        stage.wait_line(node, " warning: .*Missing right: list and watch pods", 20)
    teller.say(
        "Nobody has granted them anything, so each sees the pods of its own node only. Its journal "
        "warns of that once, and names the missing right and the two ways to grant it:"
    )
    _show_journal(teller, [(first, line) for line in stage.lines_since(first, 0)])
    teller.say(
        "The other two say the same. The status line of each, as systemctl status would show it:"
    )
    for node in stage.nodes:
        up = PODS_PER_NODE - (node is stage.nodes[-1])
        stage.wait_status(node, f"{PODS_PER_NODE} targets: {up} up, .*own pods only", 10)
    teller.lines([(node.name, stage.status(node)) for node in stage.nodes])


def grant(stage: Stage, teller: Teller) -> None:
    teller.heading("3. Grant the missing right")
    teller.say("pokepodsd prints the manifest that lets every node see all pods:")
    manifest = _run(stage, teller, stage.nodes[0], "pokepodsd", "rbac", "--for", "nodes")
    teller.say(
        "There is no kubectl here: the administrator's POST of its two objects does what "
        '"kubectl apply -f -" would do.'
    )
    granted_ns = time.monotonic_ns()
    teller.lines(_apply(stage, manifest))
    teller.say(
        "No daemon is restarted. Each asks again now and then (first after 5 to 10 seconds, then "
        "less and less often), says in its journal that it may see all pods now, and pokes them:"
    )
    lines = [
        (node, stage.wait_line(node, "lets this node see the pods of all nodes", 30, granted_ns))
        for node in stage.nodes
    ]
    _show_journal(teller, lines)
    pattern = f"{ALL_PODS} targets: {ALL_PODS - 1} up, .*watching"
    times = [stage.wait_status(node, pattern, 10, granted_ns) for node in stage.nodes]
    teller.lines([(node.name, stage.status(node)) for node in stage.nodes])
    teller.say(f"The last was ready {_seconds(max(times) - granted_ns)} seconds after the grant.")


def sweep(stage: Stage, teller: Teller) -> None:
    teller.heading("4. Look at all pods from one node")
    first = stage.nodes[0]
    teller.say(
        '"once" pokes every pod one time and ends, with exit status 0 if all answered and 1 if '
        "some did not."
    )
    argv = ["pokepodsd", "--config", str(stage.config(first)), "once"]
    done = stage.run(first, *argv)
    teller.command(first.name, " ".join(argv), done.stdout)
    if done.returncode != 1 or f"{ALL_PODS - 1} of {ALL_PODS} answered" not in done.stdout:
        raise SurpriseError(f"once ended with {done.returncode}, and one pod was to be missed")
    teller.say(
        f"Its exit status is {done.returncode}, for {_dead(stage)}. The daemons found that out as "
        "well, each with one line in its journal:"
    )
    pattern = f"{_dead(stage)} .* is down"
    _show_journal(teller, [(node, stage.wait_line(node, pattern, 20)) for node in stage.nodes])


def lose_a_pod(stage: Stage, teller: Teller) -> None:
    teller.heading("5. Kill a pod, and revive it")
    first, second, _ = stage.nodes
    victim, address = f"{NAMESPACE}/{pod_name(second, 2)}", second.pod_address(2)
    killed_ns = time.monotonic_ns()
    second.kill_address(address)
    teller.say(f"{victim} falls silent: from now on {second.name} drops what comes for {address}.")
    _run(stage, teller, first, "ping", "-c1", "-W1", address, status=1)
    teller.say(
        "After three pokes without an answer each daemon writes one line, and no more while the "
        "pod stays down:"
    )
    lines = [
        (node, stage.wait_line(node, f"{victim} .* is down", 20, killed_ns)) for node in stage.nodes
    ]
    _show_journal(teller, lines)
    teller.say(f"They came {_delays(lines, killed_ns)} seconds after it fell silent.")
    revived_ns = time.monotonic_ns()
    second.revive_address(address)
    teller.say("Now it answers again, and one line says how long it was down:")
    lines = [
        (node, stage.wait_line(node, f"{victim} .* is up after", 20, revived_ns))
        for node in stage.nodes
    ]
    stage.check_lines(2, killed_ns)
    _show_journal(teller, lines)
    teller.say(f"They came {_delays(lines, revived_ns)} seconds after it was revived.")


def lose_the_api(stage: Stage, teller: Teller) -> None:
    teller.heading("6. Kill the API server")
    teller.say("The daemons go on with the pods that they know, for as long as it takes.")
    captures = {node: EchoCapture(node) for node in stage.nodes}
    try:
        killed_ns = time.monotonic_ns()
        kill = f"kill -KILL {stage.cluster.api.pid}"
        stage.run(stage.cluster.lab.hub, "sh", "-c", kill)
        teller.commands([(stage.cluster.lab.hub.name, kill)])
        pattern = "the API server cannot be asked"
        lines = [(node, stage.wait_line(node, pattern, 30, killed_ns)) for node in stage.nodes]
        stage.check_lines(1, killed_ns)
        over_ns = time.monotonic_ns()
        echoes = {node: capture.snapshot() for node, capture in captures.items()}
    finally:
        for capture in captures.values():
            capture.close()
    teller.say("After ten seconds each says so in its journal, once, and its status says so too:")
    _show_journal(teller, lines)
    for node in stage.nodes:
        stage.wait_status(node, "API: lost", 10, killed_ns)
    teller.lines([(node.name, stage.status(node)) for node in stage.nodes])
    teller.say(
        f"What passed each node's wire in these {_seconds(over_ns - killed_ns)} seconds, to and "
        f"from the {ON_THE_WIRE} pods on the other nodes, each of them poked every {INTERVAL}:"
    )
    heading = ["NODE", "ECHO REQUESTS", "PODS", "REPLIES", "LONGEST WAIT OF A POD"]
    rows = [_wire_row(stage, node, echoes[node], (killed_ns, over_ns)) for node in stage.nodes]
    teller.table(heading, rows)
    teller.say(f"The replies that are missing are those of {_dead(stage)}.")


def stop(stage: Stage, teller: Teller) -> None:
    teller.heading("7. Stop, and clean up")
    teller.say("Each daemon gets the signal that systemd stops services with.")
    kills = {node: f"kill -TERM {one.process.pid}" for node, one in stage.daemons.items()}
    teller.commands((node.name, kill) for node, kill in kills.items())
    for node, kill in kills.items():
        stage.run(node, "sh", "-c", kill)
    lines = [(node, stage.wait_line(node, " stopped, after ", 10)) for node in stage.nodes]
    _show_journal(teller, lines)
    statuses = {node.name: daemon.process.wait() for node, daemon in stage.daemons.items()}
    if any(statuses.values()):
        raise SurpriseError(f"the daemons did not all end with exit status 0: {statuses}")
    stage.close()
    if left := stage.find_leftovers():
        raise SurpriseError(f"the clean-up left {', '.join(left)}")
    teller.say(
        "All three ended with exit status 0. Nothing is left: no process, no network namespace, "
        "no file."
    )


def _run(stage: Stage, teller: Teller, place: Place, *argv: str, status: int = 0) -> str:
    """Run a command and show it with its output; any other exit status is a surprise."""
    command = " ".join(argv)
    done = stage.run(place, *argv)
    teller.command(place.name, command, done.stdout)
    if done.returncode != status:
        raise SurpriseError(f"{command!r} on {place.name} ended with {done.returncode}")
    return done.stdout


def _apply(stage: Stage, manifest: str) -> list[tuple[str, str]]:
    """Create the manifest's objects as the administrator; what was asked, and what became of it."""
    created = []
    with stage.cluster.lab.hub.inside():
        for thing in yaml.safe_load_all(manifest):
            path = f"{RBAC}/{thing['kind'].lower()}s"
            answer = stage.cluster.api.admin.request("POST", path, thing)
            name = answer["metadata"]["name"]
            told = f"POST {path}: {name} is created"
            created.append((stage.cluster.lab.hub.name, told))
    return created


def _wire_row(stage: Stage, node: Node, echoes: list[Echo], time_ns: tuple[int, int]) -> list[str]:
    """One node's pokes in this time; a pod that waited too long, or a lost reply, is a surprise."""
    seen = [echo for echo in echoes if time_ns[0] <= echo.monotonic_ns < time_ns[1]]
    requests = [echo for echo in seen if echo.kind is Kind.REQUEST and echo.outgoing]
    replies = [echo for echo in seen if echo.kind is Kind.REPLY and not echo.outgoing]
    pods = by_destination(requests)
    times = [
        [time_ns[0], *(poke.monotonic_ns for poke in pokes), time_ns[1]] for pokes in pods.values()
    ]
    longest = max((max(gaps(one)) for one in times), default=0) / SECOND_NS
    unanswered = len(requests) - len(pods.get(stage.dead_address, ())) - len(replies)
    if len(pods) != ON_THE_WIRE or longest > LONGEST_WAIT_SECONDS or abs(unanswered) > IN_FLIGHT:
        raise SurpriseError(
            f"{node.name} poked {len(pods)} pods of other nodes, one of them waited {longest:.2f} "
            f"seconds for it, and {unanswered} replies of living pods are missing"
        )
    return [node.name, str(len(requests)), str(len(pods)), str(len(replies)), f"{longest:.2f} s"]


def _show_journal(teller: Teller, lines: list[tuple[Node, Line]]) -> None:
    teller.lines([(node.name, line.text) for node, line in lines])


def _delays(lines: list[tuple[Node, Line]], since_ns: int) -> str:
    seconds = [_seconds(line.at_ns - since_ns) for _, line in lines]
    return f"{', '.join(seconds[:-1])} and {seconds[-1]}"


def _seconds(duration_ns: int) -> str:
    return f"{duration_ns / SECOND_NS:.1f}"


def _dead(stage: Stage) -> str:
    return f"{NAMESPACE}/{pod_name(stage.nodes[-1], PODS_PER_NODE)}"
