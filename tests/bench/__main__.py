"""`python -m tests.bench`: runs the benchmarks, prints the report, writes it with its plots.

Owns the order of a run and what is written where. Where it is interrupted, that is what there is.
"""

import json
import os
import sys
import time
import traceback
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from tests.bench import report
from tests.bench.figures import Curves, Failure, Figure, Result, Run, short_of
from tests.bench.machine import machine, versions
from tests.bench.plots import draw
from tests.bench.table import BENCHMARKS, load
from tests.demonstration.interrupts import Interrupts

DOCUMENT = "results.json"
PAGE = "README.md"
_SIGNALLED = 128


@click.command()
@click.option("--short", "is_short", is_flag=True, help="Fewer and shorter runs, wide margins.")
@click.option("--only", multiple=True, type=click.Choice(list(BENCHMARKS)), help="Only this one.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/bench"),
    show_default=True,
    help="Where the report, its plots and the JSON are written.",
)
@click.option("--judge", is_flag=True, help="End with 1 where a goal is not reached.")
def main(is_short: bool, only: tuple[str, ...], output: Path, judge: bool) -> None:
    """Measure pokepodsd beside its peers, in namespaces of its own (root)."""
    # What is measured has byte-code, as a package installs it.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    chosen = {name: title for name, title in BENCHMARKS.items() if not only or name in only}
    ledger = _Ledger()
    with Interrupts() as interrupts:
        try:
            for name, title in chosen.items():
                ledger.running = name
                found = _measure(name, title, ledger, is_short=is_short)
                if judge and _is_disturbed(found, is_short=is_short):
                    print(f"{name}: measured again, and that counts", file=sys.stderr, flush=True)
                    del ledger.results[-len(found) :]
                    _measure(name, title, ledger, is_short=is_short)
        except KeyboardInterrupt:
            ledger.results.append(Failure(name=ledger.running, text="interrupted"))
        finally:
            _write(ledger, output, is_short=is_short)
    if interrupts.number is not None:
        sys.exit(_SIGNALLED + interrupts.number)
    has_failed = any(isinstance(one, Failure) for one in ledger.results)
    missed = short_of(ledger.results, is_short=is_short) if judge or has_failed else []
    for line in missed:
        print(f"not reached: {line}", file=sys.stderr)
    if missed:
        sys.exit(1)


class _Ledger:
    """What was found so far, and how long it took."""

    def __init__(self) -> None:
        self.begin = datetime.now(UTC)
        self.load = os.getloadavg()[0]
        self.results: list[Result] = []
        self.seconds: dict[str, float] = {}
        self.running = ""

    def circumstances(self, *, is_short: bool) -> report.Circumstances:
        return report.Circumstances(
            begin=self.begin,
            machine=machine(),
            versions=versions(),
            is_short=is_short,
            load=(self.load, os.getloadavg()[0]),
            seconds=self.seconds,
        )


def _write(ledger: _Ledger, output: Path, *, is_short: bool) -> None:
    """Print the report of what there is, and write it."""
    circumstances = ledger.circumstances(is_short=is_short)
    text = report.page(ledger.results, circumstances)
    output.mkdir(parents=True, exist_ok=True)
    (output / PAGE).write_text(text, encoding="utf-8")
    document = report.document(ledger.results, circumstances)
    (output / DOCUMENT).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    draw(ledger.results, output, is_short=is_short)
    print(text)
    print(f"written: {output}/{PAGE}, {output}/{DOCUMENT} and the plots", file=sys.stderr)


def _is_disturbed(found: list[Result], *, is_short: bool) -> bool:
    """Whether figures were missed, perhaps for what else the machine did: a slowdown would stay.

    A benchmark that failed is not asked twice.
    """
    missed = short_of(found, is_short=is_short)
    for line in missed:
        print(f"  not reached: {line}", file=sys.stderr, flush=True)
    return bool(missed) and not any(isinstance(one, Failure) for one in found)


def _measure(name: str, title: str, ledger: _Ledger, *, is_short: bool) -> list[Result]:
    """Enter the findings of one benchmark, with its failure where it ends with one."""
    print(f"{name}: {title}", file=sys.stderr, flush=True)
    begin = time.monotonic()
    entered = len(ledger.results)
    with TemporaryDirectory(prefix=f"bench-{name}-") as folder:
        try:
            with closing(load(name)(Run(folder=Path(folder), is_short=is_short))) as findings:
                for finding in findings:
                    ledger.results.append(finding)
                    print(f"  {_line(finding)}", file=sys.stderr, flush=True)
        except Exception:  # noqa: BLE001 - it is in the report, and the rest is still measured
            text = traceback.format_exc()
            print(text, file=sys.stderr, flush=True)
            ledger.results.append(Failure(name=name, text=text))
        finally:
            ledger.seconds[name] = time.monotonic() - begin
    print(f"  {ledger.seconds[name]:.0f} s", file=sys.stderr, flush=True)
    return ledger.results[entered:]


def _line(finding: Result) -> str:
    if isinstance(finding, Figure):
        beside = "".join(f", {peer} {report.spread(it)}" for peer, it in finding.peers.items())
        return f"{finding.name}: {report.spread(finding.ours)} {finding.unit}{beside}"
    kind = "plot" if isinstance(finding, Curves) else "text"
    return f"{finding.name} ({kind})"


if __name__ == "__main__":
    main()
