"""Owns the fixtures of the lab's own tests."""

from collections.abc import Iterator

import pytest

from tests.lab import Lab


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab() as standing:
        yield standing
