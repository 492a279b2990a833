"""The demonstration's story: the order of its steps, how it begins and how it ends.

Owns the stage's first and last minutes; what happens between them is told in the other modules.
"""

import time
from collections.abc import Callable

from tests.demonstration import faults, pods, tunnels
from tests.demonstration.showing import run, show_filter, show_journal
from tests.demonstration.stage import (
    FORGETS_AFTER_SECONDS,
    PODS_PER_NODE,
    Stage,
    SurpriseError,
)
from tests.demonstration.teller import Teller


def tell(stage: Stage, teller: Teller) -> None:
    """Tell it all; SurpriseError or LabError where it does not come true."""
    began = time.monotonic()
    teller.say(
        "pokepodsd opens the IP-in-IP tunnels between Kubernetes nodes, and keeps them open: on "
        "every node it learns the other nodes from the kernel's routes and the pods with the "
        "kubelet's own kubeconfig, and sends each an ICMP echo request at a steady pace. This "
        "shows it at work, on a small cluster made of network namespaces."
    )
    steps: list[Callable[[Stage, Teller], None]] = [
        build,
        tunnels.leave_shut,
        tunnels.start,
        pods.grant,
        pods.sweep,
        faults.drop_protocol_4,
        faults.lose_the_api,
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
        f"{stage.dead_pod} never does. The hub in the middle holds an API server that speaks TLS, "
        "knows nodes by their client certificates and lets each read its own pods only (the Node "
        "authorizer as of Kubernetes 1.32)."
    )
    rows = [
        [node.name, node.address, f"{node.pod_address(1)} to {node.pod_address(PODS_PER_NODE)}"]
        for node in stage.nodes
    ]
    rows.append([lab.hub.name, lab.hub.address, f"the API server, {api.url}"])
    teller.table(["PLACE", "ADDRESS", "PODS"], rows)
    first, second, _ = stage.nodes
    teller.say(
        f'Every command below is really run, and its output is as it came. A "{first.name}#" '
        f'before it stands for "ip netns exec {first.namespace}", with '
        f"{stage.programs} in the path."
    )
    teller.say("Packets to the pods of other nodes travel in IP-in-IP, by routes as Calico's:")
    run(stage, teller, first, "ip", "route")
    teller.say(
        f"In front of each node is a filter that takes of protocol 4, which is IP-in-IP, only what "
        f"belongs to something that the node itself has sent. The kernel remembers that for "
        f"{FORGETS_AFTER_SECONDS} seconds here (nf_conntrack_generic_timeout) instead of the "
        "default 600, so that a tunnel that nobody pokes is soon shut again:"
    )
    show_filter(stage, teller, second)


def stop(stage: Stage, teller: Teller) -> None:
    teller.heading("8. Stop, and clean up")
    teller.say("Each daemon gets the signal that systemd stops services with.")
    kills = {node: f"kill -TERM {one.process.pid}" for node, one in stage.daemons.items()}
    teller.commands((node.name, kill) for node, kill in kills.items())
    for node, kill in kills.items():
        stage.run(node, "sh", "-c", kill)
    lines = [(node, stage.wait_line(node, " stopped, after ", 10)) for node in stage.nodes]
    show_journal(teller, lines)
    statuses = {node.name: daemon.process.wait() for node, daemon in stage.daemons.items()}
    if any(statuses.values()):
        raise SurpriseError(f"the daemons did not all end with exit status 0: {statuses}")
    # All that there was to tell, once each: the start, the routes, the missing right, the tunnels
    # that opened (node-c, the last to start, found them open), the right, the dead pod, the fault
    # and its end, the loss of the API, the stop.
    first, second, third = stage.nodes
    counts = {first: 10, second: 10, third: 9}
    stage.check_lines(counts)
    told = [f"{count} lines on {node.name}" for node, count in counts.items()]
    teller.say(f"That was all that the journals were told: {', '.join(told)}.")
    stage.close()
    if left := stage.find_leftovers():
        raise SurpriseError(f"the clean-up left {', '.join(left)}")
    teller.say(
        "All three ended with exit status 0. Nothing is left: no process, no network namespace, "
        "no file."
    )
