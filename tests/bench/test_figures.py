"""How goals are judged."""

import pytest

from tests.bench.figures import Curves, Failure, Figure, Goal, Result, Spread, short_of


def figure(*goals: Goal) -> Figure:
    return Figure(
        name="CPU a poke",
        unit="us",
        ours=[10.0, 12.0, 50.0],
        peers={"fping": [40.0, 60.0, 100.0]},
        goals=goals,
    )


def test_a_ratio_is_taken_pair_by_pair_and_judged_by_its_median() -> None:
    goal = Goal(most=0.25, of="fping")
    assert figure().ratios("fping") == [0.25, 0.2, 0.5]
    assert figure().value(goal) == 0.25
    assert figure().is_reached(goal, is_short=False) is True
    assert figure().is_reached(Goal(most=0.24, of="fping"), is_short=False) is False


def test_the_worst_value_counts_where_a_goal_says_so() -> None:
    assert figure().value(Goal(most=60, statistic="worst")) == 50
    assert figure().value(Goal(most=60)) == 12


def test_the_short_form_judges_by_its_own_margin_or_not_at_all() -> None:
    wide = Goal(most=0.2, of="fping", most_short=0.3, margin="three runs")
    assert figure().is_reached(wide, is_short=False) is False
    assert figure().is_reached(wide, is_short=True) is True
    assert figure().is_reached(Goal(most=0.2, of="fping"), is_short=True) is None


def test_values_without_their_pair_are_refused() -> None:
    lone = Figure(name="x", unit="us", ours=[1.0, 2.0], peers={"fping": [1.0], "none": [0.0, 1.0]})
    with pytest.raises(ValueError, match="no pair"):
        lone.ratios("fping")
    with pytest.raises(ValueError, match="no pair"):
        lone.ratios("none")


def test_what_is_not_reached_is_a_line_with_its_number() -> None:
    results: list[Result] = [
        figure(Goal(most=0.1, of="fping"), Goal(most=20)),
        Curves(
            name="memory", x_label="n", y_label="MB", lines={"it": [(1, 1), (10, 50)]}, steepest=1.1
        ),
        Failure(name="idle", text="Traceback\nLookupError: no such process"),
    ]
    assert short_of(results, is_short=False) == [
        "CPU a poke: 0.25 of fping, to reach 0.1",
        "memory: exponent 1.70, to reach 1.1",
        "idle: failed: LookupError: no such process",
    ]


def test_exponents_are_the_slopes_of_logarithms() -> None:
    square = [(float(x), 3.0 * x * x) for x in (10, 100, 1_000)]
    bent = [(10.0, 5.0), (100.0, 5.0), (1_000.0, 50.0)]
    curves = Curves(
        name="c",
        x_label="n",
        y_label="us",
        lines={"square": square, "bent": bent},
        steepest=1.5,
        judged_from=10,
    )
    assert curves.exponent("square") == pytest.approx(2)
    assert curves.local_exponent("bent") == pytest.approx(1)
    assert curves.exponent("bent") == pytest.approx(0.5)
    assert curves.is_reached() is False


def test_a_spread_is_the_median_and_the_extremes() -> None:
    assert Spread.of([3.0, 1.0, 2.0, 9.0]) == Spread(2.5, 1.0, 9.0)
