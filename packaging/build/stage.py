"""Puts together the tree that is installed: every file at its place, with its mode.

Owns what is installed and where. `make install` and the packages both take it from here.
"""

import gzip
import os
import re
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from changelog import Release, read_releases
from click.shell_completion import get_completion_class
from commands import run
from copyright import copyright_text
from dependencies import Dependency, read_dependencies
from errors import BuildError
from sbom import bill_of_materials

ROOT = Path(__file__).resolve().parents[2]
CONFIG = "etc/pokepodsd.toml"
_PACKAGING = ROOT / "packaging"
_FILES = _PACKAGING / "files"
_UNITS = ROOT / "systemd"
_COMPLETIONS = {
    "bash": "share/bash-completion/completions/pokepodsd",
    "fish": "share/fish/vendor_completions.d/pokepodsd.fish",
    "zsh": "share/zsh/site-functions/_pokepodsd",
}
_MANUALS = {"pokepodsd.8": "share/man/man8", "pokepodsd.toml.5": "share/man/man5"}
# Where the README's links lead when it is installed.
_LINKS = {
    "packaging/doc/": "",
    "packaging/examples": "examples",
    "packaging/pokepodsd.toml": f"/{CONFIG}",
}
# What other programs read, from packaging/ into share/pokepodsd; not the tests of it.
_SHARED = ("grafana/*.json", "prometheus/*.rules.yaml", "schema/*.json")
_EXAMPLES = "share/doc/pokepodsd/examples"
_LIB = "share/pokepodsd/lib"
# Not every path below /usr is one of ours: the host's Python and Debian's licences are not.
_OWN_PATH = re.compile(r"/usr/(?=(bin|share|share/doc)/pokepodsd\b)")
# Something that it needs may have been left out of the bundle.
_IMPORT_ALL = """
import importlib, os, pkgutil, sys
sys.path.insert(0, os.environ["LIB"])
import pokepodsd
for module in pkgutil.walk_packages(pokepodsd.__path__, "pokepodsd."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""
# Of a project's metadata, what tells how it was installed, where its files were, and which commands
# it had.
_INSTALLATION = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "top_level.txt")
_COMMANDS = "entry_points.txt"
_LICENCES = re.compile(r"(licenses|LICEN[CS]E.*|COPYING.*|NOTICE.*)")


@dataclass(frozen=True, slots=True)
class Tree:
    """A staged tree: ``root`` stands for /, and ``prefix`` is /usr or as packagers want it."""

    root: Path
    prefix: str

    def path(self, below: str) -> Path:
        """A path below the prefix, in the staged tree."""
        return self.root / self.prefix.strip("/") / below

    def write(self, below: str, text: str, *, mode: int = 0o644) -> None:
        """Write a file below the prefix; paths in its text are made to fit the prefix."""
        _write(self.path(below), self._fit(text), mode)

    def write_compressed(self, below: str, text: str) -> None:
        """Write a file as `write` does, by gzip, whose header holds neither name nor time."""
        path = self.path(below)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(self._fit(text).encode(), compresslevel=9, mtime=0))
        path.chmod(0o644)

    def copy(self, source: Path, below: str, *, mode: int = 0o644) -> None:
        """Copy a text file, as `write` does."""
        self.write(below, source.read_text(encoding="utf-8"), mode=mode)

    def _fit(self, text: str) -> str:
        return _OWN_PATH.sub(f"{self.prefix.rstrip('/')}/", text)


def stage(tree: Tree, bundle: Path) -> str:
    """Write the tree; the version that it is of.

    Raises:
        BuildError: the sources contradict each other, or the program does not start.
    """
    release = read_releases(ROOT / "CHANGELOG.md")[0]
    dependencies = read_dependencies(bundle)
    _stage_program(tree, bundle)
    _stage_units(tree)
    _stage_documents(tree, dependencies)
    _stage_manuals(tree, release)
    bill = bill_of_materials(dependencies, version=release.version, date=release.date)
    tree.write("share/pokepodsd/sbom.cdx.json", bill)
    _run(tree, "-c", _IMPORT_ALL)
    if (said := _ask(tree, "--version")) != f"pokepodsd {release.version}\n":
        raise BuildError(f"CHANGELOG.md begins with {release.version}, the program says {said!r}")
    for identity in ("nodes", "serviceaccount"):
        tree.write(f"share/pokepodsd/rbac/{identity}.yaml", _ask(tree, "rbac", "--for", identity))
    # An administrator's settings are not lost where this is no fresh tree.
    if not (tree.root / CONFIG).exists():
        sample = (_PACKAGING / "pokepodsd.toml").read_text(encoding="utf-8")
        _write(tree.root / CONFIG, sample, 0o644)
    return release.version


def settle(root: Path, *, epoch: int) -> None:
    """Make modes and times independent of who builds, where and when.

    ``epoch`` is in seconds since 1970 (reproducible-builds.org, SOURCE_DATE_EPOCH).
    """
    for path in sorted(root.rglob("*"), reverse=True):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def _write(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def _stage_program(tree: Tree, bundle: Path) -> None:
    lib = tree.path(_LIB)
    if lib.exists():
        # What another version left there could be imported.
        shutil.rmtree(lib)
    shutil.copytree(bundle, lib, ignore=shutil.ignore_patterns("__pycache__", "made"))
    for information in lib.glob("*.dist-info"):
        for path in information.iterdir():
            if _LICENCES.fullmatch(path.name) or path.name in (*_INSTALLATION, _COMMANDS):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "pokepodsd", lib / "pokepodsd", ignore=ignored)
    shutil.copy(_FILES / "main.py", lib / "__main__.py")
    for path in lib.rglob("*"):
        # Whatever the umask was when they came here: everybody runs it.
        path.chmod(0o755 if path.is_dir() else 0o644)
    tree.copy(_FILES / "bytecode.py", "share/pokepodsd/bytecode.py")
    tree.write("bin/pokepodsd", (_FILES / "pokepodsd").read_text(encoding="utf-8"), mode=0o755)
    # The interpreter that it looks for is the distribution's, wherever we are installed.
    _write(
        tree.path("share/pokepodsd/python"), (_FILES / "python").read_text(encoding="utf-8"), 0o755
    )


def _stage_units(tree: Tree) -> None:
    for unit in (one for kind in ("service", "path", "timer") for one in _UNITS.glob(f"*.{kind}")):
        tree.copy(unit, f"lib/systemd/system/{unit.name}")
    for preset in _UNITS.glob("*.preset"):
        tree.copy(preset, f"lib/systemd/system-preset/{preset.name}")
    tree.copy(_UNITS / "pokepodsd.sysusers", "lib/sysusers.d/pokepodsd.conf")
    for drop_in in _UNITS.glob("drop-ins/*.conf"):
        tree.copy(drop_in, f"share/pokepodsd/drop-ins/{drop_in.name}")
    tree.copy(_UNITS / "pokepodsd.catalog", "lib/systemd/catalog/pokepodsd.catalog")


def _stage_documents(tree: Tree, dependencies: list[Dependency]) -> None:
    documents = "share/doc/pokepodsd"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for source, place in _LINKS.items():
        readme = readme.replace(f"]({source}", f"]({place}")
    tree.write(f"{documents}/README.md", readme)
    for page in ("faults.md", "operations.md", "scale.md"):
        tree.copy(_PACKAGING / "doc" / page, f"{documents}/{page}")
    for example in sorted((_PACKAGING / "examples").glob("*/*")):
        tree.copy(example, f"{_EXAMPLES}/{example.parent.name}/{example.name}")
    for path in sorted(one for pattern in _SHARED for one in _PACKAGING.glob(pattern)):
        tree.copy(path, f"share/pokepodsd/{path.parent.name}/{path.name}")
    lib = f"{tree.prefix.strip('/')}/{_LIB}"
    tree.write(f"{documents}/copyright", copyright_text(dependencies, lib=lib))
    _stage_licences(tree.path("share/licenses/pokepodsd"), dependencies)
    for shell, below in _COMPLETIONS.items():
        kind = get_completion_class(shell)
        if kind is None:
            raise BuildError(f"click knows no completion for {shell}")
        # The script asks the program for the words; the command itself is not needed for it.
        maker = kind(None, {}, "pokepodsd", "_POKEPODSD_COMPLETE")  # type: ignore[arg-type]
        tree.write(below, maker.source())


def _stage_manuals(tree: Tree, release: Release) -> None:
    """The manual pages, compressed as Debian's policy (12.1) and rpm want them; of this release."""
    # As mdoc(7) wants it. Python does not ask for the locale unless it is told to.
    day = f"{release.date:%B} {release.date.day}, {release.date.year}"
    for name, folder in _MANUALS.items():
        text = (_PACKAGING / "man" / name).read_text(encoding="utf-8")
        dated = re.sub(r"^\.Dd .*$", f".Dd {day}", text, count=1, flags=re.MULTILINE)
        dated = re.sub(r"^\.Os$", f".Os pokepodsd {release.version}", dated, flags=re.MULTILINE)
        tree.write_compressed(f"{folder}/{name}.gz", dated)


def _stage_licences(folder: Path, dependencies: Iterable[Dependency]) -> None:
    licences = {"LICENSE": ROOT / "LICENSE", "GPL-3.0.txt": _FILES / "GPL-3.0.txt"}
    for one in dependencies:
        licences |= {f"{one.name}-{path.name}": path for path in one.licence_files}
    for name, path in licences.items():
        _write(folder / name, path.read_text(encoding="utf-8", errors="replace"), 0o644)


def _ask(tree: Tree, *arguments: str) -> str:
    """What the staged program prints."""
    return _run(tree, str(tree.path(_LIB)), *arguments)


def _run(tree: Tree, *arguments: str) -> str:
    # As the installed program runs, but that it leaves no byte-code.
    command = [sys.executable, "-BIS", *arguments]
    return run(command, {"LIB": str(tree.path(_LIB))}, what="the staged program")
