"""Owns what the steps of the story have in common: a command is run and shown, lines, durations."""

from collections.abc import Iterable, Sequence

from tests.demonstration.stage import Stage, SurpriseError
from tests.demonstration.teller import Teller
from tests.lab import Line, Node, Place

SECOND_NS = 1_000_000_000


def run(stage: Stage, teller: Teller, place: Place, *argv: str, status: int = 0) -> str:
    """Run a command and show it with its output; any other exit status is a surprise."""
    command = " ".join(argv)
    done = stage.run(place, *argv)
    teller.command(place.name, command, done.stdout)
    if done.returncode != status:
        raise SurpriseError(f"{command!r} on {place.name} ended with {done.returncode}")
    return done.stdout


def ask(
    stage: Stage, teller: Teller, node: Node, command: str, *words: str, status: int = 0
) -> str:
    """Run a command of pokepodsd that asks the daemon of a node."""
    socket = str(stage.socket(node))
    return run(stage, teller, node, "pokepodsd", command, "--socket", socket, *words, status=status)


def expect(shown: str, *texts: str) -> None:
    """Refuse an output that lacks one of the texts."""
    for text in texts:
        if text not in shown:
            raise SurpriseError(f"{text!r} is not in:\n{shown}")


def ping(stage: Stage, teller: Teller, node: Node, address: str, *, is_lost: bool) -> None:
    """Ping from a node and show it; that some are answered and some are not is a surprise too."""
    wanted = "100%" if is_lost else "0%"
    argv = ["ping", "-c2", "-i0.2", "-W0.5", address]
    shown = run(stage, teller, node, *argv, status=1 if is_lost else 0)
    if f" {wanted} packet loss" not in shown:
        raise SurpriseError(f"not {wanted} of the pings from {node.name} to {address} were lost")


def show_filter(stage: Stage, teller: Teller, node: Node) -> None:
    """The filter that decides on the protocol 4 which comes to a node."""
    run(stage, teller, node, "nft", "list", "chain", "inet", "tunnel", "verdict")


def show_journal(teller: Teller, lines: Iterable[tuple[Node, Line]]) -> None:
    teller.lines([(node.name, line.text) for node, line in lines])


def show_statuses(stage: Stage, teller: Teller) -> None:
    teller.lines([(node.name, stage.status(node)) for node in stage.nodes])


def delays(lines: Sequence[tuple[Node, Line]], since_ns: int) -> str:
    times = [seconds(line.at_ns - since_ns) for _, line in lines]
    return f"{', '.join(times[:-1])} and {times[-1]}"


def seconds(duration_ns: int) -> str:
    return f"{duration_ns / SECOND_NS:.1f}"
