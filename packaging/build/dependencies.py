"""What is bundled: each project with its version, licence and copyright, from its own metadata."""

import re
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from errors import BuildError
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

# What projects write that is no SPDX expression (spdx.org/licenses), and what they mean by it.
_SPDX = {
    "Apache License Version 2.0": "Apache-2.0",
    "BSD": "BSD-2-Clause",
    "GNU Lesser General Public License v3.0": "LGPL-3.0-only",
    "License :: OSI Approved :: MIT License": "MIT",
}
_LICENCE_FILE = re.compile(r"(LICEN[CS]E|COPYING|NOTICE)", re.IGNORECASE)
_COPYRIGHT = re.compile(
    r"^\W*((?:Copyright|©) (?:\(c\) )?(?:\d{4}|The ).*?)\.?\s*$", re.MULTILINE | re.I
)
# Whose copyright is on the text of a licence, not on the project.
_OF_THE_TEXT = "Free Software Foundation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """One bundled project; its files are paths below the bundle, but for those of its metadata."""

    name: str
    version: str
    licence: str
    """An SPDX expression."""
    copyrights: tuple[str, ...]
    licence_files: tuple[Path, ...]
    parts: tuple[str, ...]
    """Its folders and modules at the top of the bundle."""


def read_dependencies(bundle: Path) -> list[Dependency]:
    """Every project in a bundle, by name.

    Raises:
        BuildError: one has no licence that can be named, or does not come with its text.
    """
    found = [_dependency(bundle, one) for one in distributions(path=[str(bundle)])]
    return sorted(found, key=lambda one: one.name)


def _dependency(bundle: Path, one: Distribution) -> Dependency:
    folder = _folder(bundle, one)
    files = sorted(path for path in folder.rglob("*") if _is_licence(path))
    if not files:
        raise BuildError(f"{folder.name} has no file with its licence")
    return Dependency(
        name=one.metadata["Name"],
        version=one.version,
        licence=_licence(one, folder.name),
        copyrights=_copyrights(one, files),
        licence_files=tuple(files),
        parts=_parts(bundle, folder),
    )


def _folder(bundle: Path, one: Distribution) -> Path:
    name = re.sub(r"[-_.]+", "_", one.metadata["Name"]).lower()
    for folder in bundle.glob("*.dist-info"):
        if folder.name.lower() == f"{name}-{one.version}.dist-info":
            return folder
    raise BuildError(f"no metadata of {name} {one.version} in {bundle}")


def _is_licence(path: Path) -> bool:
    return path.is_file() and _LICENCE_FILE.match(path.name) is not None


def _field(one: Distribution, name: str) -> str | None:
    return one.metadata[name] if name in one.metadata else None  # noqa: SIM401


def _licence(one: Distribution, where: str) -> str:
    classifiers = one.metadata.get_all("Classifier") or []
    claims = [_field(one, "License-Expression"), _field(one, "License"), *classifiers]
    for claim in claims:
        try:
            return str(canonicalize_license_expression(_SPDX.get(claim or "", claim or "")))
        except InvalidLicenseExpression:
            continue
    raise BuildError(f"{where} names no licence that is known: add what it says to _SPDX")


def _copyrights(one: Distribution, files: list[Path]) -> tuple[str, ...]:
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in files]
    found = [line for text in texts for line in _COPYRIGHT.findall(text)]
    owned = [line for line in dict.fromkeys(found) if _OF_THE_TEXT not in line]
    author = _field(one, "Author") or _field(one, "Author-email")
    return tuple(owned) or (author or "the project's authors",)


def _parts(bundle: Path, folder: Path) -> tuple[str, ...]:
    record = (folder / "RECORD").read_text(encoding="utf-8")
    tops = {line.partition("/")[0].partition(",")[0] for line in record.splitlines()}
    return tuple(
        sorted(
            top for top in tops if top != ".." and (bundle / top).exists() and top != folder.name
        )
    )
