"""The program behind the nodes of a lab: `python -m tests.lab.helperprogram`, by its helper only.

Owns the one loop over the tunnels and the TCP connections of all nodes. Takes its orders on
standard input, answers each with "done" or a complaint, and ends when no more can come.
"""

import json
import selectors
import socket
import sys
from typing import Any

from tests.lab.errors import LabError
from tests.lab.greeter import Greeter
from tests.lab.helper import LARGEST_ORDER, Service
from tests.lab.namespace import inside
from tests.lab.relay import Blocks, TunnelEnd


class HelperProgram:
    """What each node is given, by the node's name."""

    def __init__(self, orders: socket.socket) -> None:
        self._orders = orders
        self._selector = selectors.DefaultSelector()
        self._ends: dict[str, TunnelEnd] = {}
        self._greeters: dict[str, Greeter] = {}

    def run(self) -> None:
        self._selector.register(self._orders, selectors.EVENT_READ)
        is_wanted = True
        while is_wanted:
            ready = [key for key, _ in self._selector.select()]
            for key in ready:
                if key.fileobj is not self._orders:
                    key.data()
            # Last, because what an order closes may be among the ready.
            if any(key.fileobj is self._orders for key in ready):
                is_wanted = self._obey()

    def _obey(self) -> bool:
        """Carry out one order; say whether more can come."""
        try:
            order = self._orders.recv(LARGEST_ORDER)
            if order:
                self._orders.send(self._carry_out(json.loads(order)).encode())
        except ConnectionError:
            return False
        return bool(order)

    def _carry_out(self, order: dict[str, Any]) -> str:
        try:
            if "serve" in order:
                self._serve(Service(**order["serve"]), Blocks(order["blocks"]))
            else:
                self._leave(order["leave"])
        except (LabError, OSError, KeyError) as error:
            return f"{order}: {error!r}"
        return "done"

    def _serve(self, service: Service, blocks: Blocks) -> None:
        with inside(service.namespace):
            if service.device is not None:
                end = TunnelEnd(service.device, blocks, self._selector)
                self._ends[service.node] = end
            self._greeters[service.node] = Greeter(service.node, service.port, self._selector)

    def _leave(self, node: str) -> None:
        self._greeters.pop(node).close()
        if node in self._ends:
            self._ends.pop(node).close()


if __name__ == "__main__":
    HelperProgram(socket.socket(fileno=sys.stdin.fileno())).run()
