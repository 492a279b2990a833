"""How the packages are built: the same bytes from the same sources."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from tests.packages.sources import PYTHON, ROOT, copy_checkout, run_build

VENV = PYTHON.parents[1]


def sums(folder: Path) -> dict[str, str]:
    return {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in folder.iterdir()}


# The dependencies are installed and all is compressed once more, beside boxes that boot.
@pytest.mark.timeout(400)
def test_two_builds_are_the_same(packages: Path, tmp_path: Path) -> None:
    """From another folder, in another time zone, with another umask and locale: the same bytes.

    The dependencies are installed anew as well. The one build is `make deb rpm`, a format a run,
    the other `make packages`, which has all formats.
    """
    elsewhere = copy_checkout(tmp_path / "somewhere else")
    made = tmp_path / "made"
    environment = {**os.environ, "TZ": "Pacific/Kiritimati", "LC_ALL": "C", "HOME": str(tmp_path)}
    command = ["make", "-s", "packages", f"DIST={made}", f"VENV_PACKAGES={VENV}"]
    # The tools are those of the checkout, although its lock is older than the copied one.
    command += ["-o", str(VENV / "installed")]
    subprocess.run(command, cwd=elsewhere, env=environment, umask=0o077, check=True)
    again = sums(made)
    assert sorted(Path(name).suffix for name in again) == [".deb", ".rpm", ".zst"]
    once = sums(packages)
    assert sorted(Path(name).suffix for name in once) == [".deb", ".rpm"]
    assert {name: again[name] for name in once} == once
    (archlinux,) = made.glob("*.pkg.tar.zst")
    listed = subprocess.run(["tar", "--zstd", "-tf", archlinux], stdout=subprocess.PIPE, check=True)
    wanted = {".INSTALL", ".MTREE", ".PKGINFO", "usr/bin/pokepodsd", "etc/pokepodsd.toml"}
    assert wanted <= set(listed.stdout.decode().splitlines())


def test_a_changelog_of_another_version_is_refused(tmp_path: Path) -> None:
    """The version of the program and that of the changelog are one, or there is no package."""
    elsewhere = copy_checkout(tmp_path / "checkout")
    changelog = elsewhere / "CHANGELOG.md"
    text = changelog.read_text(encoding="utf-8")
    changelog.write_text(text.replace("## ", "## 99.0.0 (2026-01-31)\n\n- New.\n\n## ", 1))
    done = run_build(elsewhere, tmp_path / "made")
    assert done.returncode == 1
    assert done.stderr.startswith("error: CHANGELOG.md begins with 99.0.0, the program says")


def test_make_install_honours_its_variables(tmp_path: Path) -> None:
    """DESTDIR and PREFIX move everything, the program starts, settings that are there are kept."""
    config = tmp_path / "etc" / "pokepodsd.toml"
    config.parent.mkdir()
    config.write_text("# mine\n")
    variables = (f"DESTDIR={tmp_path}", "PREFIX=/usr/local")
    subprocess.run(["make", "-s", "install", *variables], cwd=ROOT, check=True)
    assert config.read_text() == "# mine\n"
    assert {one.name for one in tmp_path.iterdir()} == {"etc", "usr"}
    assert {one.name for one in (tmp_path / "usr").iterdir()} == {"local"}
    local = tmp_path / "usr" / "local"
    unit = (local / "lib/systemd/system/pokepodsd.service").read_text()
    assert "\nExecStart=/usr/local/bin/pokepodsd run\n" in unit
    program = (local / "bin/pokepodsd").read_text()
    assert "/usr/local/share/pokepodsd/lib" in program
    command = ["/usr/bin/python3", "-IS", str(local / "share/pokepodsd/lib"), "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.startswith("pokepodsd ")
