"""The short form of fuzzing: each target over its corpus, and over changes of it by fixed dice.

The long one is `python -m tests.fuzz`.
"""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.mutations import mutated
from tests.fuzz.table import TARGETS, seeds
from tests.fuzz.watched import Finding, Watched

EXAMPLES = 150
# Only what has no end: how fast this machine is, is no promise.
PATIENCE_SECONDS = 30.0


@pytest.fixture(params=TARGETS)
def name(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


def watched(name: str) -> Watched:
    return Watched(TARGETS[name].entry, longest_seconds=PATIENCE_SECONDS)


def check(finding: Finding | None) -> None:
    if finding is not None:
        pytest.fail(f"{finding.data!r:.2000}\n{finding.text}")


def test_the_corpus_ends_in_no_surprise(name: str) -> None:
    """What was recorded, and what was a defect once, is read or refused by a declared error."""
    one = watched(name)
    inputs = seeds(name)
    assert len(inputs) >= 2
    for data in inputs:
        check(one.run(data))
    check(one.run(b""))


def test_changes_of_the_corpus_end_in_no_surprise(name: str) -> None:
    """Values of the wrong type, enormous or hostile, bytes turned, cut, doubled: the same."""
    one, inputs, target = watched(name), seeds(name), TARGETS[name]

    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, database=None)
    @given(st.integers(0, len(inputs) - 1), st.integers(0, 2**32))
    def change(number: int, dice: int) -> None:
        data = mutated(inputs[number], random.Random(dice), target.words, target.longest)
        check(one.run(data))

    change()
    assert one.executions >= EXAMPLES // 2
