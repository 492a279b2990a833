"""`python -m tests.faults.removals`: shows that each test of the list sees its handling gone.

Owns the copies of the project that it breaks. A test must pass in a whole copy before.
"""

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from tests.faults.removals import ROOT, Removal, removals

_LONGEST_SECONDS = 600


@click.command()
@click.option("--only", default="", help="Those whose fault, file or test has this in it.")
def main(only: str) -> None:
    """Take handling out of a copy, one at a time, and run the test that is to see it (root)."""
    chosen = [one for one in removals() if only in f"{one.fault} {one.path} {one.test}"]
    unseen = 0
    with TemporaryDirectory(prefix="pokepodsd-removals-") as folder:
        whole = _copy(Path(folder) / "whole")
        for number, one in enumerate(chosen):
            begin = time.monotonic()
            verdict = _verdict(one, whole, Path(folder) / str(number))
            unseen += verdict != "seen"
            print(f"{verdict}: {one.fault}\n  out of {one.path}: {_first_line(one)}")
            print(f"  by {one.test}, {time.monotonic() - begin:.0f} s", flush=True)
    print(f"{len(chosen) - unseen} of {len(chosen)} seen")
    sys.exit(bool(unseen))


def _verdict(one: Removal, whole: Path, broken: Path) -> str:
    """ "seen", or what is wrong with the entry."""
    if (status := _run(one.test, whole)) != 0:
        return f"its test does not pass as it is (status {status})"
    one.apply(_copy(broken))
    status = _run(one.test, broken)
    # pytest: 0 is passed, 1 is failed; the others are not the test's.
    return {0: "not seen", 1: "seen"}.get(status, f"pytest ended with {status}")


def _run(test: str, tree: Path) -> int:
    command = (sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test)
    done = subprocess.run(
        command, cwd=tree, capture_output=True, timeout=_LONGEST_SECONDS, check=False
    )
    return done.returncode


def _copy(target: Path) -> Path:
    """The project's files as they are now, without what git ignores."""
    listing = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True).stdout
    for name in names.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes((ROOT / name).read_bytes())
            (target / name).chmod((ROOT / name).stat().st_mode)
    return target


def _first_line(one: Removal) -> str:
    lines = [line.strip() for line in one.old.splitlines() if line.strip()]
    return lines[0] + (" ..." if len(lines) > 1 else "")


if __name__ == "__main__":
    main()
