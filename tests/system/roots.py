"""Owns the root file systems that boxes boot: how each is made, and the cache of them.

The cache is outside of the checkout; its names hold a digest of the recipe, so that another recipe
is another root. Refuses to install anything of ours: that is the tests'.
"""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab import LabError
from tests.system.scratch import DISK

MIRROR = "http://deb.debian.org/debian"
# mmdebstrap gives a root the name and the resolver of the host that it is made on.
FORGET_HOST = '--customize-hook=rm -f "$1/etc/hostname" "$1/etc/resolv.conf"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A Debian with what is essential, apt, and these packages with what they depend on."""

    suite: str
    packages: tuple[str, ...]

    @property
    def name(self) -> str:
        digest = hashlib.sha256(json.dumps(self.command(Path("archive"))).encode())
        return f"{self.suite}-{digest.hexdigest()[:12]}"

    def command(self, archive: Path) -> list[str]:
        include = ",".join(self.packages)
        options = ["--variant=minbase", "--mode=root", f"--include={include}", FORGET_HOST]
        return ["mmdebstrap", "--quiet", *options, self.suite, str(archive), MIRROR]


# Nothing but what a node has anyway: whatever else the package needs, it lacks.
BASE = ("systemd", "systemd-sysv", "python3")
BOOKWORM = Recipe(suite="bookworm", packages=BASE)
# Debian's rpm, because no root of a distribution with rpm is to be had.
TRIXIE = Recipe(suite="trixie", packages=(*BASE, "rpm"))
RECIPES = (BOOKWORM, TRIXIE)


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "pokepodsd" / "roots"


def cached_archive(recipe: Recipe) -> Path:
    """The archive of a root, which is made if it is not there yet, once whoever else asks."""
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / f"{recipe.name}.tar.zst"
    with _locked(folder / f"{recipe.name}.lock"):
        if not archive.exists():
            _make(recipe, archive)
    return archive


def unpack(archive: Path, folder: Path) -> None:
    """Lay out the root below a folder, with its owners, modes and attributes."""
    options = ["--zstd", "--numeric-owner", "--xattrs", "--xattrs-include=*", "-xpf"]
    subprocess.run(["tar", "-C", str(folder), *options, str(archive)], check=True)


def _make(recipe: Recipe, archive: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=archive.parent) as folder:
        partial = Path(folder) / archive.name
        done = subprocess.run(
            recipe.command(partial),
            env={**os.environ, "TMPDIR": str(DISK)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise LabError(f"{' '.join(map(str, done.args))}: {done.stdout}{done.stderr}")
        partial.rename(archive)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Fill the cache, so that no test waits for it."""
    for recipe in RECIPES:
        began = time.monotonic()
        archive = cached_archive(recipe)
        size, took = archive.stat().st_size / 1e6, time.monotonic() - began
        sys.stdout.write(f"{archive}: {size:.0f} MB, {took:.1f} s\n")


if __name__ == "__main__":
    main()
