"""The hot path's stages, and which stage a sampled stack is in.

Owns the table of the functions that each stage begins with. What they call belongs to the same
stage, unless it begins one itself. Takes no sample.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

REST: Final = "the rest"

# In the order of a turn of the loop: what a stage does, and the functions that begin it.
STAGES: Final[Mapping[str, tuple[str, Sequence[str]]]] = {
    "wait": ("find the next due time, sleep, wake up", ["daemon:Daemon._wait"]),
    "receive": (
        "take datagrams, stamps and ICMP errors from the kernel",
        [
            "exchange:receive",
            "edge.icmp.sockets:IcmpSocket.receive",
            "edge.icmp.sockets:IcmpSocket.receive_errors",
        ],
    ),
    "match": (
        "find the probe of a reply",
        ["core.engine:Engine.receive", "core.engine:Engine.receive_error"],
    ),
    "judge": ("what an outcome says of target and peer", ["core.engine:Engine._judge"]),
    "statistics": (
        "count outcomes, round trips and losses",
        ["core.statistics:Ledger.note", "core.traffic:Traffic.note"],
    ),
    "tick": ("expire probes, decide, settle what changed", ["core.engine:Engine.tick"]),
    "pacing": ("whose turn it is", ["core.engine:Engine.due", "core.engine:Engine.sent"]),
    "probe": ("make the probe and its packet", ["core.flights:Flights.open"]),
    "send": ("hand packets to the kernel", ["exchange:send", "edge.icmp.sockets:IcmpSocket.send"]),
    "housekeeping": (
        "reader, kernel's routes, control socket, exporter, entries, status line, watchdog",
        [
            *("daemon:Daemon._read_reader", "daemon:Daemon._read_kernel", "daemon:Daemon._tell"),
            *("daemon:Daemon._keep_house", "desk:Desk.turn", "holds:Holds.turn"),
            *("exports:Exports.turn", "saver:Saver.tick", "reporting:Reporting.turn"),
            *("core.engine:Engine.take_inspections", "core.engine:Engine.take_lookups"),
        ],
    ),
}
# In there the loop sleeps. What the kernel takes for going to sleep and waking is left out with it:
# 20 times a second, 0.4 % of the time at 2,000 pokes a second, says perf.
ASLEEP: Final = "edge.wakeup:Wakeup.wait"
_PACKAGE: Final = "pokepodsd"
# A frame as py-spy writes it: "IcmpSocket.send (pokepodsd/edge/icmp/sockets.py:79)".
_FRAME: Final = re.compile(rf"(?P<name>\S+) \((?:.*/)?{_PACKAGE}/(?P<file>[\w/]+)\.py(?::\d+)?\)")
_STAGE_OF: Final = {name: stage for stage, (_, names) in STAGES.items() for name in names}


def stage_of(stack: Sequence[str]) -> str:
    """The stage of a stack of frames, the outermost first; `REST` if it is in none."""
    found = (_STAGE_OF.get(_name(frame)) for frame in reversed(stack))
    return next((stage for stage in found if stage is not None), REST)


def count(folded: str) -> Counter[str]:
    """Samples by stage, of lines as py-spy writes them: "frame;frame;frame 12"; not the sleep."""
    samples: Counter[str] = Counter()
    for line in folded.splitlines():
        stack, _, number = line.rpartition(" ")
        frames = stack.split(";")
        if _name(frames[-1]) != ASLEEP:
            samples[stage_of(frames)] += int(number)
    return samples


def _name(frame: str) -> str:
    """A function of this package as the table names it, or ""."""
    found = _FRAME.fullmatch(frame)
    return f"{found['file'].replace('/', '.')}:{found['name']}" if found else ""


def table(samples: Counter[str], cpu_a_poke_ns: float) -> str:
    """The stages with their shares and what each takes of a poke."""
    taken = samples.total()
    lines = [f"{'stage':<13}{'share':>7}{'ns a poke':>11}  what it does"]
    for stage in (*STAGES, REST):
        share = samples[stage] / taken
        what = STAGES[stage][0] if stage in STAGES else "the loop itself, and what is in no stage"
        lines.append(f"{stage:<13}{share:>7.1%}{share * cpu_a_poke_ns:>11,.0f}  {what}")
    lines.append(f"{'altogether':<13}{1:>7.1%}{cpu_a_poke_ns:>11,.0f}  {taken:,} samples")
    return "\n".join(lines)
