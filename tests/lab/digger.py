"""Owns making the tunnels of a lab: who wraps the packets, and the filter that is in their way.

Refuses addresses and routes; those are wired like all others.
"""

import socket
from collections.abc import Iterable, Mapping

from tests.lab.encapsulation import IPIP_DEVICE, Encapsulation
from tests.lab.errors import LabError
from tests.lab.helper import Helper, Service
from tests.lab.place import Node

TIMEOUT = "net.netfilter.nf_conntrack_generic_timeout"


class Digger:
    """Gives each node its end; between `start` and `close`, a helper is there for all of them."""

    def __init__(
        self,
        blocks: Mapping[str, str],
        encapsulation: Encapsulation,
        generic_timeout_seconds: int | None,
        pod_port: int,
    ) -> None:
        self._blocks = blocks
        self._encapsulation = encapsulation
        self._generic_timeout_seconds = generic_timeout_seconds
        self._pod_port = pod_port
        self._helper: Helper | None = None

    @property
    def helper(self) -> Helper:
        if self._helper is None:
            raise LabError("the lab does not stand")
        return self._helper

    def start(self) -> None:
        self._helper = Helper(self._blocks)

    def close(self) -> None:
        if self._helper is not None:
            self._helper.close()
            self._helper = None

    def dig(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            node.tunnel.lay_filter()
            if self._generic_timeout_seconds is not None:
                # Now, because without a filter that asks for it there may be no tracking to set.
                node.set_sysctl(TIMEOUT, self._generic_timeout_seconds)
            self.helper.serve(self._service(node))

    def fill_in(self, node: Node) -> None:
        self.helper.leave(node.name)

    def _service(self, node: Node) -> Service:
        needs_relay = self._encapsulation is Encapsulation.IPIP and not _make_in_kernel(node)
        return Service(
            node=node.name,
            namespace=node.namespace,
            device=IPIP_DEVICE if needs_relay else None,
            port=self._pod_port,
        )


def _make_in_kernel(node: Node) -> bool:
    """Make the device as Calico does, if the kernel knows IP-in-IP, and say whether it does."""
    # It fails as well where the kernel gives every namespace a tunl0 of its own accord.
    node.run("ip", "link", "add", IPIP_DEVICE, "type", "ipip", check=False)
    with node.inside():
        return any(name == IPIP_DEVICE for _, name in socket.if_nameindex())
