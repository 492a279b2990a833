"""What an attacker does in the lab, and what the daemon counted of it.

Owns the lies: answers to requests that were seen, and floods. Its packets stay in the namespaces
of the lab.
"""

import heapq
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final

from tests.daemon.wire import wait_request_to
from tests.faults.stage import Stage
from tests.lab import Echo, EchoCapture, IcmpForger, Kind, Node

RATE: Final = 100_000.0
_ROOT: Final = Path(__file__).parents[2]
_LOOK_SECONDS: Final = 0.005


class Liar:
    """Sees every request that arrives at a node, and sends what no honest pod would."""

    def __init__(self, place: Node, lie: Callable[["Liar", Echo], None]) -> None:
        self._place = place
        self._lie = lie
        self._over = threading.Event()
        self._late: list[tuple[float, int, Echo]] = []
        self._numbers = count()
        self.forger: IcmpForger

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Lie for the time of the block."""
        with EchoCapture(self._place) as capture, IcmpForger(self._place) as self.forger:
            thread = threading.Thread(target=self._watch, args=(capture,))
            thread.start()
            try:
                yield
            finally:
                self._over.set()
                thread.join()

    def answer_later(self, request: Echo, seconds: float) -> None:
        """Answer it honestly, after so long."""
        heapq.heappush(self._late, (time.monotonic() + seconds, next(self._numbers), request))

    def _watch(self, capture: EchoCapture) -> None:
        seen = 0
        while not self._over.wait(_LOOK_SECONDS):
            echoes = capture.snapshot()
            for echo in echoes[seen:]:
                if echo.kind is Kind.REQUEST and not echo.outgoing:
                    self._lie(self, echo)
            seen = len(echoes)
            while self._late and self._late[0][0] <= time.monotonic():
                self.forger.answer(heapq.heappop(self._late)[2])


def lying(place: Node, lie: Callable[[Liar, Echo], None]) -> AbstractContextManager[None]:
    """Have a liar of this kind at a node for the time of the block."""
    return Liar(place, lie).at_work()


def metrics(stage: Stage) -> dict[str, Any]:
    """What the daemon answers when it is asked for its metrics."""
    return dict(stage.ask({"metrics": {}})["metrics"])


def strays(stage: Stage) -> Counter[str]:
    """How many packets answered nothing, by the reason."""
    return Counter(metrics(stage)["strays"])


def wait_rounds(stage: Stage, number: int, rounds: int) -> None:
    """Wait until a pod was poked so many times more."""
    address, since_ns = stage.there.pod_address(number), time.monotonic_ns()
    for _ in range(rounds):
        since_ns = wait_request_to(stage.capture, address, since_ns=since_ns).monotonic_ns + 1


@contextmanager
def flooding(
    stage: Stage, packets: Iterable[bytes], *, seconds: float, rate: float = RATE
) -> Iterator[None]:
    """Send packets to the daemon's node over and over, to the end; say the rate.

    They come out of the node's own cable, so that the rest of the lab carries none of them.

    Raises:
        AssertionError: the sender failed.
    """
    place, hardware = stage.here.port_interface, stage.here.hardware_address
    process = stage.cluster.lab.hub.popen(
        *(sys.executable, "-m", "tests.faults.flooder", place, hardware, str(seconds), str(rate)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=_ROOT,
    )
    lines = "\n".join(packet.hex() for packet in packets)
    assert process.stdin is not None
    process.stdin.write(lines)
    process.stdin.close()
    process.stdin = None
    yield
    said, _ = process.communicate(timeout=60.0)
    assert process.returncode == 0
    told = json.loads(said)
    per_second = told["sent"] / told["seconds"]
    print(f"  flood: {told['sent']} packets in {told['seconds']:.1f} s, {per_second:.0f} a second")
