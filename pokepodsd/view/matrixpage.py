"""A matrix as one HTML page that needs nothing from elsewhere.

Owns the page's frame, its tables and the policy that proves it: no load of anything is allowed, and
of scripts and styles only those whose hashes the page names (Content Security Policy 3). How the
matrix is drawn and moved through on a screen is matrix.js's.
"""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

from pokepodsd import __version__
from pokepodsd.core.matrix import Failure, Matrix, State, failures
from pokepodsd.view.matrixdata import page_data
from pokepodsd.view.matrixlooks import LOOKS
from pokepodsd.view.matrixsvg import MOST_LETTERED, printed, swatch
from pokepodsd.view.matrixwords import common_domain, since, summary, time, who

_MOST_LISTED: Final = 1_000
_SCRIPTS: Final = ("matrixgrid.js", "matrix.js")


def page(matrix: Matrix) -> str:
    """The page."""
    style = _asset("matrix.css")
    script = "\n".join(map(_asset, _SCRIPTS))
    sentences = summary(matrix)
    moment = time(matrix.at_seconds)
    return Template(_asset("matrix.html")).substitute(
        policy=_policy(style, script),
        title=escape(f"{sentences[0]} pokepodsd matrix, {moment}"),
        style=style,
        moment=escape(moment),
        source=escape(matrix.source),
        version=escape(__version__),
        domain=_domain(matrix),
        mood="bad" if next(matrix.failing(), None) else "good",
        summary="\n".join(f"<li>{escape(sentence)}</li>" for sentence in sentences),
        nodes=f"{len(matrix.nodes):,}",
        legend="\n".join(_legend(matrix)),
        failures="\n".join(_failures(matrix)),
        drawing=printed(matrix),
        coarse="" if len(matrix.nodes) <= MOST_LETTERED else _COARSE,
        data=page_data(matrix),
        script=script,
    )


_COARSE: Final = (
    "<p>With so many nodes not every name has room; failing pairs are drawn larger than they are, "
    "and listed below. Nodes are in the order of this picture, along both sides.</p>"
)


def _domain(matrix: Matrix) -> str:
    domain = common_domain([node.name for node in matrix.nodes])
    return f" Every name ends in {escape(domain)}." if domain else ""


def _asset(name: str) -> str:
    return files("pokepodsd.view").joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _legend(matrix: Matrix) -> Iterator[str]:
    counts = matrix.counts()
    for state, look in LOOKS.items():
        number = counts.get(state, 0)
        if state is State.ITSELF or not number:
            continue
        yield (
            f"<li>{swatch(look)}<span><b>{escape(look.words)}</b> "
            f'<span class="number">{number:,}</span> '
            f'<span class="meaning">{escape(look.meaning)}</span></span></li>'
        )


def _failures(matrix: Matrix) -> Iterator[str]:
    found = failures(matrix)
    if not found:
        yield '<p id="nothing">No pair fails.</p>'
        return
    yield '<table id="failures"><caption>What fails</caption><thead><tr>'
    for heading in ("Who pokes", "Who is poked", "Verdict", "Since", "The other way", "Detail"):
        yield f'<th scope="col">{heading}</th>'
    yield "</tr></thead><tbody>"
    for failure in found[:_MOST_LISTED]:
        yield _failure(matrix, failure)
    yield "</tbody></table>"
    if len(found) > _MOST_LISTED:
        left = len(found) - _MOST_LISTED
        yield f"<p>And {left:,} more: the matrix has them, as -o json does.</p>"


def _failure(matrix: Matrix, failure: Failure) -> str:
    look = LOOKS[failure.state]
    poker, poked = who(matrix, failure)
    began = ""
    if failure.since_seconds is not None:
        began = since(failure.since_seconds, matrix.at_seconds)
    cells = (
        f"{escape(poker)}",
        f"{escape(poked)}",
        f"{swatch(look)} {escape(look.words)}",
        escape(began),
        escape(_back(matrix, failure)),
        escape(failure.text),
    )
    columns = "".join(f"<td>{cell}</td>" for cell in cells)
    numbers = f'data-poker="{_only(failure.pokers)}" data-poked="{_only(failure.poked)}"'
    return f"<tr {numbers}>{columns}</tr>"


def _only(numbers: Sequence[int]) -> str:
    return f"{numbers[0]}" if len(numbers) == 1 else ""


def _back(matrix: Matrix, failure: Failure) -> str:
    """What is known of the other direction."""
    states = {
        matrix.rows[poked][poker].state for poker in failure.pokers for poked in failure.poked
    }
    words = LOOKS[states.pop()].words if len(states) == 1 else "differs"
    return f"{words}: one way only" if failure.is_one_way else words
