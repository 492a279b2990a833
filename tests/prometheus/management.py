"""Owns a second network of a lab, by which Prometheus reaches the nodes whatever their cables do.

As clusters have one for their operators. Refuses to carry anything else: no node routes to it.
"""

from collections.abc import Sequence

from tests.lab import Hub, Node
from tests.lab.launch import ip_batch

_NETWORK = "192.168.20"
PORT = 19747
# Of the hub, where the API server has a port of its own choice.
_HUB = 1
_FIRST = 10


class Management:
    """A bridge in the hub with a cable to each node; they end with the lab."""

    def __init__(self, hub: Hub, nodes: Sequence[Node]) -> None:
        """Lay the cables."""
        self._addresses = {
            node.name: f"{_NETWORK}.{_FIRST + number}" for number, node in enumerate(nodes)
        }
        bridge = ["link add br1 type bridge", "link set br1 up"]
        ip_batch(hub.namespace, [*bridge, f"addr add {_NETWORK}.{_HUB}/24 dev br1"])
        for number, node in enumerate(nodes):
            self._lay(hub, node, f"operator-{number}")

    def target(self, node: Node) -> str:
        """Where the exporter of a node is found."""
        return f"{self._addresses[node.name]}:{PORT}"

    def tables(self, node: Node) -> dict[str, dict[str, str]]:
        """What the configuration of its daemon says of that."""
        return {"metrics": {"listen": self.target(node)}}

    def _lay(self, hub: Hub, node: Node, port: str) -> None:
        end = f"type veth peer name eth1 netns {node.namespace}"
        ip_batch(hub.namespace, [f"link add {port} {end}", f"link set {port} master br1 up"])
        address = self._addresses[node.name]
        ip_batch(node.namespace, ["link set eth1 up", f"addr add {address}/24 dev eth1"])
