"""The benchmarks that there are: each the name of a module here with a function `measure`.

Owns their order in the report.
"""

from collections.abc import Callable, Generator
from importlib import import_module
from typing import Final, cast

from tests.bench.figures import Finding, Run

BENCHMARKS: Final[dict[str, str]] = {
    "poke": "the processor time of a poke, at a steady rate",
    "sweep": "one sweep over many pods",
    "evenness": "how evenly pokes are spread",
    "profile": "where the processor time of a poke goes",
    "rtt": "how exact the round trip is",
    "newcomer": "how soon a new pod is poked",
    "idle": "wake-ups with next to nothing to do",
    "learn": "what learning the pods costs",
    "events": "what a watch event costs",
    "traffic": "bytes from the API server in an hour",
    "large": "150,000 pods on 5,000 nodes",
    "status": "the status of 150,000 targets",
    "memory": "memory with 1,000 pods",
    "routes": "5,000 peers from routes alone",
    "growth": "cost on one node as the cluster grows",
    "fleet": "cost of the whole cluster as it grows",
}

# They are generators, which close what they opened when they are closed.
Measure = Callable[[Run], Generator[Finding, None, None]]


def load(name: str) -> Measure:
    """The benchmark of that name; imported for it alone."""
    return cast(Measure, import_module(f"tests.bench.{name}").measure)
