"""The dependencies as one folder of pure Python, from the lock with its hashes.

Owns what pip is told and what is left out. Knows nothing of pokepodsd's own code, which changes
more often than the lock.
"""

import os
import shutil
import sys
from itertools import takewhile
from pathlib import Path

from commands import run
from errors import BuildError

# These come as wheels with compiled parts, or as no wheel at all: made from source, without them.
FROM_SOURCE = ("charset-normalizer", "pyyaml", "sdnotify")
# Not needed: the host has its own time zones, and of rich only tables and progress bars are used,
# no highlighting of source code and no Markdown.
LEFT_OUT = ("markdown_it", "mdurl", "pygments", "tzdata")
# Nor are these parts: programs of their own, what is for other systems, for frameworks that are not
# used or for tests, and all formats of ASN.1 but that of certificates.
PARTS_LEFT_OUT = (
    "charset_normalizer/cli",
    "click/testing.py",
    "dateutil/easter.py",
    "dateutil/rrule.py",
    "dateutil/zoneinfo",
    # Only for names of hosts that are not ASCII and not prepared either, as in a browser.
    "idna/uts46data.py",
    "prometheus_client/aiohttp",
    "prometheus_client/bridge",
    "prometheus_client/django",
    "prometheus_client/multiprocess.py",
    "prometheus_client/openmetrics/parser.py",
    "prometheus_client/parser.py",
    "prometheus_client/twisted",
    "pyasn1_modules/rfc[!5]*.py",
    "pyasn1_modules/rfc5[!2]*.py",
    "pyasn1_modules/rfc52[!8]*.py",
    "pyroute2/bsd",
    "pyroute2/decoder",
    "pyroute2/dhcp",
    "pyroute2/fixtures",
    "pyroute2/nftables",
    "rich/_win32_console.py",
    "rich/markdown.py",
    "rich/syntax.py",
    "urllib3/contrib/emscripten",
)

# Modules that come with a project under a licence of their own, which stands at their beginning.
WITH_OWN_LICENCE = ("prometheus_client/decorator.py",)


def make_bundle(lock: Path, folder: Path) -> None:
    """Install the locked dependencies into a folder, which must not be there yet.

    Network: the package index that pip is configured for. ``PIP_NO_INDEX`` and ``PIP_FIND_LINKS``
    name a folder of files instead (pip, "Configuration").

    Raises:
        BuildError: pip failed, or something that is not pure Python came along.
    """
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder)]
    command += ["--require-hashes", "--no-deps", "--no-compile", "--no-cache-dir"]
    command += ["--use-pep517", "--no-build-isolation", "--no-binary", ",".join(FROM_SOURCE)]
    command += ["--disable-pip-version-check", "--requirement", str(lock)]
    # Without it PyYAML is compiled against libyaml where the host has its headers.
    environment = {**os.environ, "PYYAML_FORCE_LIBYAML": "0"}
    run(command, environment, what=f"pip, which installs {lock},")
    _check_pure(folder)
    _prune(folder)
    for module in WITH_OWN_LICENCE:
        _write_licence(folder / module)


def _write_licence(module: Path) -> None:
    """Put the licence of a module beside that of its project."""
    lines = takewhile(lambda line: not line.startswith('"""'), module.open(encoding="utf-8"))
    text = "".join(line.strip("# \n") + "\n" for line in lines)
    (metadata,) = module.parents[1].glob(f"{module.parent.name}-*.dist-info")
    (metadata / "licenses" / f"LICENSE-{module.stem}").write_text(text, encoding="utf-8")


def _check_pure(folder: Path) -> None:
    for compiled in folder.rglob("*.so"):
        raise BuildError(f"{compiled} is compiled: add its project to FROM_SOURCE")
    for wheel in folder.glob("*.dist-info/WHEEL"):
        if "Root-Is-Purelib: true" not in wheel.read_text(encoding="utf-8"):
            raise BuildError(f"{wheel.parent.name} is not pure Python")


def _prune(folder: Path) -> None:
    shutil.rmtree(folder / "bin")
    for name in LEFT_OUT:
        shutil.rmtree(folder / name)
        for information in folder.glob(f"{name}*.dist-info"):
            shutil.rmtree(information)
    for part in PARTS_LEFT_OUT:
        for path in [*folder.glob(part)]:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for tests in [*folder.glob("*/tests"), *folder.glob("*/test")]:
        shutil.rmtree(tests)
    for test in [*folder.rglob("*_test.py"), *folder.rglob("test_*.py")]:
        test.unlink()
    for module in folder.rglob("*.py"):
        _neutralise(module)


def _neutralise(module: Path) -> None:
    """Take the interpreter's path out of a module that nobody runs, and its executable bit."""
    content = module.read_bytes()
    if content.startswith(b"#!"):
        # The line stays, so that line numbers do.
        module.write_bytes(b"#" + content[2:])
    module.chmod(0o644)
