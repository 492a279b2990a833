"""Owns which tests enter which functions of the core, and how long each test takes."""

import hashlib
import json
import os
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType

import pytest
from _pytest.runner import runtestprotocol

from tests.mutants.making import CORE


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What one run of all tests showed."""

    entered: dict[str, list[int]]
    """The indexes of the tests that enter a function, by `module:qualified name`."""
    seconds: list[float]
    """How long each test takes of the processor, while it is observed."""


def observe(items: list[pytest.Item], folder: Path) -> Observed:
    """Run all tests in a child, unless they and the core are as they were.

    Raises ``AssertionError`` when one fails.
    """
    path, key = folder / "observed.json", _key(items)
    if path.exists():
        said = json.loads(path.read_text())
        if said["key"] == key:
            return Observed(entered=said["entered"], seconds=said["seconds"])
    path.unlink(missing_ok=True)
    pid = os.fork()
    if pid == 0:
        try:
            path.write_text(json.dumps({"key": key, **_run(items)}))
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    assert status == 0, "a test fails without any mutant"
    said = json.loads(path.read_text())
    return Observed(entered=said["entered"], seconds=said["seconds"])


def _key(items: list[pytest.Item]) -> str:
    seen = hashlib.sha256()
    for item in items:
        seen.update(item.nodeid.encode())
    for path in sorted({*(item.path for item in items), *CORE.glob("*.py")}):
        seen.update(path.read_bytes())
    return seen.hexdigest()


def _run(items: list[pytest.Item]) -> dict[str, object]:
    entered: dict[str, list[int]] = defaultdict(list)
    seconds = []
    seen: dict[int, CodeType] = {}

    def note(frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        if id(code) not in seen:
            seen[id(code)] = code

    for number, item in enumerate(items):
        following = items[number + 1] if number + 1 < len(items) else None
        seen.clear()
        began = time.process_time()
        sys.settrace(note)
        reports = runtestprotocol(item, log=False, nextitem=following)
        sys.settrace(None)
        seconds.append(time.process_time() - began)
        for report in reports:
            if report.failed:
                os.write(2, f"{item.nodeid}\n{report.longreprtext}\n".encode())
                os._exit(1)
        for name in {name for code in seen.values() if (name := _name(code)) is not None}:
            entered[name].append(number)
    return {"entered": entered, "seconds": seconds}


def _name(code: CodeType) -> str | None:
    path = Path(code.co_filename)
    if path.parent.parts[-2:] != CORE.parts:
        return None
    return f"{path.stem}:{code.co_qualname}"
