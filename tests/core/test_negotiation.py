"""Checks the reading of what a client says that it takes."""

from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.negotiation import Wanted, is_taken, read_wanted


def test_alternatives_with_parameters_and_weights() -> None:
    """Blanks, quotes and capitals do not matter; what has no weight weighs 1."""
    header = 'Text/Plain; version="0.0.4";q=0.5 , */*;q=0.1,gzip'
    assert [*read_wanted(header)] == [
        Wanted("text/plain", {"version": "0.0.4"}, 0.5),
        Wanted("*/*", {}, 0.1),
        Wanted("gzip", {}, 1.0),
    ]


def test_refused_is_not_taken() -> None:
    """A weight of 0 says no."""
    assert is_taken("gzip", "br, gzip")
    assert not is_taken("gzip", "gzip;q=0, br")
    assert not is_taken("gzip", "")


@given(st.text())
def test_no_header_is_too_strange(header: str) -> None:
    """Whatever a client sends, it is read to its end."""
    assert len([*read_wanted(header)]) <= header.count(",") + 1


def test_a_weight_that_is_no_number_makes_it_nothing() -> None:
    """Neither does a name that is empty; what stands beside it is read."""
    assert [*read_wanted("gzip;q=high, ;q=1, br")] == [Wanted("br", {}, 1.0)]
