"""The list of what can be taken out fits the project as it is."""

import subprocess
import sys

import pytest

from tests.faults.removals import ROOT, Removal, removals


@pytest.mark.parametrize("one", [*removals()], ids=lambda one: one.fault)
def test_a_removal_fits_the_file(one: Removal) -> None:
    """Its text is there once, and something else comes of it."""
    assert (ROOT / one.path).read_text(encoding="utf-8").count(one.old) == 1
    assert one.new != one.old


def test_its_tests_exist() -> None:
    """Each id names a test that pytest finds."""
    wanted = sorted({one.test for one in removals()})
    command = (sys.executable, "-m", "pytest", "--collect-only", "-q", *wanted)
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout
