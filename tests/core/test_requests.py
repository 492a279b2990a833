"""Checks what an answer of the API server counts as."""

import pytest

from pokepodsd.core.requests import Result, result_of


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (200, Result.OK),
        # That a Node does not exist is an answer.
        (404, Result.OK),
        (401, Result.REFUSED),
        (403, Result.REFUSED),
        (201, Result.FAILED),
        (410, Result.FAILED),
        (429, Result.FAILED),
        (500, Result.FAILED),
    ],
)
def test_a_status_is_one_of_three(status: int, result: Result) -> None:
    """Well, refused, or failed."""
    assert result_of(status) is result
