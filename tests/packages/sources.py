"""Owns copies of the checkout, packages of another version from one, and README's commands."""

import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-packages" / "bin" / "python"
BUNDLE = ROOT / "build" / "bundle"


def copy_checkout(folder: Path) -> Path:
    """What the project consists of, committed or not, with times of its own."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        # A file that is deleted and not committed is listed too.
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def install_block(command: str) -> str:
    """The one block of the README's section "Install" that begins with this command."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.split("\n## Install\n")[1].split("\n## ")[0]
    blocks = re.findall(r"^```\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    (found,) = (block for block in blocks if block.startswith(command))
    return str(found)


def run_build(
    checkout: Path, target: Path, *, packager: str = "deb"
) -> subprocess.CompletedProcess[str]:
    """Build a package from a copy, on the dependencies that the checkout has installed."""
    command = [str(PYTHON), "packaging/build", "packages", "--bundle", str(BUNDLE)]
    command += ["--format", packager, str(target)]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)


def build_version(version: str, folder: Path, *, remark: str, packager: str) -> Path:
    """A package of another version, whose configuration has one more remark."""
    checkout = copy_checkout(folder / "checkout")
    _replace_version(checkout, version)
    with (checkout / "packaging" / "pokepodsd.toml").open("a", encoding="utf-8") as sample:
        sample.write(f"# {remark}\n")
    made = run_build(checkout, folder / "made", packager=packager)
    assert made.returncode == 0, made.stderr
    (package,) = (folder / "made").iterdir()
    return package


def _replace_version(checkout: Path, version: str) -> None:
    (checkout / "pokepodsd" / "__init__.py").write_text(f'__version__ = "{version}"\n')
    changelog = checkout / "CHANGELOG.md"
    entry = f"## {version} (2026-01-31)\n\n- Another version.\n"
    changelog.write_text(f"# Changelog\n\n{entry}", encoding="utf-8")
