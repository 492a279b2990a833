"""The Node objects of a cluster, as their kubelets would have made them."""

from typing import Any

from tests.cluster import Cluster
from tests.lab import Node

READY = {"conditions": [{"type": "Ready", "status": "True"}]}
NOT_READY = {"conditions": [{"type": "Ready", "status": "Unknown"}]}


def register(cluster: Cluster, *nodes: Node, **parts: Any) -> None:
    """Make the Node object of each, which is Ready unless ``parts`` say otherwise."""
    with cluster.lab.hub.inside():
        for node in nodes:
            cluster.api.admin.create_node(
                {"metadata": {"name": node.name}, "status": READY, **parts}
            )
