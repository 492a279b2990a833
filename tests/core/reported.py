"""What the engine of a simulated world reports of itself."""

from typing import Any

from pokepodsd.core.metrics import numbers
from pokepodsd.core.moment import Moment
from pokepodsd.core.status import Selection, StatusParts
from tests.core.builders import T0
from tests.core.world import World

WALL_NS = 1_795_551_718_833_000_000


def moment(world: World) -> Moment:
    return Moment(now=world.now, wall_ns=WALL_NS + world.now - T0)


def header(world: World) -> dict[str, Any]:
    return StatusParts(world.engine.stages).header(moment(world))


def peers(world: World, **selection: Any) -> list[dict[str, Any]]:
    report = StatusParts(world.engine.stages)
    return list(report.peers(Selection(**selection), moment(world)))


def targets(world: World, **selection: Any) -> list[dict[str, Any]]:
    report = StatusParts(world.engine.stages)
    return list(report.targets(Selection(**selection), moment(world)))


def metrics(world: World) -> dict[str, Any]:
    return numbers(world.engine.stages, moment(world))
