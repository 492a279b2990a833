"""Packages whose own code waits, in interpreters that have imported nothing yet."""

import subprocess
import sys
from pathlib import Path

import pytest

# A package that says when its code runs, as its parts do.
PACKAGE = {
    "__init__.py": 'print("whole")\nfrom box.one import One\nfrom box.two import Two\nTHREE = 3\n',
    "one.py": 'print("one")\nclass One: ...\n',
    "two.py": 'print("two")\nfrom box import one\nclass Two: ...\n',
    "inner/__init__.py": 'print("inner")\nfrom box.inner.leaf import Leaf\n',
    "inner/leaf.py": 'print("leaf")\nclass Leaf: ...\n',
}
DEFER = 'from pokepodsd.deferral import defer; defer({"box": {"Two": "two"}, "box.inner": {}})'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in PACKAGE.items():
        (tmp_path / "box" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "box" / name).write_text(text)
    return tmp_path


def run(folder: Path, *lines: str) -> list[str]:
    """What a program prints that begins with the deferral."""
    paths = f"import sys; sys.path.insert(0, {str(folder)!r})"
    ended = subprocess.run(
        [sys.executable, "-c", "\n".join((paths, DEFER, *lines))],
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout.split()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("import box", []),
        ("import box.one", ["one"]),
        ("from box import one", ["one"]),
        ("from box.two import Two", ["two", "one"]),
        ("from box import Two", ["two", "one"]),
        ("import box.inner.leaf", ["leaf"]),
        ("import box; box.one.One", ["one"]),
    ],
)
def test_a_part_is_imported_without_the_whole(folder: Path, line: str, said: list[str]) -> None:
    """Neither a submodule nor an attribute with a home needs the package's own code."""
    assert run(folder, line) == said


@pytest.mark.parametrize(
    "line", ["from box import One", "import box; box.THREE", "from box import *; THREE"]
)
def test_whoever_uses_the_whole_gets_it(folder: Path, line: str) -> None:
    """Anything else that is asked for runs the package's own code: once."""
    again = "import box; print(box.THREE, box.One.__name__, box.Two.__name__)"
    assert run(folder, line, again) == ["whole", "one", "two", "3", "One", "Two"]


def test_what_there_is_not_is_an_error_as_always(folder: Path) -> None:
    """A name that the package does not have, nor any package of that name."""
    lines = (
        "import box",
        "try: box.nothing",
        "except AttributeError as error: print(str(error).replace(' ', '_'))",
        "try: import box.nothing",
        "except ModuleNotFoundError as error: print(error.name)",
    )
    said = ["whole", "one", "two", "module_'box'_has_no_attribute_'nothing'", "box.nothing"]
    assert run(folder, *lines) == said


def test_the_package_says_of_itself_what_it_always_does(folder: Path) -> None:
    """Its file, its path and its loader: what looks at them is no use."""
    lines = (
        "import box, inspect",
        "print(inspect.getsourcefile(box), *box.__path__, type(box.__loader__).__name__)",
        "print(type(box.__spec__.loader).__name__, hasattr(box, '__wrapped__'))",
    )
    place = folder / "box"
    loader = "SourceFileLoader"
    assert run(folder, *lines) == [f"{place}/__init__.py", str(place), loader, loader, "False"]


# The largest of each package, which nothing of ours uses.
UNUSED = {
    "pyroute2.ndb.main": "pokepodsd.edge.netlink",
    "pyroute2.netlink.rtnl.tcmsg": "pokepodsd.edge.netlink",
    "asyncio.events": "pokepodsd.cli.run",
    "kubernetes.client.api": "pokepodsd.edge.apiserver",
    "kubernetes.client.models.v1_pod": "pokepodsd.edge.kubeconfig",
    "kubernetes.config.kube_config": "pokepodsd.cli.run",
}


@pytest.mark.parametrize(("unused", "module"), UNUSED.items())
def test_what_is_not_used_is_not_imported(unused: str, module: str) -> None:
    """By the modules that use the rest of the package."""
    script = f"import sys, {module}; print({unused!r} in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert ended.stdout == "False\n"


def test_what_is_not_used_can_be() -> None:
    """The whole of each package is there for whoever asks, after ours was imported."""
    script = """
import pokepodsd.cli.run, pokepodsd.edge.apiserver, pokepodsd.edge.kubeconfig
import asyncio, icmplib, pyroute2
from kubernetes import client, config
print(client.V1Pod.__name__, client.CoreV1Api.__name__, config.load_kube_config.__name__)
print(pyroute2.IPRoute.__name__, asyncio.run(icmplib.async_resolve("127.0.0.1")))
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    said = ["V1Pod", "CoreV1Api", "load_kube_config", "IPRoute", "['127.0.0.1']"]
    assert ended.stdout.split() == said
