"""Owns how the comparison is shown, to people and to programs, and what must come true of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table

from tests.rollout import timings
from tests.rollout.legs import LOOP_NAME, NOTHING_NAME, POKEPODSD_NAME, TUNNELS_ONLY_NAME
from tests.rollout.measurement import Result
from tests.rollout.timings import Scale

# By how much of all pods the leg without pokes must be worse than each of the others.
CLEARLY = 0.15


def times_table() -> Table:
    """What is quicker here than on a cluster."""
    table = Table(
        title="Times",
        title_justify="left",
        caption=f"Whoever acts is {Scale.SECONDS:d} times as quick as on a cluster. What takes "
        f"minutes there is {Scale.MINUTES:d} times as quick, or a run would take an hour: so the "
        f"filter forgets sooner, compared with the pokes, and that is harder on all who poke.",
        caption_justify="left",
    )
    table.add_column("")
    table.add_column("on a cluster", justify="right")
    table.add_column("here", justify="right")
    for what in dict.fromkeys(span.what for span in timings.ALL):
        spans = [span for span in timings.ALL if span.what == what]
        real = ", ".join(f"{span.real_seconds:g}" for span in spans)
        here = ", ".join(f"{span.seconds:g}" for span in spans)
        table.add_row(what, f"{real} s", f"{here} s")
    return table


def results_table(results: Sequence[Result]) -> Table:
    """The comparison itself."""
    table = Table(
        title="Pods that came up, and what it took",
        title_justify="left",
        caption=f"Open: every pair of nodes, both ways, in seconds here; after a flush, the "
        f"longest of some at any moment. What waits for a turn, or for a dead pod, takes "
        f"{Scale.SECONDS:d} times as long on a cluster; the start of a program and pokepodsd's "
        f"quick first pokes do not. "
        f"Packets: left into the tunnels, while no pod starts, in a minute of a cluster.",
        caption_justify="left",
    )
    table.add_column("leg")
    for heading in ("pods", "came up", "rate", "open after boot", "after a flush", "packets/min"):
        table.add_column(heading, justify="right")
    for result in results:
        table.add_row(
            result.name,
            str(result.starts),
            str(result.came_up),
            rate_text(result),
            _seconds_text(result.open_after_boot_seconds),
            _seconds_text(result.open_after_flush_seconds),
            f"{result.packets_a_minute:.0f}",
        )
    return table


def rate_text(result: Result) -> str:
    """Never rounded up to all."""
    return f"{result.came_up * 1000 // result.starts / 10:g} %"


def as_json(results: Sequence[Result], options: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that was measured, and what it was measured with."""
    spans = [asdict(span) | {"seconds": span.seconds} for span in timings.ALL]
    legs = [asdict(result) | {"rate": result.rate} for result in results]
    return {**options, "times": spans, "legs": legs, "broken": list(broken_relations(results))}


def broken_relations(results: Sequence[Result]) -> Iterator[str]:
    """Say what did not come true; the times themselves are no matter of this."""
    legs = {result.name: result for result in results}
    nothing, loop = legs[NOTHING_NAME], legs[LOOP_NAME]
    if nothing.open_after_boot_seconds is not None:
        yield "every pair opened, and nobody had poked"
    for result in results:
        if result is not nothing:
            yield from _broken_of_poker(result, nothing)
    for name in (TUNNELS_ONLY_NAME, POKEPODSD_NAME):
        if legs[name].came_up < legs[name].starts:
            yield f"{name}: only {rate_text(legs[name])} of the pods came up"
    if legs[TUNNELS_ONLY_NAME].packets_a_minute >= loop.packets_a_minute:
        yield f"{TUNNELS_ONLY_NAME} sent as many packets as {LOOP_NAME}"


def _broken_of_poker(result: Result, nothing: Result) -> Iterator[str]:
    if nothing.rate > result.rate - CLEARLY:
        yield (
            f"{nothing.name}: {rate_text(nothing)} is not clearly less than the "
            f"{rate_text(result)} of {result.name}"
        )
    if result.open_after_boot_seconds is None:
        yield f"{result.name}: not every pair was open after the boot"
    elif result.open_after_flush_seconds is None:
        yield f"{result.name}: not every pair was open again after a flush"


def _seconds_text(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.2f} s"
