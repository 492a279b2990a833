"""Echo replies that nobody asked for: `python -m tests.soak.flood DESTINATION SOURCE...`.

Owns sending them, 2,000 a second, until it is killed. Only within a namespace of the lab.
"""

import random
import socket
import sys
import time
from collections.abc import Sequence

from tests.lab import Kind, echo_packet

_BATCH = 100
_EVERY_SECONDS = 0.05


def main(destination: str, sources: Sequence[str]) -> None:
    dice = random.Random(0)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as endpoint:
        while True:
            for _ in range(_BATCH):
                packet = echo_packet(
                    Kind.REPLY,
                    source=dice.choice(sources),
                    destination=destination,
                    identifier=dice.randrange(65_536),
                    sequence=dice.randrange(65_536),
                    payload=dice.randbytes(16),
                )
                endpoint.sendto(packet, (destination, 0))
            time.sleep(_EVERY_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
