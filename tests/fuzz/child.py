"""One target under atheris: `python -m tests.fuzz.child NAME SECONDS EXECUTIONS FOLDER`.

Started by `tests.fuzz.__main__`, a process a target. Writes what came of it into `report.json` of
the folder, each time that there is something new, and at the end; libFuzzer says its own on stderr.
"""

import json
import os
import random
import sys
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from tests.fuzz.mutations import mutated
from tests.fuzz.watched import Watched, peak_bytes

# Besides pokepodsd's: whose code an input's way is followed through.
PACKAGES: Final = {
    "netlink": ("pyroute2.netlink",),
    "kubeconfig": ("yaml", "kubernetes.config"),
    "certificate": ("pyasn1", "pyasn1_modules"),
}
_MIB: Final = 1024 * 1024
# On the clock, for an input that never ends.
_HANGS_SECONDS: Final = 120
_MOST_MEMORY_MIB: Final = 2048
_SHARE_OF_OWN: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of a target so far."""

    executions: int
    slowest_ms: float
    peak_mib: int
    findings: tuple[str, ...]


def fuzz(name: str, seconds: int, executions: int, folder: Path) -> None:
    """Search; ends the process."""
    # Without stubs, and its code marks what is imported from here on.
    atheris: Any = import_module("atheris")
    with atheris.instrument_imports(include=["pokepodsd", *PACKAGES.get(name, ())]):
        from tests.fuzz.table import TARGETS, seeds  # noqa: PLC0415

        target = TARGETS[name]
        # What is imported late is imported now.
        for data in seeds(name):
            Watched(target.entry).run(data)
    _write_corpus(folder / "corpus", seeds(name))
    _write_words(folder / "words", target.words)
    watched = Watched(target.entry)

    def one_input(data: bytes) -> None:
        slowest = watched.slowest_seconds
        finding = watched.run(data)
        if finding is not None:
            number = len(watched.findings)
            (folder / f"finding-{number}").write_bytes(data)
            (folder / f"finding-{number}.txt").write_text(finding.text, errors="replace")
        if finding is not None or watched.slowest_seconds > slowest or is_time(watched.executions):
            _write_report(folder, watched)

    def mutate(data: bytes, longest: int, seed: int) -> bytes:
        dice = random.Random(seed)
        if dice.random() < _SHARE_OF_OWN:
            return mutated(data, dice, target.words, longest)
        return bytes(atheris.Mutate(data, longest))

    options: dict[str, object] = {
        "max_total_time": seconds,
        "runs": executions,
        "max_len": target.longest,
        "timeout": _HANGS_SECONDS,
        "rss_limit_mb": _MOST_MEMORY_MIB,
        "artifact_prefix": f"{folder}/ended-by-",
        "print_final_stats": 1,
        "seed": 1,
    }
    if target.words:
        options["dict"] = folder / "words"
    flags = [f"-{key}={value}" for key, value in options.items()]
    corpus = str(folder / "corpus")
    atheris.Setup([sys.argv[0], *flags, corpus], one_input, custom_mutator=mutate)
    atheris.Fuzz()


def is_time(executions: int) -> bool:
    """Whether the report is written after so many: often at first, then every thousand."""
    return executions % 1_000 == 0 or executions < 100


def _write_report(folder: Path, watched: Watched) -> None:
    report = Report(
        executions=watched.executions,
        slowest_ms=round(watched.slowest_seconds * 1e3, 1),
        peak_mib=peak_bytes() // _MIB,
        findings=tuple(f"{one.kind}: {_last(one.text)}" for one in watched.findings.values()),
    )
    partial = folder / "report.json.new"
    partial.write_text(json.dumps(asdict(report)))
    partial.replace(folder / "report.json")
    (folder / "slowest").write_bytes(watched.slowest)


def _last(text: str) -> str:
    return ascii(text.strip().rpartition("\n")[2])[1:-1][:200]


def _write_corpus(folder: Path, inputs: list[bytes]) -> None:
    folder.mkdir(exist_ok=True)
    for number, data in enumerate(inputs):
        (folder / f"seed-{number}").write_bytes(data)


def _write_words(path: Path, words: tuple[bytes, ...]) -> None:
    """As libFuzzer wants a dictionary."""
    lines = ['"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in words]
    path.write_text("".join(lines))


if __name__ == "__main__":
    os.environ["PYTHONHASHSEED"] = "0"
    fuzz(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
