"""What cannot be bounded from within is bounded from without."""

import threading

import pytest

from pokepodsd.preflight.waiting import within


def test_what_returns_or_raises_does_so() -> None:
    """As if it had been called here."""
    assert within(5.0, lambda: 7) == 7
    with pytest.raises(ValueError, match="invalid literal"):
        within(5.0, lambda: int("no number"))


def test_what_hangs_is_left() -> None:
    """The wait ends, although the call does not."""
    end = threading.Event()
    with pytest.raises(TimeoutError):
        within(0.05, end.wait)
    end.set()
