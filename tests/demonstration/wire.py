"""Owns what the demonstration says of the wire: the echoes in the tunnels, and their times.

Refuses to start or to kill anything; what is missing on the wire is a surprise here.
"""

import contextlib
import time
from collections.abc import Iterator

from tests.demonstration.showing import SECOND_NS
from tests.demonstration.stage import PODS_PER_NODE, Stage, SurpriseError
from tests.lab import Echo, EchoCapture, Kind, LabError, Node, by_destination, gaps

LONGEST_WAIT_SECONDS = 2.0
# What may be under way at the beginning or at the end of a count.
IN_FLIGHT = 2
OPENING_SECONDS = 10.0
HEADING = ["WAY", "ECHO REQUESTS", "REPLIES", "LONGEST WAIT OF A POD", "LONGEST SILENCE"]


class Wire:
    """What passes the cables of all nodes, as far as it is wrapped in protocol 4."""

    def __init__(self, stage: Stage, captures: dict[Node, EchoCapture]) -> None:
        self._stage = stage
        self._captures = captures
        self._began_ns = time.monotonic_ns()

    def wait_answers(self) -> int:
        """Wait until each way was answered, and return how long the last of the nodes took.

        That is the time from its first poke to when the last way was answered, in nanoseconds.
        """
        answered = [self._first_reply(node, peer) for node, peer in self._stage.ways]
        last = self._captures[self._stage.nodes[-1]]
        first_poke = next(echo for echo in last.snapshot() if _is_poke(echo))
        took_ns = max(answered) - first_poke.monotonic_ns
        if took_ns > LONGEST_WAIT_SECONDS * SECOND_NS:
            raise SurpriseError(f"the last tunnel was open after {took_ns / SECOND_NS:.2f} seconds")
        return took_ns

    def rows(self) -> tuple[list[list[str]], int]:
        """A row for each way, from the beginning to now, and how long that was in nanoseconds."""
        time_ns = self._began_ns, time.monotonic_ns()
        seen = {node: _within(time_ns, capture) for node, capture in self._captures.items()}
        rows = [self._row(node, peer, seen[node], time_ns) for node, peer in self._stage.ways]
        return rows, time_ns[1] - time_ns[0]

    def _first_reply(self, node: Node, peer: Node) -> int:
        def is_wanted(echo: Echo) -> bool:
            return _is_answer(echo) and echo.outer_source == peer.address

        try:
            return self._captures[node].wait_for(is_wanted, OPENING_SECONDS).monotonic_ns
        except LabError as error:
            text = f"no poke of {node.name} was answered by {peer.name}: {error}"
            raise SurpriseError(text) from error

    def _row(self, node: Node, peer: Node, seen: list[Echo], time_ns: tuple[int, int]) -> list[str]:
        """One way; a pod that waited too long, or a lost reply, is a surprise."""
        pokes = [one for one in seen if _is_poke(one) and one.outer_destination == peer.address]
        replies = [one for one in seen if _is_answer(one) and one.outer_source == peer.address]
        poked = by_destination(pokes)
        pods = [poked.get(peer.pod_address(number), []) for number in range(1, PODS_PER_NODE + 1)]
        wait = max(_longest_gap(pod, time_ns) for pod in pods)
        unanswered = len(pokes) - len(poked.get(self._stage.dead_address, ())) - len(replies)
        if wait > LONGEST_WAIT_SECONDS or abs(unanswered) > IN_FLIGHT:
            raise SurpriseError(
                f"a pod of {peer.name} waited {wait:.2f} seconds for a poke of {node.name}, and "
                f"{unanswered} replies of those that live are missing"
            )
        counts = [str(len(pokes)), str(len(replies))]
        silence = _longest_gap(pokes, time_ns)
        return [f"{node.name} to {peer.name}", *counts, f"{wait:.2f} s", f"{silence:.2f} s"]


@contextlib.contextmanager
def watched(stage: Stage) -> Iterator[Wire]:
    """Watch the wire from now on, for the time of the body."""
    with contextlib.ExitStack() as exits:
        captures = {
            node: exits.enter_context(EchoCapture(node, wrapped=True)) for node in stage.nodes
        }
        yield Wire(stage, captures)


def _within(time_ns: tuple[int, int], capture: EchoCapture) -> list[Echo]:
    return [echo for echo in capture.snapshot() if time_ns[0] <= echo.monotonic_ns < time_ns[1]]


def _is_poke(echo: Echo) -> bool:
    return echo.kind is Kind.REQUEST and echo.outgoing


def _is_answer(echo: Echo) -> bool:
    return echo.kind is Kind.REPLY and not echo.outgoing


def _longest_gap(echoes: list[Echo], time_ns: tuple[int, int]) -> float:
    times = [time_ns[0], *(echo.monotonic_ns for echo in echoes), time_ns[1]]
    return max(gaps(times)) / SECOND_NS
