"""Owns the deployments of a leg: their pods in the API, their starts, who came up.

Refuses to know who keeps the tunnels open.
"""

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.apiserver.podfactory import PodArguments
from tests.cluster import Cluster, pod_on
from tests.rollout import schedule
from tests.rollout.schedule import NewPod, Rollout
from tests.rollout.startup import comes_up

NAMESPACE = "shop"


class Workload:
    """Plays a schedule on a cluster, as often as it is asked to."""

    def __init__(self, cluster: Cluster, rollouts: Sequence[Rollout]) -> None:
        self._cluster = cluster
        self._nodes = cluster.lab.nodes
        self._control = cluster.api.control
        self._rollouts = list(rollouts)

    def make_standing_pods(self) -> None:
        """Create the pods that outlast every roll-out, and let the dead ones be dead."""
        for node in self._nodes:
            self._cluster.make_pods(node, schedule.DEAD_POD, namespace=NAMESPACE)
            node.kill_address(node.pod_address(schedule.DEAD_POD))

    def play(self) -> list[bool]:
        """Roll out one after the other; return of each new pod whether it came up."""
        outcomes: list[bool] = []
        size = max(len(rollout.pods) for rollout in self._rollouts)
        begin = time.monotonic()
        with ThreadPoolExecutor(size) as executor:
            for rollout in self._rollouts:
                time.sleep(max(0.0, begin + rollout.at_seconds - time.monotonic()))
                outcomes += self._roll_out(rollout, executor)
        self._delete(schedule.remaining(self._rollouts))
        return outcomes

    def _roll_out(self, rollout: Rollout, executor: ThreadPoolExecutor) -> list[bool]:
        store = self._nodes[rollout.store].pod_address(schedule.STORE_POD)
        self._control.make_pods(self._arguments(pod, is_ready=False) for pod in rollout.pods)
        starts = [
            executor.submit(comes_up, self._nodes[pod.node], self._address(pod), store)
            for pod in rollout.pods
        ]
        outcomes = [start.result() for start in starts]
        self._control.make_pods(
            self._arguments(pod, is_ready=outcome)
            for pod, outcome in zip(rollout.pods, outcomes, strict=True)
        )
        self._delete(rollout.replaced)
        return outcomes

    def _address(self, pod: NewPod) -> str:
        return self._nodes[pod.node].pod_address(pod.number)

    def _arguments(self, pod: NewPod, *, is_ready: bool) -> PodArguments:
        arguments = pod_on(self._nodes[pod.node], pod.number, namespace=NAMESPACE)
        arguments["name"], arguments["ready"] = pod.name, is_ready
        return arguments

    def _delete(self, pods: Iterable[NewPod]) -> None:
        for pod in pods:
            self._control.delete_pod(NAMESPACE, pod.name)
