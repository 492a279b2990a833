"""Owns where the comparison takes place: the cluster with its tunnels, and their removal."""

from collections.abc import Sequence

from tests.cluster import Cluster
from tests.demonstration.premises import Premises
from tests.lab import Encapsulation
from tests.rollout.schedule import Rollout
from tests.rollout.timings import FORGETTING
from tests.rollout.workload import Workload


class Ground(Premises):
    """One lab for all legs; `close` removes it, whatever state it is in."""

    def build(self, nodes: int, rollouts: Sequence[Rollout]) -> Workload:
        """Build the cluster, with its pods and kubeconfigs."""
        self._build(
            "pokepodsd-lab-",
            lambda folder: Cluster(
                folder,
                nodes=nodes,
                tunnels=Encapsulation.IPIP,
                generic_timeout_seconds=round(FORGETTING.seconds),
            ),
        )
        # As since Kubernetes 1.32: a node sees its own pods, and what it is granted.
        self.cluster.api.control.change_settings(node_selectors=True)
        for node in self.cluster.lab.nodes:
            self.cluster.api.kubeconfig(node.name, self.cluster.kubelet_folder(node))
        workload = Workload(self.cluster, rollouts)
        workload.make_standing_pods()
        return workload
