"""The steps about the tunnels: shut while nobody pokes, open as soon as every node does."""

from tests.demonstration.showing import SECOND_NS, expect, ping, run, show_journal, show_statuses
from tests.demonstration.stage import INTERVAL, PODS_PER_NODE, Stage, SurpriseError
from tests.demonstration.teller import Teller
from tests.demonstration.wire import watched


def leave_shut(stage: Stage, teller: Teller) -> None:
    teller.heading("2. Nobody pokes: the tunnels are shut")
    first, second, third = stage.nodes
    teller.say(
        f"A ping from {first.name} to a pod on {second.name} is lost, and so is one from "
        f"{second.name} to a pod on {third.name}:"
    )
    _ping_on(stage, teller, is_lost=True)
    counts = [(node, node.tunnel.packets()) for node in (second, third)]
    if any(count.arrived == 0 or count.dropped != count.arrived for _, count in counts):
        raise SurpriseError(f"the filters did not drop all that arrived: {counts}")
    told = [
        f"{count.arrived} packets of protocol 4 arrived at {node.name}, and its filter dropped "
        f"{count.dropped}"
        for node, count in counts
    ]
    teller.say(
        f"{'; '.join(told)}. Each would take them if its own node had sent something to the other "
        "one lately."
    )


def start(stage: Stage, teller: Teller) -> None:
    teller.heading("3. Start pokepodsd on each node: the tunnels open")
    first, _, third = stage.nodes
    _check(stage, teller)
    stage.cluster.lab.flush_conntrack()
    with watched(stage) as wire:
        for node in stage.nodes:
            stage.start_daemon(node)
        teller.say(
            "The kernels forget the pings, and three daemons start, each with its node's "
            "kubeconfig, as the systemd unit would start them. They poke every tunnel once in "
            f"{INTERVAL} instead of the default 30s, and every pod once in {INTERVAL} instead of "
            f"the default 5s, so that this takes less time. The file also names "
            f"{first.tunnel.device}, which no real node needs: where the kernel has no IP-in-IP of "
            "its own, a relay behind a TUN device wraps the packets, and that is IP-in-IP on the "
            "wire, but no tunnel to the kernel."
        )
        run(stage, teller, first, "cat", str(stage.config(first)))
        teller.commands(
            (n.name, f"pokepodsd --config {stage.config(n)} run &") for n in stage.nodes
        )
        took_ns = wire.wait_answers()
    teller.say(
        f"{took_ns / SECOND_NS:.2f} seconds after {third.name}, the last, sent its first poke, "
        f"all {len(stage.ways)} ways from node to node had been answered. The same pings now:"
    )
    _ping_on(stage, teller, is_lost=False)
    _show_openings(stage, teller)
    teller.say(
        "All of that was known from the kernel's routes: the API server refuses each the pods of "
        "the other nodes. The status line of each, as systemctl status would show it:"
    )
    for node in stage.nodes:
        up = PODS_PER_NODE - (node is third)
        pattern = f"2 peers: 2 ok; {PODS_PER_NODE} targets: {up} up, .*own pods only"
        stage.wait_status(node, pattern, 10)
    show_statuses(stage, teller)


def _check(stage: Stage, teller: Teller) -> None:
    first = stage.nodes[0]
    teller.say(
        f'Before that, "check" says whether {first.name} is fit for it. It pokes nothing, and ends '
        "with exit status 1 if something would keep the tunnels shut; what is no more than a "
        "warning has its remedy, too:"
    )
    argv = ["pokepodsd", "--config", str(stage.config(first)), "check"]
    shown = run(stage, teller, first, *argv, "--socket", str(stage.socket(first)))
    expect(shown, f"2 tunnels to other nodes, through {first.tunnel.device}")


def _show_openings(stage: Stage, teller: Teller) -> None:
    first, second, third = stage.nodes
    for node in stage.nodes:
        stage.wait_line(node, " warning: .*Missing right: list and watch pods", 20)
    stage.wait_line(first, " notice: 2 tunnels are open", 10)
    opened = stage.wait_line(second, f" notice: the tunnel to {third.address} .* is open", 10)
    teller.say(
        "A tunnel passes nothing before both of its nodes have sent something, so that the first "
        f"to start loses its first pokes, by design. The journal of {first.name}, which also warns "
        "once of a right that nobody has granted yet, and names the two ways to grant it:"
    )
    show_journal(teller, [(first, line) for line in stage.lines_since(first, 0)])
    if any("open: answered" in line.text for line in stage.lines_since(third, 0)):
        raise SurpriseError(f"{third.name} started last, and lost a poke")
    teller.say(
        f"{second.name} says the same of the one tunnel whose other end was silent when it "
        f"started. {third.name} found both open, and has nothing to say of them."
    )
    show_journal(teller, [(second, opened)])


def _ping_on(stage: Stage, teller: Teller, *, is_lost: bool) -> None:
    first, second, third = stage.nodes
    for node, peer in ((first, second), (second, third)):
        ping(stage, teller, node, peer.pod_address(1), is_lost=is_lost)
