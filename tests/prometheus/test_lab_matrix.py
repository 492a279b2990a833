"""The matrix of real daemons, as a person has it made and looks at it: a fault is in the picture.

Three nodes with a daemon each. Whatever the page is made of, it shows the same.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.daemon.journalled import during
from tests.daemon.scene import three_nodes
from tests.prometheus.watch import PATIENCE_SECONDS, Watch
from tests.view.browser import Browser, started

BROKEN = {("a", "b"): "tunnel broken", ("b", "a"): "tunnel broken"}
WELL = {(node, other): "ok" for node in "abc" for other in "abc" if node != other}
PAIRS = (
    "data.nodes.flatMap((from, a) => data.nodes.map((to, b) =>"
    " [from[0], to[0], cells.look(a, b).words])).filter(([from, to]) => from !== to)"
)


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    """All three daemons are well, and scraped."""
    with ExitStack() as stack:
        cluster = stack.enter_context(three_nodes(tmp_path / "cluster"))
        standing = Watch(cluster, tmp_path / "prometheus", cluster.lab.nodes)
        stack.enter_context(standing.prometheus)
        for node in cluster.lab.nodes:
            stack.enter_context(standing.daemon(node))
        standing.wait_well()
        yield standing


@pytest.fixture
def browser() -> Iterator[Browser]:
    with started() as running:
        yield running


def make_page(watch: Watch, path: Path, sources: list[str]) -> int:
    """Run `pokepodsd matrix` where Prometheus is; its exit status."""
    command = watch.cluster.lab.hub.command(sys.executable, "-m", "pokepodsd", "matrix", *sources)
    with path.open("w", encoding="utf-8") as page:
        done = subprocess.run(command, stdout=page, stderr=subprocess.PIPE, text=True, check=False)
    assert done.stderr == ""
    return done.returncode


def shown(browser: Browser) -> dict[tuple[str, str], str]:
    """The words of every pair that the page draws, by the last letters of the nodes' names."""
    return {(poker[-1], poked[-1]): words for poker, poked, words in browser.evaluate(PAIRS)}


def test_a_broken_tunnel_is_in_every_picture_until_it_is_mended(
    watch: Watch, browser: Browser, tmp_path: Path
) -> None:
    """The failing pair with its verdict, the others well; and after the repair all well."""
    tunnel, refused = watch.there.tunnel, watch.here.address
    paths = {name: tmp_path / f"{name}.html" for name in watch.sources()}
    with during(tunnel.refuse, tunnel.take, refused):
        told = 'count(pokepodsd_peer_unwell{verdict="tunnel_broken"}) == 2'
        watch.prometheus.wait_query(told, PATIENCE_SECONDS)
        for name, sources in watch.sources().items():
            assert make_page(watch, paths[name], sources) == 1, name
    for name, path in paths.items():
        browser.open(path)
        assert shown(browser) == {**WELL, **BROKEN}, name
        assert browser.text("#summary").startswith("2 of 6 pairs fail."), name
        rows = browser.evaluate("[...document.querySelectorAll('#failures tbody tr')].length")
        assert rows == 2
        assert browser.text("#failures").count("tunnel broken") == 4
        browser.evaluate("document.querySelector('.cursor').focus()")
        browser.press("n")
        assert "\nT tunnel broken: " in browser.text("#tip")
        assert "\nthe other way: tunnel broken" in browser.text("#tip")
        (since,) = re.findall("since (.*) this picture", browser.text("#tip"))
        assert since in browser.text("#failures")
        assert browser.complaints() == []
    watch.wait_well()
    for name, sources in watch.sources().items():
        assert make_page(watch, paths[name], sources) == 0, name
        browser.open(paths[name])
        assert shown(browser) == WELL, name
        assert browser.text("#summary") == "None of 6 pairs fails."
        assert browser.text("#nothing") == "No pair fails."
