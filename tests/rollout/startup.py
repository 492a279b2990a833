"""Owns what a new pod does while it starts: it reaches another pod in time, or it fails.

The packets are those of a pod: they leave from its address, by its node's routes.
"""

import socket
import time

from tests.lab import Node
from tests.rollout.timings import PAUSES, TRY

PORT = 8080
LARGEST_GREETING = 200


def comes_up(node: Node, own_address: str, needed_address: str) -> bool:
    """Try to connect, with growing pauses; say whether a try succeeded."""
    for pause in PAUSES:
        if _is_greeted(node, own_address, needed_address):
            return True
        time.sleep(pause.seconds)
    return _is_greeted(node, own_address, needed_address)


def _is_greeted(node: Node, own_address: str, needed_address: str) -> bool:
    with node.inside():
        endpoint = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with endpoint:
        endpoint.settimeout(TRY.seconds)
        try:
            endpoint.bind((own_address, 0))
            endpoint.connect((needed_address, PORT))
            return endpoint.recv(LARGEST_GREETING).decode().startswith(f"{needed_address} ")
        except OSError:
            return False
