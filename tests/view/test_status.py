"""The status as a page: what stands on it, at 80 and at 160 columns."""

from collections.abc import Callable
from datetime import UTC, timedelta, timezone
from pathlib import Path

import pytest
from rich.cells import cell_len

from pokepodsd.core.document import Document
from pokepodsd.view.status import Look, render
from tests.statusdocument import ago, broken, counts, cut_off, document, many, peer, pod

PAGES = Path(__file__).parent / "pages"
HOSTILE = "\x1b[2J\x1b]0;x\x07\nOK: all is well\u202e"
CJK = "節点東京サーバー"


def well() -> Document:
    return document([peer(number) for number in (1, 2, 3)])


def empty() -> Document:
    return document(state="starting", text="no other node is known yet")


def named(name: str) -> Document:
    """A peer, its failure and a pod, all with names from outside."""
    one = peer(1, verdict="tunnel broken", name=name, failure=name)
    return document(
        [one, peer(2)],
        [pod(1, name=name, namespace=name, failure=name), pod(2)],
        state="fault",
        text=f"this node does not reach 1 of its 2 peers: {name}",
    )


def long_names() -> Document:
    return named("ip-10-0-12-34.a-cluster-with-a-long-name.eu-central-1.compute.internal")


MADE: dict[str, Callable[[], Document]] = {
    "well": well,
    "broken": broken,
    "cut-off": cut_off,
    "many": many,
    "empty": empty,
    "long": long_names,
}


def page(said: Document, width: int, *, is_narrowed: bool = False) -> list[str]:
    look = Look(width=width, zone=UTC, is_narrowed=is_narrowed)
    return [line.plain for line in render(said, look)]


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("name", MADE)
def test_page_is_as_it_was_looked_at(name: str, width: int) -> None:
    """The whole page, as somebody has read and liked it (`pages`)."""
    expected = (PAGES / f"{name}-{width}.txt").read_text(encoding="utf-8")
    assert "\n".join(page(MADE[name](), width)) + "\n" == expected


@pytest.mark.parametrize("width", [40, 60, 79, 80, 81, 100, 120, 160, 200])
@pytest.mark.parametrize("name", [*MADE, "cjk", "hostile"])
def test_no_line_is_wider_than_the_terminal(name: str, width: int) -> None:
    """At any width, in cells: what is too wide is left out, folded between words, or cut."""
    others = {"cjk": CJK * 5, "hostile": HOSTILE * 3}
    said = named(others[name]) if name in others else MADE[name]()
    lines = page(said, width)
    assert max(map(cell_len, lines)) <= width
    words = {word for line in page(said, 400) for word in line.split()}
    if width >= 80 and name in ("well", "broken", "cut-off", "many", "empty"):
        short = {"LOSS", "1/5/15m", "min"}
        told = {word for line in lines for word in line.split()}
        assert not {one for one in told - words - short if "/" not in one and "%" not in one}


@pytest.mark.parametrize("width", [80, 160])
def test_hostile_names_move_no_cursor_and_forge_no_line(width: int) -> None:
    """Escapes are shown, not obeyed; the page has as many lines as with plain names."""
    lines = page(named(HOSTILE), width)
    assert all(char.isprintable() for line in lines for char in line)
    assert not any(line.startswith("OK") for line in lines)
    assert any("\\x1b[2J" in line for line in lines)


@pytest.mark.parametrize("width", [80, 160])
def test_wide_characters_keep_the_columns(width: int) -> None:
    """A name of CJK takes two cells a character, and what follows still stands in its column."""
    lines = page(named(CJK), width)
    (heading,) = (line for line in lines if line.startswith("PEER"))
    (row,) = (line for line in lines if line.startswith(CJK) and "tunnel broken" in line)
    assert cell_len(row.partition("tunnel broken")[0]) == heading.index("VERDICT")


def test_those_that_are_not_well_come_first() -> None:
    """Faults, then the others that are not ok; each by name, with its numbers as numbers."""
    peers = [peer(10), peer(9), peer(2, verdict="opening"), peer(11, verdict="node unreachable")]
    lines = page(document([*peers, peer(3, verdict="tunnel broken")]), 80)
    rows = [line.split()[0] for line in lines if line.startswith("node-") and " is " not in line]
    assert rows == ["node-3", "node-11", "node-2", "node-9", "node-10"]


def test_what_is_not_shown_is_counted() -> None:
    """Well peers that have no row get one line with their RTT; others that have none, too."""
    said = many()
    said["verdicts"]["tunnel broken"] = 1_200
    said["targets_by_layer"]["pod"] = counts(up=5, down=2)
    said["targets"] = [pod(1)]
    lines = page(said, 160)
    assert "4,999 more peers are well, RTT median 0.41 ms, worst 2.13 ms." in lines
    assert "And, not shown: 1,200 tunnel broken. See them with --all or --peer." in lines
    assert "1 more pod not up. See them with --all or --namespace." in lines
    assert not any(
        "more" in line or "not shown" in line for line in page(said, 160, is_narrowed=True)
    )


def test_times_are_local_and_dated_where_it_is_another_day() -> None:
    """A terminal that is wide has the clock, in the zone of whoever looks."""
    one = peer(1)
    one["since"] = ago(hours=20)
    look = Look(width=160, zone=timezone(timedelta(hours=5)))
    text = "\n".join(line.plain for line in render(document([one]), look))
    assert "2026-11-25" not in text
    assert "2026-11-24 04:44 (20 h)" in text


def test_a_hold_and_trouble_of_this_node_are_told() -> None:
    """What is out of the ordinary has its word: held pokes, errors of sending, stray answers."""
    one = peer(1)
    one["is_held"] = True
    said = document([one])
    said["held"] = 1
    said["pokes"] |= {"send_errors": {"EPERM": 2}, "strays": {"late": 1_000}}
    said["api"] |= {"state": "lost", "text": "lost: Connection refused", "heard": None}
    text = "\n".join(page(said, 200))
    assert "ok, held" in text
    assert "pokes to 1 peer are held" in text
    assert "not sent: EPERM 2; answers that did not count: late 1,000" in text
    assert "lost: Connection refused\n" in text


def test_colours_say_no_more_than_words() -> None:
    """Faults are red; without colours nothing is lost, since each has its word."""
    lines = render(broken(), Look(width=80, zone=UTC))
    assert str(lines[0].style) == "bold red"
    assert lines[0].plain.startswith("FAULT: node-a does not reach 1 of its 19 peers")
    styles = {line.plain.split()[0]: str(line.style) for line in lines if line.plain}
    assert (styles["node-19"], styles["node-1"]) == ("bold red", "")
