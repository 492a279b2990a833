"""Text in columns: where a name is cut, and where a sentence is folded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pokepodsd.view.columns import Column, cut_middle, draw, fitting, paragraph


@pytest.mark.parametrize("text", ["it lasts for 3 min", "it took 0.41 ms", "lost: 0/0/<1 %"])
def test_a_number_and_its_unit_stand_together(text: str) -> None:
    """However narrow it is, neither is alone on its line."""
    for width in range(8, len(text)):
        for line in paragraph(text, width):
            assert line.split()[-1][-1].isalpha() or line[-1] in ":%"
            assert line not in ("min", "ms", "%")


def test_a_name_is_cut_in_its_middle() -> None:
    """Long names of one cluster differ at the beginning or at the end."""
    assert cut_middle("ip-10-0-12-34.eu-central-1.compute.internal", 21) == "ip-10-0-12…e.internal"


@given(text=st.text(st.sampled_from("ab節東"), max_size=40), width=st.integers(8, 40))
def test_what_is_cut_fits(text: str, width: int) -> None:
    """In cells, of which some characters take two."""
    shown = cut_middle(text, width)
    assert cell_len(shown) <= width
    assert shown == text or "…" in shown


def test_a_long_name_leaves_room_for_the_others() -> None:
    """It counts for half of the width: what it is about is shown beside it."""
    full = {
        "name": Column("NAME", ["n" * 70]),
        "verdict": Column("VERDICT", ["tunnel broken"]),
        "since": Column("SINCE", ["3 min"]),
    }
    heading, row = draw(fitting(full, [{"since": None}, {"verdict": None}], 80), 80)
    assert heading.split() == ["NAME", "VERDICT", "SINCE"]
    assert row.endswith("n  tunnel broken  3 min")
    assert len(row) == 80
