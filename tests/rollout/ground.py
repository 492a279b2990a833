"""Owns where the comparison takes place: the cluster with its tunnels, and their removal."""

import contextlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.cluster import Cluster
from tests.demonstration.interrupts import Interrupts
from tests.demonstration.leftovers import Traces
from tests.lab import Encapsulation
from tests.rollout.schedule import Rollout
from tests.rollout.timings import FORGETTING
from tests.rollout.workload import Workload


class Ground:
    """One lab for all legs; `close` removes it, whatever state it is in."""

    def __init__(self, interrupts: Interrupts) -> None:
        self._interrupts = interrupts
        self._exits = contextlib.ExitStack()
        self._traces: Traces | None = None
        self.cluster: Cluster

    def build(self, nodes: int, rollouts: Sequence[Rollout]) -> Workload:
        """Build the cluster, with its pods and kubeconfigs."""
        with self._interrupts.deferred():
            temporary = tempfile.TemporaryDirectory(prefix="pokepodsd-lab-")
            folder = Path(self._exits.enter_context(temporary))
            # For the daemons, whose scratch folders go with ours even if they are killed.
            os.environ["TMPDIR"] = str(folder)
            cluster = Cluster(
                folder,
                nodes=nodes,
                tunnels=Encapsulation.IPIP,
                generic_timeout_seconds=round(FORGETTING.seconds),
            )
            self.cluster = self._exits.enter_context(cluster)
            namespaces = [place.namespace for place in self.cluster.lab.places]
            self._traces = Traces(folder, namespaces)
        # As since Kubernetes 1.32: a node sees its own pods, and what it is granted.
        self.cluster.api.control.change_settings(node_selectors=True)
        for node in self.cluster.lab.nodes:
            self.cluster.api.kubeconfig(node.name, self.cluster.kubelet_folder(node))
        workload = Workload(self.cluster, rollouts)
        workload.make_standing_pods()
        return workload

    def close(self) -> None:
        """Remove it all; signals are not taken any more."""
        self._interrupts.ignore()
        self._exits.close()

    def find_leftovers(self) -> list[str]:
        """Say what is left after `close`."""
        traces, self._traces = self._traces, None
        return traces.find() if traces else []
