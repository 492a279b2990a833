"""The steps about what goes wrong: a filter that is too tight, and an API server that is gone."""

import time

from tests.demonstration.showing import (
    ask,
    delays,
    expect,
    ping,
    run,
    seconds,
    show_filter,
    show_journal,
    show_statuses,
)
from tests.demonstration.stage import (
    ALL_PODS,
    FORGETS_AFTER_SECONDS,
    INTERVAL,
    PODS_PER_NODE,
    Stage,
)
from tests.demonstration.teller import Teller
from tests.demonstration.wire import HEADING, watched
from tests.lab import Line, Node, TunnelFilter

WELL = f"2 peers: 2 ok; {ALL_PODS} targets: {ALL_PODS - 1} up, 1 down"


def drop_protocol_4(stage: Stage, teller: Teller) -> None:
    first, second, third = stage.nodes
    teller.heading(f'6. "Tighten" the filter of {second.name}, and loosen it again')
    teller.say(
        f"Somebody goes over the rules in front of {second.name} and sees no use for protocol 4. "
        "Its pods are cut off, but its own address answers, and to Kubernetes it is a Ready node:"
    )
    dropped_ns = time.monotonic_ns()
    second.tunnel.set_filter(TunnelFilter.CLOSED)
    show_filter(stage, teller, second)
    ping(stage, teller, first, second.pod_address(1), is_lost=True)
    ping(stage, teller, first, second.address, is_lost=False)
    broken = rf" warning: the tunnel to {second.name} .* is broken for .*: allow protocol 4"
    patterns = {first: broken, second: " error: this node is cut off for ", third: broken}
    lines = _wait_lines(stage, patterns, dropped_ns)
    statuses = {first: "1 tunnel broken", second: "this node is cut off", third: "1 tunnel broken"}
    for node, status in statuses.items():
        stage.wait_status(node, status, 10, dropped_ns)
    stage.check_lines(dict.fromkeys(stage.nodes, 1), dropped_ns)
    teller.say(
        f"One line each. {first.name} and {third.name} say which node, which layer, since when and "
        f"what to do, and nothing of the {PODS_PER_NODE} pods behind it, which that explains. "
        f"{second.name}, to which both others are silent, says that it is itself, and blames "
        "neither:"
    )
    show_journal(teller, lines)
    teller.say(f"They came {delays(lines, dropped_ns)} seconds after the change of the filter.")
    _find_out(stage, teller)
    _take_protocol_4(stage, teller)
    stage.check_lines(dict.fromkeys(stage.nodes, 2), dropped_ns)


def _find_out(stage: Stage, teller: Teller) -> None:
    """As an operator does: who is cut off, why, and who else."""
    first, second, _ = stage.nodes
    teller.say(
        f"Somebody who has read no journal asks the daemon of {first.name}. It says which peer is "
        "cut off and since when, and what to run next:"
    )
    page = ask(stage, teller, first, "status", status=1)
    expect(page, f"{second.name} (tunnel broken)", f"pokepodsd trace {second.name} says why")
    teller.say("That pokes the peer now, layer by layer, and says why, and what to do:")
    trace = ask(stage, teller, first, "trace", second.name, status=1)
    expect(trace, "verdict         tunnel broken", "allow protocol 4, not 94")
    teller.say("Who reaches whom, from all three daemons:")
    sockets = [str(stage.socket(node)) for node in stage.nodes]
    matrix = run(stage, teller, first, "pokepodsd", "matrix", "-o", "text", *sockets, status=1)
    expect(matrix, f"Cut off: {second.name}.", "T tunnel broken", "C cut off")


def _take_protocol_4(stage: Stage, teller: Teller) -> None:
    first, second, third = stage.nodes
    healed_ns = time.monotonic_ns()
    second.tunnel.set_filter(TunnelFilter.STATEFUL)
    teller.say("So the rule is put back, and one line each says how long it was:")
    show_filter(stage, teller, second)
    back = rf" notice: {second.name} .* is reachable again after "
    patterns = {first: back, second: " notice: this node reaches its peers again ", third: back}
    lines = _wait_lines(stage, patterns, healed_ns)
    show_journal(teller, lines)
    teller.say(f"They came {delays(lines, healed_ns)} seconds after that.")
    for node in stage.nodes:
        stage.wait_status(node, WELL, 10, healed_ns)
    teller.say(f"All peers are well again. What is left is {stage.dead_pod}:")
    page = ask(stage, teller, first, "status", status=1)
    expect(page, f"{first.name} reaches its 2 peers, 1 pod does not answer")


def lose_the_api(stage: Stage, teller: Teller) -> None:
    teller.heading("7. Kill the API server")
    teller.say("The daemons go on with the nodes and pods that they know, for as long as it takes.")
    with watched(stage) as wire:
        killed_ns = time.monotonic_ns()
        kill = f"kill -KILL {stage.cluster.api.pid}"
        stage.run(stage.cluster.lab.hub, "sh", "-c", kill)
        teller.commands([(stage.cluster.lab.hub.name, kill)])
        pattern = "the API server cannot be asked"
        lines = _wait_lines(stage, dict.fromkeys(stage.nodes, pattern), killed_ns)
        stage.check_lines(dict.fromkeys(stage.nodes, 1), killed_ns)
        rows, duration_ns = wire.rows()
    teller.say("After ten seconds each says so in its journal, once, and its status says so too:")
    show_journal(teller, lines)
    for node in stage.nodes:
        stage.wait_status(node, f"{WELL}, .*API: lost", 10, killed_ns)
    show_statuses(stage, teller)
    teller.say("Whoever asks is answered as before:")
    page = ask(stage, teller, stage.nodes[0], "status", status=1)
    expect(page, f"{stage.nodes[0].name} reaches its 2 peers", "\nAPI         lost (")
    teller.say(
        f"What passed in the tunnels in these {seconds(duration_ns)} seconds, in which each tunnel "
        f"and each of the {PODS_PER_NODE} pods behind it are poked every {INTERVAL}. No silence is "
        f"near the {FORGETS_AFTER_SECONDS} seconds after which it would be shut:"
    )
    teller.table(HEADING, rows)
    teller.say(f"The replies that are missing are those of {stage.dead_pod}.")


def _wait_lines(stage: Stage, patterns: dict[Node, str], since_ns: int) -> list[tuple[Node, Line]]:
    return [
        (node, stage.wait_line(node, pattern, 30, since_ns)) for node, pattern in patterns.items()
    ]
