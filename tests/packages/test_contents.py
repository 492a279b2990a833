"""What is in the packages, and how large they are."""

import gzip
import json
import re
import stat
import subprocess
from pathlib import Path

import pytest

from pokepodsd import __version__
from pokepodsd.core.sample import sample

MEGABYTE = 1_000_000
LIB = "usr/share/pokepodsd/lib"
FILES = (
    "etc/pokepodsd.toml",
    "usr/bin/pokepodsd",
    "usr/lib/systemd/catalog/pokepodsd.catalog",
    "usr/lib/systemd/system-preset/80-pokepodsd.preset",
    "usr/lib/systemd/system/pokepodsd-mounts@.path",
    "usr/lib/systemd/system/pokepodsd-mounts.service",
    "usr/lib/systemd/system/pokepodsd-mounts.timer",
    "usr/lib/systemd/system/pokepodsd.service",
    "usr/lib/sysusers.d/pokepodsd.conf",
    "usr/share/bash-completion/completions/pokepodsd",
    "usr/share/doc/pokepodsd/README.md",
    "usr/share/doc/pokepodsd/examples/ansible/pokepodsd.yaml",
    "usr/share/doc/pokepodsd/examples/cloud-init/pokepodsd.yaml",
    "usr/share/doc/pokepodsd/faults.md",
    "usr/share/doc/pokepodsd/operations.md",
    "usr/share/doc/pokepodsd/scale.md",
    "usr/share/fish/vendor_completions.d/pokepodsd.fish",
    "usr/share/man/man5/pokepodsd.toml.5.gz",
    "usr/share/man/man8/pokepodsd.8.gz",
    "usr/share/pokepodsd/drop-ins/eks.conf",
    "usr/share/pokepodsd/drop-ins/icmp-datagram.conf",
    "usr/share/pokepodsd/drop-ins/icmp-raw.conf",
    "usr/share/pokepodsd/drop-ins/k0s.conf",
    "usr/share/pokepodsd/drop-ins/k3s.conf",
    "usr/share/pokepodsd/drop-ins/metrics-textfile.conf",
    "usr/share/pokepodsd/drop-ins/microk8s.conf",
    "usr/share/pokepodsd/drop-ins/rke2.conf",
    "usr/share/pokepodsd/grafana/pokepodsd.json",
    "usr/share/pokepodsd/prometheus/pokepodsd.rules.yaml",
    "usr/share/pokepodsd/rbac/nodes.yaml",
    "usr/share/pokepodsd/rbac/serviceaccount.yaml",
    "usr/share/pokepodsd/sbom.cdx.json",
    "usr/share/pokepodsd/schema/check-1.json",
    "usr/share/pokepodsd/schema/matrix-1.json",
    "usr/share/pokepodsd/schema/status-1.json",
    "usr/share/pokepodsd/schema/trace-1.json",
)
ONLY_DEB = (
    "usr/share/doc/pokepodsd/changelog.Debian.gz",
    "usr/share/doc/pokepodsd/copyright",
    "usr/share/python3/runtime.d/pokepodsd.rtupdate",
    "usr/share/zsh/vendor-completions/_pokepodsd",
)
ONLY_RPM = (
    "usr/share/licenses/pokepodsd/GPL-3.0.txt",
    "usr/share/licenses/pokepodsd/LICENSE",
    "usr/share/licenses/pokepodsd/icmplib-LICENSE",
    "usr/share/zsh/site-functions/_pokepodsd",
)


def output(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def bundled(tree: Path) -> dict[str, str]:
    """The bundled projects with their versions, by their metadata."""
    names = [one.name for one in (tree / LIB).glob("*.dist-info")]
    found = (re.fullmatch(r"(.+)-([^-]+)\.dist-info", name) for name in names)
    return {one[1].replace("_", "-").lower(): one[2] for one in found if one}


@pytest.mark.parametrize("name", [*FILES, *ONLY_DEB])
def test_the_deb_has_it(tree: Path, name: str) -> None:
    """Every file that is promised, and none of them empty."""
    assert (tree / name).stat().st_size


def test_the_rpm_has_the_same(rpm: Path, tree: Path) -> None:
    """One tree makes both: they differ in what each format wants of its own."""
    listed = {line.lstrip("/") for line in output("rpm", "-qpl", rpm).splitlines()}
    assert {*FILES, *ONLY_RPM} <= listed
    in_deb = {str(one.relative_to(tree)) for one in tree.rglob("*") if one.is_file()}
    own = {"usr/share/lintian/overrides/pokepodsd", *ONLY_DEB}
    assert in_deb - listed == own
    files = {one for one in listed - in_deb if not (tree / one).is_dir()}
    assert {one for one in files if not one.startswith("usr/share/licenses/")} == {ONLY_RPM[-1]}


def test_the_links_of_the_documents_lead_to_files(tree: Path) -> None:
    """README and guide, as they are installed; the architecture is in the sources alone."""
    folder = tree / "usr/share/doc/pokepodsd"
    for name in ("README.md", "faults.md", "operations.md", "scale.md"):
        for link in re.findall(r"\]\(([^)#:]+)[#)]", (folder / name).read_text(encoding="utf-8")):
            path = tree / link.lstrip("/") if link.startswith("/") else folder / link
            assert path.exists() or link == "ARCHITECTURE.md", link


def test_what_the_documents_name_is_installed(tree: Path) -> None:
    """Every path below /usr in the manual pages, the guide, the catalog and the units exists."""
    documents = [
        one.read_text(encoding="utf-8") for one in (tree / "usr/lib").rglob("pokepodsd*.*")
    ]
    documents += [
        gzip.decompress(one.read_bytes()).decode() for one in (tree / "usr/share/man").rglob("*.gz")
    ]
    documents += [one.read_text(encoding="utf-8") for one in (tree / "usr/share/doc").rglob("*.md")]
    named = {
        one
        for text in documents
        for one in re.findall(r"/(usr/[\w./@-]*\bpokepodsd\b[\w./@-]*)", text)
    }
    assert {one for one in named if not (tree / one.rstrip(".-")).exists()} == set()


def test_the_manual_pages_are_of_this_release(tree: Path) -> None:
    """Compressed without a name or a time, with the release's date and version in their foot."""
    for page in (tree / "usr/share/man").rglob("*.gz"):
        packed = page.read_bytes()
        assert (packed[3], packed[4:8], packed[8]) == (0, bytes(4), 2)
        text = gzip.decompress(packed).decode()
        assert f".Os pokepodsd {__version__}\n" in text
        assert re.search(r"^\.Dd [A-Z][a-z]+ [0-9]{1,2}, 20[0-9]{2}$", text, re.MULTILINE)


def test_sizes(deb: Path, rpm: Path) -> None:
    """An operator copies it to every node: the deb is under 2 MB, the rpm under 2.5 MB."""
    assert deb.stat().st_size < 2 * MEGABYTE
    assert rpm.stat().st_size < 2.5 * MEGABYTE


def test_nothing_is_compiled(tree: Path) -> None:
    """One package serves every architecture and every Python: no machine code, no byte-code."""
    names = {one.name for one in tree.rglob("*")}
    assert not [name for name in names if name.endswith((".so", ".pyc")) or ".cpython-" in name]


def test_everything_is_roots(deb: Path) -> None:
    """Owner, group and mode of each file: nobody else may write, nothing runs as its owner."""
    for line in output("dpkg-deb", "--contents", deb).splitlines():
        mode, owner, *_ = line.split()
        assert owner == "root/root", line
        assert mode[1:] in {"rwxr-xr-x", "rw-r--r--"}, line


def test_what_may_be_run(tree: Path) -> None:
    """The program, what finds its Python, and Debian's hook: no module of the bundle."""
    runnable = {
        str(one.relative_to(tree))
        for one in tree.rglob("*")
        if one.is_file() and one.stat().st_mode & stat.S_IXUSR
    }
    hook = "usr/share/python3/runtime.d/pokepodsd.rtupdate"
    assert runnable == {"usr/bin/pokepodsd", "usr/share/pokepodsd/python", hook}


def test_the_configuration_is_the_administrators(deb: Path, rpm: Path, tree: Path) -> None:
    """A conffile of the deb, %config(noreplace) of the rpm, with every setting at its default."""
    assert output("dpkg-deb", "--field", deb, "Conffiles").strip() == ""
    assert output("dpkg-deb", "--info", deb, "conffiles") == "/etc/pokepodsd.toml\n"
    assert output("rpm", "-qp", "--configfiles", rpm) == "/etc/pokepodsd.toml\n"
    flags = output("rpm", "-qp", "--qf", "[%{FILEFLAGS:fflags} %{FILENAMES}\\n]", rpm)
    assert "cn /etc/pokepodsd.toml\n" in flags
    assert (tree / "etc/pokepodsd.toml").read_text() == sample()


def test_any_python_that_fits_is_enough(deb: Path, rpm: Path) -> None:
    """Python 3.11 or newer, whether it is the distribution's own or stands beside it."""
    depends = output("dpkg-deb", "--field", deb, "Depends")
    assert depends.startswith("python3 (>= 3.11) | python3.")
    assert "| python3.11, systemd (>= 249)" in depends
    requires = output("rpm", "-qp", "--requires", rpm).splitlines()
    (pythons,) = (line for line in requires if "python3" in line)
    assert pythons.startswith("(python3 >= 3.11 or python3.14 or python314 or ")
    assert pythons.endswith(" or python3.11 or python311)")


def test_what_is_bundled_is_declared(rpm: Path, tree: Path) -> None:
    """The bill of materials, the rpm's Provides and the metadata name the same projects."""
    bill = json.loads((tree / "usr/share/pokepodsd/sbom.cdx.json").read_text())
    listed = {one["name"].lower().replace("_", "-"): one["version"] for one in bill["components"]}
    assert listed == bundled(tree)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert all(one["licenses"][0]["expression"] for one in bill["components"])
    provides = output("rpm", "-qp", "--provides", rpm)
    for name, version in bundled(tree).items():
        declared = re.compile(
            rf"bundled\(python3dist\({name.replace('-', '[-_]')}\)\) = {version}$", re.M
        )
        assert declared.search(provides), name


def test_every_licence_is_there(tree: Path) -> None:
    """Debian's copyright file has a paragraph for each project, with its licence and its owner."""
    text = (tree / "usr/share/doc/pokepodsd/copyright").read_text()
    paragraphs = [dict(_fields(one)) for one in text.split("\n\n")]
    named = [one["Comment"].partition("\n")[0] for one in paragraphs if "Comment" in one]
    comments = {one.lower().replace("_", "-") for one in named}
    assert comments == {f"{name} {version}" for name, version in bundled(tree).items()}
    texts = {one["License"].partition("\n")[0] for one in paragraphs if set(one) == {"License"}}
    for one in paragraphs:
        if "Files" in one:
            assert one["License"] in texts
            assert one["Copyright"]
    # The Apache License, section 4 (d): what a project's NOTICE says comes along.
    (requests,) = (one for one in paragraphs if one.get("Comment", "").startswith("requests 2"))
    assert "Copyright 2019 Kenneth Reitz" in requests["Comment"]


def _fields(paragraph: str) -> list[tuple[str, str]]:
    found = re.findall(r"^(\S+?):(.*(?:\n .*)*)", paragraph, re.MULTILINE)
    return [(name, value.strip()) for name, value in found]
