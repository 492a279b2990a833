"""How each state of a pair looks: its letter, its words, its colours on paper.

Owns that no state is told by colour alone: each has a letter or a pattern of its own, and those
that fail are the darkest, so that print in black and white keeps them apart. The looks stand in
order, the worst first. The colours of the page on a screen, light and dark, are in matrix.css, by
the same keys.
"""

from dataclasses import dataclass
from typing import Final

from pokepodsd.core.matrix import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One state's look; ``pattern`` is "hatch", "dots" or "", ``style`` is for a terminal."""

    key: str
    letter: str
    words: str
    meaning: str
    fill: str
    ink: str
    style: str = ""
    pattern: str = ""


LOOKS: Final = {
    State.TUNNEL_BROKEN: Look(
        key="broken",
        letter="T",
        words="tunnel broken",
        meaning="the node itself answers, nothing comes back through the tunnel",
        fill="#c22f0c",
        ink="#ffffff",
        style="bold red",
    ),
    State.NODE_UNREACHABLE: Look(
        key="unreachable",
        letter="N",
        words="node unreachable",
        meaning="neither the node's own address nor the tunnel answers",
        fill="#5a1a72",
        ink="#ffffff",
        style="bold magenta",
    ),
    State.CUT_OFF: Look(
        key="cutoff",
        letter="C",
        words="cut off",
        meaning="the poking node itself is cut off, the other one is not to blame",
        fill="#111111",
        ink="#ffffff",
        style="bold white on red",
    ),
    State.POD_ONLY: Look(
        key="pod",
        letter="P",
        words="pod only",
        meaning="the tunnel passes, a pod behind it does not answer",
        fill="#f2b233",
        ink="#111111",
        style="yellow",
    ),
    State.OPENING: Look(
        key="opening",
        letter="O",
        words="opening",
        meaning="not decided yet",
        fill="#8cc4ee",
        ink="#111111",
        style="cyan",
    ),
    State.UNDERLAY_FILTERED: Look(
        key="filtered",
        letter="F",
        words="ICMP filtered on the underlay",
        meaning="the tunnel passes, the node's own address does not answer: no fault",
        fill="#c3d3a4",
        ink="#111111",
        style="blue",
    ),
    State.UNKNOWN: Look(
        key="unknown",
        letter="?",
        words="unknown",
        meaning="the poking node reports, but not about this one",
        fill="#ffffff",
        ink="#555555",
        style="dim",
        pattern="dots",
    ),
    State.NOT_REPORTING: Look(
        key="missing",
        letter="/",
        words="not reporting",
        meaning="there is no word from the poking node",
        fill="#eeeeee",
        ink="#555555",
        style="dim",
        pattern="hatch",
    ),
    State.OK: Look(
        key="ok",
        letter="·",
        words="ok",
        meaning="answers",
        fill="#e3f1ea",
        ink="#5f8a75",
        style="green",
    ),
    State.ITSELF: Look(
        key="itself",
        letter="\\",
        words="itself",
        meaning="a node does not poke itself",
        fill="#c9ccd1",
        ink="#777777",
        style="dim",
    ),
}
