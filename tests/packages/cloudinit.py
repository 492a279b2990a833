"""Owns the JSON Schema of cloud-init's own, taken out of Debian's package, which is not installed.

The cache is outside of the checkout; its name holds the package's version.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

PACKAGE = "cloud-init"
SCHEMA = "usr/lib/python3/dist-packages/cloudinit/config/schemas/schema-cloud-config-v1.json"


def schema() -> dict[str, Any]:
    """The schema of user data that begins with ``#cloud-config``."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    kept = base / "pokepodsd" / f"{PACKAGE}-{_candidate()}.schema.json"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=kept.parent) as folder:
            _unpack(Path(folder)).rename(kept)
    loaded: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return loaded


def _candidate() -> str:
    """The version that apt would install; a host that has no lists gets them."""
    for attempt in range(2):
        if attempt:
            subprocess.run(["apt-get", "update", "-q"], check=True, stdout=subprocess.DEVNULL)
        done = subprocess.run(
            ["apt-cache", "show", "--no-all-versions", PACKAGE],
            capture_output=True,
            text=True,
            check=False,
        )
        for line in done.stdout.splitlines():
            if line.startswith("Version: "):
                return line.removeprefix("Version: ").replace(":", "_")
    raise LookupError(f"apt knows no {PACKAGE}")


def _unpack(folder: Path) -> Path:
    subprocess.run(["apt-get", "download", "-q", PACKAGE], cwd=folder, check=True)
    (file,) = folder.glob("*.deb")
    subprocess.run(["dpkg-deb", "--extract", file, folder / "tree"], check=True)
    return folder / "tree" / SCHEMA
