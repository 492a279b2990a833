"""The project's own promises about itself: sizes, the sample, the unit file."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pokepodsd.core.config import validate
from pokepodsd.core.entries import EventKind
from pokepodsd.core.sample import sample
from pokepodsd.edge.kubeconfig import KNOWN_PLACES

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(
    path for folder in ("pokepodsd", "packaging", "tests") for path in (ROOT / folder).rglob("*.py")
)
LONGEST_MODULE = 300
UNITS = ROOT / "systemd"
UNIT = UNITS / "pokepodsd.service"
# A folder where more is to be noticed than the kubeconfig: new keys, and MicroK8s' link.
WATCHED_FOLDERS = ("/etc/kubernetes", "/var/snap/microk8s")
DROP_INS = sorted((UNITS / "drop-ins").glob("*.conf"))
KINDS = ("service", "path", "timer")


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_is_longer_than_a_reader_can_hold(module: Path) -> None:
    """At most 300 lines a module."""
    assert len(module.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE


def test_the_shipped_sample_is_the_table_of_settings() -> None:
    """packaging/pokepodsd.toml is what `pokepodsd check-config --sample` prints: `make sample`."""
    shipped = (ROOT / "packaging" / "pokepodsd.toml").read_text(encoding="utf-8")
    assert shipped == sample()
    validate(tomllib.loads(shipped), source="the sample")


def test_the_catalog_explains_every_kind_of_entry() -> None:
    """`journalctl -x` has something to say about each MESSAGE_ID, and about none that is not."""
    text = (UNITS / "pokepodsd.catalog").read_text(encoding="utf-8")
    entries = re.findall(r"^-- ([0-9a-f]{32})\nSubject: (.+)$", text, re.MULTILINE)
    assert sorted(found for found, _ in entries) == sorted(kind.value for kind in EventKind)
    assert len({subject for _, subject in entries}) == len(entries)


def settings(unit: Path, name: str) -> set[str]:
    """The words of a setting that may stand in several lines, of which an empty one clears."""
    words: set[str] = set()
    for line in unit.read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{name}="):
            listed = line.removeprefix(f"{name}=").split()
            words = words | set(listed) if listed else set()
    return words


def test_what_a_drop_in_lists_again_is_as_in_the_unit() -> None:
    """eks.conf empties the list of what is hidden, and hides all of it but one folder again."""
    again = settings(UNITS / "drop-ins" / "eks.conf", "InaccessiblePaths")
    assert settings(UNIT, "InaccessiblePaths") - again == {"-/etc/kubernetes/pki"}


def test_the_folder_for_the_file_is_the_one_that_is_opened() -> None:
    """metrics-textfile.conf binds, changes and changes back one and the same folder."""
    text = (UNITS / "drop-ins" / "metrics-textfile.conf").read_text(encoding="utf-8")
    (bound,) = settings(UNITS / "drop-ins" / "metrics-textfile.conf", "BindPaths")
    folders = re.findall(r"^Exec\w+=-\+/bin/sh -c 'cd (\S+) && ", text, re.MULTILINE)
    assert folders == [bound.removeprefix("-")] * 2
    assert f'textfile = "{folders[0]}/pokepodsd.prom"' in text


def test_a_drop_in_is_used_as_the_readme_says() -> None:
    """The README's commands for a drop-in are those that the drop-in itself names."""
    named = re.findall(r"^#   (.+)$", (UNITS / "drop-ins" / "k3s.conf").read_text(), re.MULTILINE)
    assert "\n".join(["```", *named, "```"]) in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_known_place_of_a_kubeconfig_is_watched() -> None:
    """A node that joins later is noticed: kubeadm's by the unit, every other by its drop-in."""
    files = (UNIT, *(UNITS / "drop-ins").glob("*.conf"))
    wanted = {word for file in files for word in settings(file, "Wants")}
    for place in KNOWN_PLACES:
        folders = [one for one in WATCHED_FOLDERS if place.startswith(f"{one}/")]
        watched = folders[0] if folders else place
        escaped = subprocess.run(
            ["systemd-escape", "--path", "--template=pokepodsd-mounts@.path", watched],
            capture_output=True,
            text=True,
            check=True,
        )
        assert escaped.stdout.strip() in wanted


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """The units, with the path of a program that exists."""
    program = shutil.which("pokepodsd", path=str(Path(sys.executable).parent))
    assert program is not None
    made = []
    for source in (one for kind in KINDS for one in UNITS.glob(f"*.{kind}")):
        text = source.read_text(encoding="utf-8").replace("/usr/bin/pokepodsd", program)
        path = tmp_path / source.name.replace("@.", "@etc-shadow.")
        path.write_text(text, encoding="utf-8")
        made.append(path)
    return made


def test_systemd_finds_no_fault_with_the_units(units: list[Path]) -> None:
    """`systemd-analyze verify` says nothing. The manual pages are not installed here."""
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("drop_in", DROP_INS, ids=lambda path: path.stem)
def test_systemd_finds_no_fault_with_a_drop_in(
    units: list[Path], tmp_path: Path, drop_in: Path
) -> None:
    """Nor with the unit as each of them changes it."""
    (unit,) = (one for one in units if one.name == UNIT.name)
    program = shutil.which("pokepodsd", path=str(Path(sys.executable).parent))
    folder = tmp_path / f"{UNIT.name}.d"
    folder.mkdir()
    text = drop_in.read_text(encoding="utf-8").replace("/usr/bin/pokepodsd", str(program))
    (folder / drop_in.name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("name", "threshold"), [("pokepodsd.service", 19), ("pokepodsd-mounts.service", 22)]
)
def test_the_units_are_not_exposed(units: list[Path], name: str, threshold: int) -> None:
    """`systemd-analyze security` gives the daemon at most 1.9 of 10 (threshold is in tenths)."""
    (unit,) = (one for one in units if one.name == name)
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={threshold}", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout.splitlines()[-1]
