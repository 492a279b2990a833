"""The steps about the pods: the right to see all of them, the one that is dead, one look at all."""

import time

import yaml

from tests.apiserver.admin import RBAC
from tests.demonstration.showing import run, seconds, show_journal, show_statuses
from tests.demonstration.stage import ALL_PODS, PODS_PER_NODE, Stage, SurpriseError
from tests.demonstration.teller import Teller


def grant(stage: Stage, teller: Teller) -> None:
    teller.heading("4. Grant the missing right: pods are poked too")
    teller.say("pokepodsd prints the manifest that lets every node see all pods:")
    manifest = run(stage, teller, stage.nodes[0], "pokepodsd", "rbac", "--for", "nodes")
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
    show_journal(teller, lines)
    pattern = f"2 peers: 2 ok; {ALL_PODS} targets: {ALL_PODS - 1} up, .*watching"
    times = [stage.wait_status(node, pattern, 10, granted_ns) for node in stage.nodes]
    teller.say(f"The last was ready {seconds(max(times) - granted_ns)} seconds after the grant.")
    _show_the_dead(stage, teller)


def sweep(stage: Stage, teller: Teller) -> None:
    teller.heading("5. Look at all pods from one node")
    first = stage.nodes[0]
    teller.say(
        '"once" pokes every pod one time and ends, with exit status 0 if all answered and 1 if '
        "some did not."
    )
    argv = ["pokepodsd", "--config", str(stage.config(first)), "once"]
    shown = run(stage, teller, first, *argv, status=1)
    if f"{ALL_PODS - 1} of {ALL_PODS} answered" not in shown:
        raise SurpriseError("one pod was to be missed by once, and one only")
    teller.say(f"Its exit status is 1, for {stage.dead_pod}.")


def _show_the_dead(stage: Stage, teller: Teller) -> None:
    pattern = f"{stage.dead_pod} .* is down"
    lines = [(node, stage.wait_line(node, pattern, 20)) for node in stage.nodes]
    for node in stage.nodes:
        stage.wait_status(node, f"2 ok; {ALL_PODS} targets: {ALL_PODS - 1} up, 1 down", 10)
    teller.say(
        f"{stage.dead_pod} does not answer. Each says so in one line, and that it is the pod's own "
        f"trouble: the other {PODS_PER_NODE - 1} on its node answer, and all peers are ok."
    )
    show_journal(teller, lines)
    show_statuses(stage, teller)


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
