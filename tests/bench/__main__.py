"""`python -m tests.bench`: runs the benchmarks, prints the report, writes it with its plots.

Owns the order of a run and what is written where.
"""

import json
import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from tests.bench import report
from tests.bench.figures import Curves, Failure, Figure, Result, Run, short_of
from tests.bench.machine import machine, versions
from tests.bench.plots import draw
from tests.bench.table import BENCHMARKS, load

DOCUMENT = "results.json"
PAGE = "README.md"


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
    results: list[Result] = []
    for name, title in BENCHMARKS.items():
        if not only or name in only:
            results += _measure(name, title, is_short=is_short)
    circumstances = report.Circumstances(
        on=datetime.now(UTC).date(), machine=machine(), versions=versions(), is_short=is_short
    )
    text = report.page(results, circumstances)
    output.mkdir(parents=True, exist_ok=True)
    (output / PAGE).write_text(text, encoding="utf-8")
    document = report.document(results, circumstances)
    (output / DOCUMENT).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    draw(results, output, is_short=is_short)
    print(text)
    print(f"written: {output}/{PAGE}, {output}/{DOCUMENT} and the plots", file=sys.stderr)
    has_failed = any(isinstance(one, Failure) for one in results)
    if has_failed or (judge and short_of(results, is_short=is_short)):
        sys.exit(1)


def _measure(name: str, title: str, *, is_short: bool) -> list[Result]:
    """The findings of one benchmark, with its failure where it ends with one."""
    print(f"{name}: {title}", file=sys.stderr, flush=True)
    begin = time.monotonic()
    results: list[Result] = []
    with TemporaryDirectory(prefix=f"bench-{name}-") as folder:
        try:
            for finding in load(name)(Run(folder=Path(folder), is_short=is_short)):
                results.append(finding)
                print(f"  {_line(finding)}", file=sys.stderr, flush=True)
        except Exception:  # noqa: BLE001 - it is in the report, and the rest is still measured
            text = traceback.format_exc()
            print(text, file=sys.stderr, flush=True)
            results.append(Failure(name=name, text=text))
    print(f"  {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
    return results


def _line(finding: Result) -> str:
    if isinstance(finding, Figure):
        beside = "".join(f", {peer} {report.spread(it)}" for peer, it in finding.peers.items())
        return f"{finding.name}: {report.spread(finding.ours)} {finding.unit}{beside}"
    kind = "plot" if isinstance(finding, Curves) else "text"
    return f"{finding.name} ({kind})"


if __name__ == "__main__":
    main()
