"""The report: its table, its JSON and its plots."""

import json
import re
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from tests.bench.figures import Curves, Failure, Figure, Goal, Passage, Result
from tests.bench.interleave import interleave
from tests.bench.plots import draw
from tests.bench.report import OVERVIEW, Circumstances, document, page, plot_name

FIGURE = Figure(
    name="CPU a poke, steady 200/s",
    unit="us",
    ours=[30.0, 36.0, 33.0],
    peers={"fping -l": [150.0, 150.0, 150.0], "icmplib": [750.0, 720.0, 660.0]},
    goals=[Goal(most=0.3, of="fping -l", most_short=0.5), Goal(most=0.04, of="icmplib")],
    note="The whole daemon.",
    settings='poke.interval = "5s"',
)
CURVES = Curves(
    name="Memory by targets",
    x_label="targets",
    y_label="MB",
    lines={"daemon": [(10, 30), (100, 31), (1_000, 40)]},
    steepest=1.1,
)
RESULTS: list[Result] = [
    FIGURE,
    CURVES,
    Passage(name="Profile", text="send  40 %"),
    Failure(name="idle", text="LookupError: gone"),
]


def circumstances(*, is_short: bool = False) -> Circumstances:
    return Circumstances(
        begin=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        machine={"processor": "some", "cores": "2"},
        versions={"fping": "5.1"},
        is_short=is_short,
        load=(0.5, 1.25),
        seconds={"poke": 61.4, "idle": 9.0},
    )


def test_the_page_has_a_row_a_peer_with_ratio_goal_and_judgement() -> None:
    text = page(RESULTS, circumstances())
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert rows[2:] == [
        "| CPU a poke, steady 200/s | 33 (30 to 36) us | fping -l: 150 (150 to 150)"
        " | 0.22 (0.2 to 0.24) | 0.3 | reached |",
        "|  |  | icmplib: 720 (660 to 750) | 0.05 (0.04 to 0.05) | 0.04 | **not reached** |",
    ]
    assert "2026-01-02 03:04 UTC, the full form of `make bench`" in text
    assert "It took 70 s (poke 61, idle 9). The load average was 0.50 at the begin" in text
    assert f"]({OVERVIEW})" in text
    assert "- CPU a poke, steady 200/s: 0.05 of icmplib, to reach 0.04" in text
    assert '- CPU a poke, steady 200/s: The whole daemon. Set: `poke.interval = "5s"`.' in text
    assert f"({plot_name(CURVES)})" in text
    assert "exponent 0.06" in text


def test_the_short_form_says_so_and_judges_less() -> None:
    text = page(RESULTS, circumstances(is_short=True))
    assert "the short form" in text
    assert "| 0.5 | reached |" in text
    assert "of icmplib, to reach" not in text


def test_the_json_has_every_value_and_judgement() -> None:
    whole = json.loads(json.dumps(document(RESULTS, circumstances())))
    (figure,) = whole["figures"]
    assert figure["ours"] == [30, 36, 33]
    assert figure["settings"] == 'poke.interval = "5s"'
    assert [one["reached"] for one in figure["goals"]] == [True, False]
    assert whole["load_average"] == {"begin": 0.5, "end": 1.25}
    assert whole["seconds"]["idle"] == 9
    assert whole["curves"][0]["lines"]["daemon"][-1] == [1_000, 40]
    assert whole["failures"] == {"idle": "LookupError: gone"}


def test_the_json_of_the_short_form_has_the_full_bound_too() -> None:
    (figure,) = document(RESULTS, circumstances(is_short=True))["figures"]
    assert [(one["most"], one["most_full"]) for one in figure["goals"]] == [
        (0.5, 0.3),
        (None, 0.04),
    ]


@pytest.mark.parametrize(("value", "colour"), [(0.0, "#2a7f4f"), (3.0, "#b3261e")])
def test_a_goal_of_nothing_is_drawn(tmp_path: Path, value: float, colour: str) -> None:
    """It has no share to be shown by, and is reached or not all the same."""
    none = Figure(name="modules", unit="modules", ours=[value], goals=[Goal(most=0)])
    (path,) = draw([none], tmp_path, is_short=False)
    drawn = path.read_text()
    assert f"fill: {colour}" in drawn
    assert "modules" in drawn


def test_plots_are_the_same_for_the_same_results(tmp_path: Path) -> None:
    first = [path.read_text() for path in draw(RESULTS, tmp_path, is_short=False)]
    paths = draw(RESULTS, tmp_path, is_short=False)
    assert [path.read_text() for path in paths] == first
    assert [path.name for path in paths] == ["memory-by-targets.svg", OVERVIEW]
    assert re.search(r"daemon \(exponent 0\.06\)", first[0])


def test_contenders_take_turns_and_every_other_round_goes_backwards() -> None:
    order: list[str] = []

    def contender(name: str) -> str:
        order.append(name)
        return name

    values = interleave(3, {name: partial(contender, name) for name in "ab"})
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert values == {"a": ["a"] * 3, "b": ["b"] * 3}
