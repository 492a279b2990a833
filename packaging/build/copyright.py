"""The licences of everything in the packages: Debian's copyright file.

The format is "machine-readable debian/copyright", version 1.0 (DEP-5).
"""

import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

from dependencies import Dependency

_FORMAT = "https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"
# Debian has these texts on every system, and wants them named, not repeated.
_COMMON = {
    "Apache-2.0": "Apache-2.0",
    "Apache-2.0 AND BSD-2-Clause": "Apache-2.0",
    "GPL-2.0-or-later OR Apache-2.0": "Apache-2.0",
    "LGPL-3.0-only": "LGPL-3",
    "MPL-2.0": "MPL-2.0",
}


def copyright_text(dependencies: Iterable[Dependency], *, lib: str) -> str:
    """The copyright file; ``lib`` is where the bundle is installed, without a leading slash."""
    paragraphs = [
        f"Format: {_FORMAT}\nUpstream-Name: pokepodsd",
        "Files: *\nCopyright: 2026 the authors of pokepodsd\nLicense: Apache-2.0",
    ]
    texts: dict[str, str] = {"Apache-2.0": _pointer("Apache-2.0")}
    for one in dependencies:
        short = one.licence if one.licence in _COMMON else f"{one.licence}-{one.name}"
        files = "".join(f"\n {lib}/{part}*" for part in one.parts)
        owners = "".join(f"\n {line}" for line in one.copyrights)
        paragraphs.append(
            f"Files:{files}\nCopyright:{owners}\nLicense: {_short_name(short)}\n"
            f"Comment: {one.name} {one.version}{_notices(one)}"
        )
        texts[short] = _text(one)
    paragraphs += [f"License: {_short_name(name)}\n{text}" for name, text in texts.items()]
    return "\n\n".join(paragraphs) + "\n"


def _short_name(licence: str) -> str:
    """DEP-5 writes expressions in lower case words."""
    return licence.replace(" OR ", " or ").replace(" AND ", " and ")


def _text(one: Dependency) -> str:
    if one.licence in _COMMON:
        # That of a part, see bundle.py.
        parts = [path for path in one.licence_files if path.name.startswith("LICENSE-")]
        texts = [line for path in parts for line in (" .", *_indented([path]))]
        return "\n".join([_pointer(_COMMON[one.licence]), *texts])
    return "\n".join(_indented(one.licence_files))


def _notices(one: Dependency) -> str:
    """What the Apache License asks to pass on (section 4, d), which is no part of its text."""
    notices = [path for path in one.licence_files if path.name.startswith("NOTICE")]
    return "".join(f"\n{line}" for line in _indented(notices))


def _pointer(name: str) -> str:
    return f" On Debian systems, its text is in /usr/share/common-licenses/{name}."


def _indented(files: Iterable[Path]) -> Iterator[str]:
    for path in files:
        text = textwrap.dedent(path.read_text(encoding="utf-8", errors="replace")).strip()
        for line in text.splitlines():
            yield f" {line.rstrip()}" if line.strip() else " ."
