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


def explained() -> Document:
    """A broken tunnel, with the pods behind it, and a pod that is down by itself."""
    one = peer(1, verdict="tunnel broken")
    one["pods"] = counts(down=3)
    behind = [pod(number, node="node-1") for number in (1, 2, 3)]
    text = "this node does not reach 1 of its 2 peers: node-1 (tunnel broken)"
    said = document([one, peer(2)], [*behind, pod(4)], state="fault", text=text)
    said["verdict"]["since"] = one["since"]
    return said


def not_judged() -> Document:
    """Cut off so suddenly that the peers' verdicts are still the old ones."""
    peers = [peer(1), peer(2)]
    for one in peers:
        one["pods"] = counts(down=2)
        one["tunnels"][0] |= {"state": "down", "failure": "timed out"}
    text = "this node is cut off, it is not its peers: most of those that were asked fail"
    silent = [pod(number, node=f"node-{number % 2 + 1}") for number in range(4)]
    return document(peers, silent, state="cut-off", text=text)


MADE: dict[str, Callable[[], Document]] = {
    "well": well,
    "broken": broken,
    "cut-off": cut_off,
    "many": many,
    "empty": empty,
    "long": long_names,
    "explained": explained,
    "not-judged": not_judged,
}


def page(
    said: Document, width: int, *, is_narrowed: bool = False, is_folded: bool = True
) -> list[str]:
    look = Look(width=width, zone=UTC, is_narrowed=is_narrowed, is_folded=is_folded)
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
        short = {"LOSS", "1/5/15m", "min", "h"}
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


def test_pods_that_a_verdict_explains_are_one_line() -> None:
    """Only the pod whose node is well has a row; --all and --peer have a row for each."""
    lines = page(explained(), 80)
    assert [line.split()[0] for line in lines if line.startswith("shop/")] == ["shop/web-4"]
    told = "3 pods on node-1 are not up, which the verdict explains. See them with --all or --peer."
    assert " ".join(lines[-2:]) == told
    for options in ({"is_folded": False}, {"is_narrowed": True}):
        rows = [line for line in page(explained(), 80, **options) if line.startswith("shop/")]
        assert len(rows) == 4


def test_a_node_that_is_cut_off_judges_no_peer() -> None:
    """Nobody is called well, nor blamed, since it fell silent; no pod behind them has a row."""
    lines = page(not_judged(), 80)
    rows = [line for line in lines if line.startswith("node-")]
    assert all("not judged" in row and "3 min" in row for row in rows)
    assert len(rows) == 2
    assert "4 pods on 2 nodes are not up, which the verdict explains." in " ".join(lines)


@pytest.mark.parametrize(
    ("said", "command"),
    [
        (broken(), "pokepodsd trace node-19"),
        (not_judged(), "pokepodsd trace node-1"),
        (document([peer(1)], [pod(1)], state="fault"), "pokepodsd trace shop/web-1"),
        (long_names(), "pokepodsd trace 192.168.10.2"),
        (named(HOSTILE), "pokepodsd trace 192.168.10.2"),
        (named("a b"), "pokepodsd trace 'a b'"),
    ],
)
def test_a_fault_has_a_command_that_says_more(said: Document, command: str) -> None:
    """It stands whole on a line of the page, to be pasted: by the name, or by the address."""
    (line,) = (line for line in page(said, 200) if line.startswith("Next "))
    assert f"{command} says why" in line


def test_what_is_well_has_nothing_to_be_done() -> None:
    """No advice where there is no fault."""
    for said in (well(), empty()):
        assert not any(line.startswith("Next ") for line in page(said, 80))


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
    assert "those to 1 peer are held (pokepodsd need)" in text
    assert "not sent: EPERM 2; answers that did not count: late 1,000" in text
    assert "lost: Connection refused; what is known is poked on\n" in text


def test_an_excused_peer_is_no_alarm() -> None:
    """Why is said in a sentence; it comes after real faults, and nothing is to be done about it."""
    excused, broken = peer(1, verdict="node unreachable"), peer(2, verdict="tunnel broken")
    excused["excuse"] = "the node is cordoned"
    text = "\n".join(page(document([excused, broken, peer(3)]), 200))
    assert "node unreachable, excused" in text
    assert "node-1 is excused: the node is cordoned." in text
    assert text.index("node-2  ") < text.index("node-1  ")
    assert "pokepodsd trace node-2" in text
    alone = "\n".join(page(document([excused, peer(3)]), 200))
    assert "pokepodsd trace" not in alone


def test_colours_say_no_more_than_words() -> None:
    """Faults are red; without colours nothing is lost, since each has its word."""
    lines = render(broken(), Look(width=80, zone=UTC))
    assert str(lines[0].style) == "bold red"
    assert lines[0].plain.startswith("FAULT: node-a does not reach 1 of its 19 peers")
    styles = {line.plain.split()[0]: str(line.style) for line in lines if line.plain}
    assert (styles["node-19"], styles["node-1"]) == ("bold red", "")
