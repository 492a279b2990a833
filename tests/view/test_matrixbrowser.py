"""Checks the page in headless Chromium, at 3 and at 500 nodes: what is seen and pressed."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from pokepodsd.core.matrix import Matrix, Order, arranged
from pokepodsd.core.statusmatrix import parse, status_matrix
from pokepodsd.view.matrixpage import page
from pokepodsd.view.matrixwords import escaped
from tests.matrixworld import World, large, small
from tests.statuspage import StatusPage
from tests.view.browser import Browser, started
from tests.view.test_matrixpage import HOSTILE

# By itself it takes some 0.3 s; the machine may have other things to do.
LONGEST_MILLISECONDS = 20_000
# The first cell of a matrix of three nodes, and the size of each.
CELL = 44


def read(world: World, order: Order = Order.NAME) -> Matrix:
    statuses = [parse(document, source="") for document in world.documents()]
    return escaped(arranged(status_matrix(statuses, (), now_seconds=0), order))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as running:
        yield running


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """The pages by the number of their nodes."""
    folder = tmp_path_factory.mktemp("pages")
    matrices = {3: read(small()), 500: read(large(500), Order.TROUBLE)}
    paths = {size: folder / f"{size}.html" for size in matrices}
    for size, matrix in matrices.items():
        paths[size].write_text(page(matrix), encoding="utf-8")
    return paths


def focus(browser: Browser) -> None:
    browser.evaluate("document.querySelector('.cursor')?.focus()")


def shown(browser: Browser) -> tuple[int, ...]:
    """How many rows and columns the page says that it shows."""
    return tuple(int(number) for number in re.findall("[0-9]+", browser.text("#shown")))


@pytest.mark.parametrize("size", [3, 500])
def test_the_page_needs_nothing_and_complains_of_nothing(
    browser: Browser, pages: dict[int, Path], size: int
) -> None:
    """Every cell is there soon, the console is empty, and the file is all that was asked for."""
    browser.open(pages[size])
    assert browser.evaluate("Number(document.documentElement.dataset.cells)") == size * size
    took = browser.evaluate("Number(document.documentElement.dataset.ready)")
    assert 0 < took < LONGEST_MILLISECONDS
    assert browser.complaints() == []
    assert browser.requests() == [pages[size].as_uri()]
    grid = browser.find("#grid")
    assert grid.get_attribute("role") == "grid"
    assert grid.get_attribute("aria-rowcount") == str(size + 1)
    assert grid.get_attribute("aria-colcount") == str(size + 1)


def test_the_policy_is_in_force(browser: Browser, pages: dict[int, Path]) -> None:
    """What somebody puts into the page is neither run nor loaded."""
    browser.open(pages[3])
    with StatusPage("") as elsewhere:
        browser.evaluate(
            "(() => { const one = document.createElement('script');"
            " one.textContent = 'document.title = \"run\"'; document.body.append(one);"
            " const two = document.createElement('img');"
            f" two.src = '{elsewhere.url}/status'; document.body.append(two); }})()"
        )
        assert browser.evaluate("document.title") != "run"
        complaints = browser.complaints()
    assert sum("Content Security Policy" in text for text in complaints) == 2
    assert elsewhere.asked == []


def test_hover_tells_what_is_known(browser: Browser, pages: dict[int, Path]) -> None:
    """Verdict, since when, round trips, what failed, and the other direction."""
    browser.open(pages[3])
    gutter = browser.evaluate("drawing.gutter")
    browser.hover(gutter + CELL + CELL // 2, gutter + CELL // 2)
    lines = browser.text("#tip").splitlines()
    assert lines == [
        "node-a → node-b",
        "T tunnel broken: the node itself answers, nothing comes back through the tunnel",
        "since 2026-11-24 19:40:11 UTC (4 min before this picture)",
        "RTT 0.413 ms median, 2.10 ms worst, of the last 15 minutes",
        "tunl0: timed out",
        "the other way: ok: this pair fails one way only",
    ]
    browser.hover(gutter // 2, gutter + CELL // 2)
    assert browser.text("#tip").splitlines()[:2] == ["node-a", "this node: reporting"]
    browser.hover(2, 2)
    assert browser.text("#tip") == ""


def test_the_keyboard_tells_the_same(browser: Browser, pages: dict[int, Path]) -> None:
    """Arrows move a focus that is seen and named; Enter opens details, Escape closes them."""
    browser.open(pages[3])
    focus(browser)
    browser.press(Keys.ARROW_DOWN, Keys.ARROW_RIGHT, Keys.ARROW_UP)
    told = browser.text("#tip").splitlines()
    assert told[0] == "node-a → node-b"
    active = "document.activeElement"
    assert browser.evaluate(f"{active}.getAttribute('role')") == "gridcell"
    assert browser.evaluate(f"{active}.getAttribute('aria-label')") == "; ".join(told)
    assert browser.evaluate(f"{active}.getAttribute('aria-colindex')") == "3"
    assert browser.evaluate(f"{active}.parentElement.getAttribute('role')") == "row"
    assert browser.evaluate(f"{active}.parentElement.getAttribute('aria-rowindex')") == "2"
    assert browser.evaluate(f"getComputedStyle({active}).outlineStyle") == "solid"
    browser.press(Keys.ENTER)
    details = browser.text("#details")
    assert all(line in details for line in told)
    assert "node-b → node-a" in details
    assert "192.168.10.2" in details
    browser.press(Keys.ESCAPE)
    assert browser.text("#details") == ""
    assert browser.evaluate(f"{active}.className") == "cursor"
    browser.press(Keys.END, Keys.PAGE_DOWN)
    assert browser.text("#tip").splitlines()[0] == "node-c → node-c"


def test_the_next_failing_pair_is_one_key_away(browser: Browser, pages: dict[int, Path]) -> None:
    """Of 500 nodes too, and the cell is brought into view."""
    browser.open(pages[500])
    focus(browser)
    browser.press("n")
    assert "cut off" in browser.text("#tip")
    browser.press(Keys.ARROW_DOWN, Keys.END, "n")
    assert "worker-17" in browser.text("#tip").splitlines()[0]
    browser.press(Keys.CONTROL + Keys.END)
    box = browser.evaluate(
        "(({top, bottom}) => [top, bottom])(drawing.canvas.getBoundingClientRect())"
    )
    cursor = browser.evaluate("document.activeElement.getBoundingClientRect().bottom")
    assert box[0] < cursor <= box[1]
    assert not browser.complaints()


def test_filter_order_and_trouble(browser: Browser, pages: dict[int, Path]) -> None:
    """What is shown follows the controls, and so does the table."""
    browser.open(pages[500])
    browser.find("#filter").send_keys("worker-240")
    assert shown(browser) == (1, 500)
    rows = "[...document.querySelectorAll('#failures tbody tr')].filter((row) => !row.hidden)"
    assert all("worker-240" in one for one in browser.evaluate(f"{rows}.map((r) => r.innerText)"))
    browser.find("#side option[value=columns]").click()
    assert shown(browser) == (500, 1)
    browser.find("#filter").clear()
    browser.find("#only option[value=trouble]").click()
    count = browser.evaluate("drawing.rows.length")
    assert 3 < count < 250
    browser.find("#only option[value=all]").click()
    browser.find("#order option[value=name]").click()
    names = browser.evaluate("drawing.rows.slice(0, 3).map((node) => data.nodes[node][1])")
    assert names == ["worker-0", "worker-1", "worker-2"]


def test_nothing_found_is_no_error(browser: Browser, pages: dict[int, Path]) -> None:
    """An empty matrix is drawn as such."""
    browser.open(pages[3])
    browser.find("#filter").send_keys("nowhere")
    assert shown(browser) == (0, 3)
    focus(browser)
    browser.press(Keys.ARROW_DOWN, "n")
    assert browser.complaints() == []


def test_light_and_dark(browser: Browser, pages: dict[int, Path]) -> None:
    """The page follows what people prefer."""
    seen = []
    for scheme in ("light", "dark"):
        browser.open(pages[3], scheme=scheme)
        colour = browser.evaluate("getComputedStyle(document.body).backgroundColor")
        pixel = browser.evaluate("[...drawing.context.getImageData(2, 2, 1, 1).data].slice(0, 3)")
        seen.append((colour, pixel, browser.screenshot()))
    (light, light_pixel, light_shot), (dark, dark_pixel, dark_shot) = seen
    assert light == "rgb(255, 255, 255)"
    assert dark == "rgb(20, 22, 26)"
    assert (light_pixel, dark_pixel) == ([255, 255, 255], [20, 22, 26])
    assert light_shot != dark_shot


def test_failing_cells_are_seen_among_250000(browser: Browser, pages: dict[int, Path]) -> None:
    """A single failing cell, which is smaller than can be seen, is drawn at least 5 pixels wide."""
    browser.open(pages[500])
    browser.evaluate("drawing.zoom(2)")
    place = browser.evaluate(
        "(() => { const name = (one) => data.nodes.findIndex((node) => node[1] === one);"
        " return [drawing.rows.indexOf(name('worker-77')),"
        " drawing.columns.indexOf(name('worker-21'))]})()"
    )
    corner = browser.evaluate(f"drawing.place({place[0]}, {place[1]})")
    data = browser.evaluate(
        f"[...drawing.context.getImageData({corner['x']} - 1, {corner['y']}, 4, 1).data]"
    )
    assert data == [212, 56, 13, 255] * 4


@pytest.mark.parametrize("size", [3, 500])
def test_print_has_text(
    browser: Browser, pages: dict[int, Path], tmp_path: Path, size: int
) -> None:
    """Time, summary, names, letters, legend and failing pairs are text on paper, on few pages."""
    browser.open(pages[size], scheme="dark")
    sheets = browser.print_text(tmp_path)
    text = "\n".join(sheets)
    assert "2026-11-24 19:44:23 UTC" in sheets[0]
    assert ("1 of 6 pairs fails" if size == 3 else "1,023 of 249,500 pairs fail") in sheets[0]
    for words in ("tunnel broken", "What fails", "one way only", "19:40:11"):
        assert words in text
    assert "Find nodes" not in text
    names = ("node-a", "node-b", "node-c") if size == 3 else ("worker-3", "worker-17")
    assert all(name in text for name in names)
    assert len(sheets) <= (1 if size == 3 else 6)


def test_without_scripts_the_picture_is_still_there(browser: Browser, tmp_path: Path) -> None:
    """The still picture is in the page, for those who allow no script."""
    text = page(read(small())).replace("<script>", "<script type=none>")
    path = tmp_path / "still.html"
    path.write_text(text, encoding="utf-8")
    browser.open(path)
    assert browser.find("#drawing svg").is_displayed()
    assert not browser.find("#grid").is_displayed()


def test_hostile_names_are_only_shown(browser: Browser, tmp_path: Path) -> None:
    """Nothing of them is run, loaded or complained about, on hover and in details neither."""
    world = World(names=HOSTILE, verdicts={(0, 1): "tunnel broken"})
    path = tmp_path / "hostile.html"
    path.write_text(page(read(world)), encoding="utf-8")
    browser.open(path)
    focus(browser)
    for _ in HOSTILE:
        browser.press(Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ENTER, Keys.ESCAPE)
    assert browser.evaluate("Number(document.documentElement.dataset.cells)") == len(HOSTILE) ** 2
    assert browser.evaluate("document.images.length + document.scripts.length") == 2
    assert browser.complaints() == []
    assert browser.requests() == [path.as_uri()]
