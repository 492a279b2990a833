"""The packages from the staged tree, by nfpm: its configuration, and what differs by format."""

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from changelog import Release
from commands import run
from dependencies import Dependency
from stage import CONFIG, ROOT

_FILES = ROOT / "packaging" / "files"
_SCRIPTS = ROOT / "packaging" / "scripts"
_MAINTAINER = "The pokepodsd maintainers <maintainers@pokepodsd.invalid>"
_RELEASE = "1"
_SUMMARY = "Keeps the tunnels between Kubernetes nodes open by poking"
_DESCRIPTION = f"""{_SUMMARY}
On virtual machines, the IP-in-IP tunnels between Kubernetes nodes often pass
no traffic until both ends have sent something. pokepodsd runs on every node
and sends ICMP echo requests through each tunnel, so that tunnels open when
they are made and stay open, and says in the journal which layer is broken
when one is cut off."""
_AFTER = str(_SCRIPTS / "rpm.posttrans")
_NONE: Mapping[str, str] = MappingProxyType({})
_DEBIANS_ZSH = {
    "usr/share/zsh/site-functions/_pokepodsd": "usr/share/zsh/vendor-completions/_pokepodsd"
}
_DEBIANS_COPYRIGHT = "usr/share/doc/pokepodsd/copyright"
# From the newest: of alternatives, package managers take the first that can be had.
_PYTHONS = ("3.14", "3.13", "3.12", "3.11")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the packages are made of."""

    tree: Path
    releases: list[Release]
    dependencies: list[Dependency]


def make_packages(sources: Sources, formats: tuple[str, ...], target: Path, work: Path) -> None:
    """Write one package of each format (deb, rpm, archlinux) into the target folder.

    ``work`` is a private folder for what nfpm reads.

    Raises:
        BuildError: nfpm refuses.
    """
    changelog = work / "changelog.json"
    changelog.write_text(json.dumps([_chglog(one) for one in sources.releases]))
    for packager in formats:
        configuration = work / f"{packager}.json"
        described = _common(sources, changelog) | _DIFFERENCES[packager](sources)
        # YAML is a superset of JSON.
        configuration.write_text(json.dumps(described, indent=2))
        made = work / packager
        made.mkdir()
        epoch = str(int(sources.releases[0].date.timestamp()))
        nfpm = str(Path(sys.executable).with_name("nfpm"))
        command = [nfpm, "package", "--config", str(configuration), "--packager", packager]
        _run([*command, "--target", str(made)], epoch)
        if packager == "deb":
            _compress(made, work / "unpacked", epoch)
        for path in made.iterdir():
            shutil.move(path, target / path.name)


def _run(command: list[str], epoch: str) -> None:
    run(command, {**os.environ, "SOURCE_DATE_EPOCH": epoch}, what=" ".join(command))


def _compress(folder: Path, work: Path, epoch: str) -> None:
    """Pack a deb again: xz of dpkg-deb makes it a third smaller than nfpm's."""
    for deb in folder.glob("*.deb"):
        _run(["dpkg-deb", "--raw-extract", str(deb), str(work)], epoch)
        # Not as many threads as this machine has: the result would depend on it.
        options = ["--root-owner-group", "-Zxz", "-z6", "--threads-max=1"]
        _run(["dpkg-deb", *options, "--build", str(work), str(deb)], epoch)


def _common(sources: Sources, changelog: Path) -> dict[str, Any]:
    release = sources.releases[0]
    return {
        "name": "pokepodsd",
        "arch": "all",
        "platform": "linux",
        "version": release.version,
        "release": _RELEASE,
        "maintainer": _MAINTAINER,
        "description": _DESCRIPTION,
        "license": "Apache-2.0",
        "section": "net",
        "priority": "optional",
        "changelog": str(changelog),
        "mtime": release.date.isoformat(),
        "umask": 0o022,
    }


def _chglog(release: Release) -> dict[str, Any]:
    """As nfpm reads changelogs (github.com/goreleaser/chglog)."""
    return {
        "semver": f"{release.version}-{_RELEASE}",
        "date": release.date.isoformat(),
        "packager": _MAINTAINER,
        "changes": [{"note": _wrapped(note)} for note in release.notes],
        "deb": {"urgency": "medium", "distributions": ["unstable"]},
    }


def _wrapped(note: str) -> str:
    """In lines that Debian's changelog has room for, whose first one begins with a mark."""
    return textwrap.fill(note, 74, subsequent_indent="    ")


def _deb(sources: Sources) -> dict[str, Any]:
    pythons = " | ".join(["python3 (>= 3.11)", *(f"python{one}" for one in _PYTHONS)])
    hook = _file(_FILES / "rtupdate", "/usr/share/python3/runtime.d/pokepodsd.rtupdate", mode=0o755)
    overrides = _file(
        _FILES / "lintian-overrides", "/usr/share/lintian/overrides/pokepodsd", mode=0o644
    )
    return {
        # Debian has no /usr/share/licenses: the copyright file holds the texts.
        "contents": [
            *_contents(sources, leave_out="usr/share/licenses/", moved=_DEBIANS_ZSH),
            hook,
            overrides,
        ],
        "depends": [pythons, "systemd (>= 249)"],
        "scripts": _scripts("deb", postinstall="postinst", preremove="prerm", postremove="postrm"),
        # dpkg-deb compresses it afterwards.
        "deb": {"compression": "none"},
    }


def _rpm(sources: Sources) -> dict[str, Any]:
    # SUSE's names have no dot.
    names = [f"python{one}" for version in _PYTHONS for one in (version, version.replace(".", ""))]
    pythons = " or ".join(["python3 >= 3.11", *names])
    provides = [
        f"bundled(python3dist({one.name.lower()})) = {one.version}" for one in sources.dependencies
    ]
    kinds = dict.fromkeys(("usr/share/doc/", "usr/share/man/"), "doc")
    kinds["usr/share/licenses/"] = "license"
    return {
        "contents": _contents(sources, leave_out=_DEBIANS_COPYRIGHT, kinds=kinds),
        "depends": [f"({pythons})", "systemd >= 249"],
        "provides": provides,
        "scripts": _scripts("rpm", postinstall="post", preremove="preun", postremove="postun"),
        "rpm": {
            "compression": "zstd:22",
            "group": "System Environment/Daemons",
            "summary": _SUMMARY,
            "packager": _MAINTAINER,
            # Else it is the name of the machine.
            "buildhost": "localhost",
            "scripts": {"posttrans": _AFTER},
        },
    }


def _archlinux(sources: Sources) -> dict[str, Any]:
    return {
        "contents": _contents(sources, leave_out=_DEBIANS_COPYRIGHT),
        "depends": ["python>=3.11", "systemd"],
        "scripts": {
            **_scripts("archlinux", preremove="preremove", postremove="postremove"),
            "postinstall": _AFTER,
        },
        "archlinux": {"packager": _MAINTAINER, "scripts": {"postupgrade": _AFTER}},
    }


_DIFFERENCES = {"deb": _deb, "rpm": _rpm, "archlinux": _archlinux}


def _scripts(packager: str, **names: str) -> dict[str, str]:
    """By nfpm's names, the files with the names that the format has for them."""
    return {step: str(_SCRIPTS / f"{packager}.{name}") for step, name in names.items()}


def _contents(
    sources: Sources,
    *,
    leave_out: str,
    kinds: Mapping[str, str] = _NONE,
    moved: Mapping[str, str] = _NONE,
) -> list[dict[str, Any]]:
    """Every file of the tree; folders that are only ours are ours, others are not named.

    ``kinds`` gives an nfpm type to files by how their path begins, ``moved`` another place.
    """
    contents = []
    for path in sorted(sources.tree.rglob("*")):
        place = str(path.relative_to(sources.tree))
        if place.startswith(leave_out):
            continue
        if path.is_dir():
            if "pokepodsd" in place:
                contents.append({"dst": f"/{place}", "type": "dir", "file_info": {"mode": 0o755}})
            continue
        entry = _file(path, f"/{moved.get(place, place)}", mode=path.stat().st_mode & 0o777)
        for beginning, kind in {CONFIG: "config|noreplace", **kinds}.items():
            if place.startswith(beginning):
                entry["type"] = kind
        contents.append(entry)
    return contents


def _file(path: Path, place: str, *, mode: int) -> dict[str, Any]:
    owned = {"mode": mode, "owner": "root", "group": "root"}
    return {"src": str(path), "dst": place, "file_info": owned}
