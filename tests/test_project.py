"""The project's own promises about itself: sizes, the sample, the unit file."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pokepodsd.core.config import sample, validate

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(
    path for folder in ("pokepodsd", "tests") for path in (ROOT / folder).rglob("*.py")
)
LONGEST_MODULE = 300


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_is_longer_than_a_reader_can_hold(module: Path) -> None:
    """At most 300 lines a module."""
    assert len(module.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE


def test_the_shipped_sample_is_the_table_of_settings() -> None:
    """packaging/pokepodsd.toml is what `pokepodsd check-config --sample` prints: `make sample`."""
    shipped = (ROOT / "packaging" / "pokepodsd.toml").read_text(encoding="utf-8")
    assert shipped == sample()
    validate(tomllib.loads(shipped), source="the sample")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit file, with the path of a program that exists."""
    text = (ROOT / "systemd" / "pokepodsd.service").read_text(encoding="utf-8")
    program = shutil.which("pokepodsd", path=str(Path(sys.executable).parent))
    assert program is not None
    path = tmp_path / "pokepodsd.service"
    path.write_text(text.replace("/usr/bin/pokepodsd", program), encoding="utf-8")
    return path


def test_systemd_finds_no_fault_with_the_unit(unit: Path) -> None:
    """`systemd-analyze verify` says nothing."""
    done = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_unit_is_not_exposed(unit: Path) -> None:
    """`systemd-analyze security` gives at most 2.0 of 10."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout.splitlines()[-1]
