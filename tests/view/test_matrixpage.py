"""Checks the page, the picture, the text and the document as text; tests of looks are elsewhere."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from rich.console import Console

from pokepodsd.core.matrix import Cell, Matrix, Order, State, arranged
from pokepodsd.core.statusmatrix import Unread, parse, status_matrix
from pokepodsd.view.matrixdata import ALPHABET, encoded, page_data
from pokepodsd.view.matrixjson import document_parts
from pokepodsd.view.matrixlooks import LOOKS
from pokepodsd.view.matrixpage import page
from pokepodsd.view.matrixsvg import standalone
from pokepodsd.view.matrixtext import text_lines
from pokepodsd.view.matrixwords import duration, escaped, labels, since, summary
from tests.matrixworld import World, large, small

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "\"><img src=x onerror='alert(2)'>",
    "${alert(3)} $title $$ &lt;b&gt; ]]>",
    "line\u2028and\u2029paragraph",
    "\x1b[31mred\x1b]0;title\x07 \u202eright to left",
    "lone \ud800 half\r\n\tnew line",
    "[link=https://example.com]markup[/link] [bold]",
    "n" * 5_000,
)


def read(world: World) -> Matrix:
    statuses = [parse(document, source="") for document in world.documents()]
    return arranged(status_matrix(statuses, (), now_seconds=0), Order.TROUBLE)


@pytest.fixture(scope="module")
def hostile() -> Matrix:
    """Nodes and texts that are made to break out of whatever holds them."""
    world = World(names=HOSTILE, verdicts={(0, 1): "tunnel broken", (2, 1): "node unreachable"})
    documents = world.documents()
    for document in documents:
        for peer, text in zip(document["peers"], HOSTILE, strict=False):
            peer["tunnels"][0] |= {"device": text, "failure": text}
        document["node"]["addresses"] += [document["node"]["name"]]
    statuses = [parse(json.loads(json.dumps(document)), source="") for document in documents]
    unread = [Unread(name=f"{text}!", why=text) for text in HOSTILE]
    return status_matrix(statuses, unread, now_seconds=0)


@pytest.fixture(scope="module")
def many() -> Matrix:
    """500 nodes, in which a bit of everything is wrong."""
    return escaped(read(large(500)))


class Elements(HTMLParser):
    """The elements of a page, as a browser takes them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.data: dict[str, str] = {}
        self._element = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._element = tag

    def handle_data(self, data: str) -> None:
        self.data[self._element] = self.data.get(self._element, "") + data


def test_hostile_names_make_no_element(hostile: Matrix) -> None:
    """The page has the scripts of every page, no image, no handler, no link, no odd character."""
    text = page(escaped(hostile))
    found = Elements(text).found
    harmless = Elements(page(escaped(read(small())))).found
    assert {tag for tag, _ in found} <= {tag for tag, _ in harmless} | {"path"}
    assert sum(tag == "script" for tag, _ in found) == 2
    for tag, attributes in found:
        assert not [name for name in attributes if name.startswith("on")]
        assert not {"src", "style", "href", "srcdoc", "action"} & set(attributes), tag
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\ud800-\udfff]", text)


def test_the_policy_allows_nothing_from_elsewhere() -> None:
    """All is forbidden but the page's own style and script, by their hashes."""
    policy = next(
        attributes["content"] or ""
        for tag, attributes in Elements(page(read(small()))).found
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    parts = dict(part.split(" ", 1) for part in policy.split("; "))
    assert parts.keys() == {"default-src", "style-src", "script-src", "base-uri", "form-action"}
    assert {parts["default-src"], parts["base-uri"], parts["form-action"]} == {"'none'"}
    for directive in ("style-src", "script-src"):
        assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", parts[directive])


def test_the_data_are_the_matrix(hostile: Matrix) -> None:
    """They are JSON, without a character that could end the script element."""
    text = page_data(escaped(hostile))
    assert not set(text) & set("<>&\u2028\u2029\n")
    data = json.loads(text)
    assert len(data["nodes"]) == len(hostile.nodes)
    assert data["states"][0][1] == str([*LOOKS].index(hostile.rows[0][1].state))
    assert json.loads(page_data(read(small())))["nodes"][0] == [
        *("node-a", "node-a", "reporting", ""),
        ["192.168.10.1", "172.17.0.1"],
    ]


def test_a_page_of_500_nodes_is_small(many: Matrix) -> None:
    """Less than 3 MB, and not much more where no two cells are alike."""
    assert len(page(many).encode()) < 3_000_000
    size = len(many.nodes)
    rows = tuple(
        tuple(
            Cell(
                state=State.ITSELF if one == other else [*State][(one * other) % 5],
                since_seconds=many.at_seconds - one * 977 - other * 31,
                rtt_seconds=0.0001 * (1 + one * other % 991),
                worst_rtt_seconds=0.001 * (1 + one * other % 997),
                text=f"tunl{one}: {other} timed out",
            )
            for other in range(size)
        )
        for one in range(size)
    )
    assert len(page(replace(many, rows=rows)).encode()) < 4_000_000


def test_what_fails_is_a_table() -> None:
    """Each failure has its row, with since when and what the other direction does."""
    text = page(escaped(read(small())))
    row = re.search('<tr data-poker="0" data-poked="1">(.*?)</tr>', text)
    assert row is not None
    cells = re.findall("<td>(.*?)</td>", row[1])
    assert cells[:2] == ["node-a", "node-b"]
    assert cells[2].endswith(" tunnel broken")
    assert cells[3:] == [
        "2026-11-24 19:40:11 UTC (4 min before)",
        "ok: one way only",
        "tunl0: timed out",
    ]


@pytest.mark.parametrize("size", [3, 100, 150])
def test_the_picture_is_svg(size: int) -> None:
    """It is well-formed, without script, and small clusters have a title in each cell."""
    world = small() if size == 3 else World(names=large(size).names, verdicts={(1, 2): "opening"})
    root = ElementTree.fromstring(standalone(escaped(read(world))))
    tags = [element.tag.rpartition("}")[2] for element in root.iter()]
    assert "script" not in tags
    titles = [one.text or "" for one in root.iter("{http://www.w3.org/2000/svg}title")]
    cells = [text for text in titles if " pokes " in text]
    assert len(cells) == (size * size if size <= 120 else 0)
    if size == 3:
        assert any("since 2026-11-24 19:40:11 UTC" in text for text in cells)
        assert any("RTT median 0.412 ms, worst 2.10 ms" in text for text in cells)


def test_hostile_names_make_no_element_of_the_picture(hostile: Matrix) -> None:
    """It stays well-formed, of the elements that every picture has."""
    root = ElementTree.fromstring(standalone(escaped(hostile)))
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags <= {"svg", "defs", "pattern", "circle", "rect", "text", "title", "path"}


def test_the_document_follows_its_schema(hostile: Matrix) -> None:
    """`-o json` is valid by the strict schema, whatever the names, and has every pair."""
    schema = json.loads((ROOT / "packaging" / "schema" / "matrix-1.json").read_text())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    for matrix in (hostile, read(small()), read(large(30))):
        text = "".join(document_parts(matrix))
        assert text.isascii()
        document = json.loads(text)
        validator.validate(document)
        assert len(document["pairs"]) == document["pairs_total"] == matrix.pairs
        assert document["states"] == {
            state.value: number
            for state, number in matrix.counts().items()
            if state is not State.ITSELF
        }


def drawn(matrix: Matrix, width: int, *, is_terminal: bool = False) -> str:
    file = StringIO()
    console = Console(
        file=file,
        width=width,
        force_terminal=is_terminal,
        color_system="standard" if is_terminal else None,
        highlight=False,
    )
    for line in text_lines(escaped(matrix), width):
        console.print(line, soft_wrap=True)
    return file.getvalue()


def test_the_text_is_letters() -> None:
    """Rows and columns are numbered, a one-way failure is marked, colour is for terminals only."""
    lines = drawn(read(small()), 80).splitlines()
    assert lines[:2] == [
        "2026-11-24 19:44:23 UTC, from the status of 3 nodes",
        "1 of 6 pairs fails, one way only.",
    ]
    assert lines[3:8] == [
        "          1 2 3",
        "1 node-a  \\T! ·",
        "2 node-b  · \\ ·",
        "3 node-c  · · \\",
        "rows poke columns",
    ]
    assert "\x1b" not in "".join(lines)
    assert "\x1b[1;31mT" in drawn(read(small()), 80, is_terminal=True)


def test_a_matrix_that_is_too_wide_says_what_to_use() -> None:
    """Summary and failures are told all the same."""
    text = drawn(read(large(60)), 80)
    assert re.search("takes [0-9]+ columns, there are 80: use -o html --output-file", text)
    assert "cut off" in text
    assert not re.search(r"^ *1 worker", text, re.MULTILINE)


def test_a_terminal_obeys_no_name(hostile: Matrix) -> None:
    """Control characters and markup of names are shown, not obeyed."""
    text = drawn(hostile, 200)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e]", text)
    assert "[bold]" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 ms"),
        (0.000_000_5, "0 ms"),
        (0.000_412, "0.412 ms"),
        (0.000_999_9, "1.00 ms"),
        (0.0123, "12.3 ms"),
        (0.999, "999 ms"),
        (0.999_9, "1.00 s"),
        (12.34, "12.3 s"),
        (1e9, "99.9 s"),
    ],
)
def test_durations_have_three_digits(seconds: float, text: str) -> None:
    """Below a microsecond nothing is told, above 100 s nothing longer."""
    assert duration(seconds) == text


def test_a_time_is_told_with_how_long_ago_it_was() -> None:
    """In whole seconds, as the page's script says it; what is in the future is no time ago."""
    assert since(0.9, 119.1) == "1970-01-01 00:00:00 UTC (119 s before)"
    assert since(120, 100.5) == "1970-01-01 00:02:00 UTC (0 s before)"


def test_labels_leave_out_what_all_share() -> None:
    """The common domain goes, addresses stay, and what is too long is cut in its middle."""
    assert labels(["a.example.com", "b.example.com"], 10) == ["a", "b"]
    assert labels(["a.example.com", "b.example.org"], 20) == ["a.example.com", "b.example.org"]
    assert labels(["10.0.0.1", "11.0.0.1"], 20) == ["10.0.0.1", "11.0.0.1"]
    assert labels(["abcdefghij", "b"], 7) == ["abc…hij", "b"]


def test_numbers_are_encoded_in_85_digits() -> None:
    """None of which a string, a script element or a page gives a meaning."""
    assert len(set(ALPHABET)) == 85
    assert not set(ALPHABET) & set("\"'<>&\\`~ ")
    assert encoded(85**2 + 2, 3) == "102"


def test_the_summary_tells_the_worst_first(many: Matrix) -> None:
    """How many fail, who is cut off, who does not report, what else is not well."""
    assert summary(many) == [
        "1,023 of 249,500 pairs fail, 1,016 of them one way only.",
        "Cut off: worker-3.",
        "Not reporting: worker-44, worker-45, worker-46.",
        "Other pairs that are not well: opening: 40; pod only: 39; ICMP filtered on the underlay: "
        "1; nothing known: 1,497.",
    ]
    assert summary(read(World(names=("a", "b")))) == ["None of 2 pairs fails."]
