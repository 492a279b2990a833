"""The page of faults names tests that there are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "packaging" / "doc" / "faults.md"
NAMED = sorted({*re.findall(r"`(tests/[^`]+)`", PAGE.read_text(encoding="utf-8"))})


@pytest.mark.parametrize("named", NAMED)
def test_a_test_that_is_named_exists(named: str) -> None:
    """Its file does, and the function in it."""
    path, _, function = named.partition("::")
    assert (ROOT / path).exists()
    if function:
        assert f"def {function}(" in (ROOT / path).read_text(encoding="utf-8")


def test_every_line_says_what_shows_it() -> None:
    """No promise without a test."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| ") and not line.startswith("| fault |")]
    assert len(rows) > 80
    assert [row for row in rows if "`tests/" not in row.rsplit(" | ", 1)[1]] == []
