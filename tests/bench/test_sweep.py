"""That a sweep is only measured where it did what it is for."""

import pytest

from tests.bench.sweep import verify


@pytest.mark.parametrize(
    ("said", "status"), [("900 of 1000 answered", 1), ("899 of 1000 answered", 1)]
)
def test_a_sweep_that_heard_the_living_counts(said: str, status: int) -> None:
    """Also where one in a hundred was lost."""
    verify(f"{said}\n", status, of=1_000, alive=900)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("800 of 1000 answered", 1),
        ("900 of 900 answered", 0),
        ("900 of 1000 answered", 0),
        ("1000 of 1000 answered", 0),
        ("error: no API server", 2),
    ],
)
def test_a_sweep_that_did_something_else_is_an_error(said: str, status: int) -> None:
    """Fewer pods, deaf for some, or none at all: it would look cheap."""
    with pytest.raises(RuntimeError, match="ended with"):
        verify(said, status, of=1_000, alive=900)
