"""The preflight's findings as lines for a terminal of any width.

A command stands in lines of its own, folded where a shell reads on, so that it can be copied as it
is shown.
"""

import textwrap
from collections.abc import Sequence

from pokepodsd.edge.journal import escape
from pokepodsd.preflight.finding import Finding, Level, Place

_INDENT = 9
_COLOURS = {Level.OK: "32", Level.WARNING: "33", Level.FAILED: "1;31", Level.SKIPPED: "36"}
_LABELS = {
    Place.HERE: "this mends it:",
    Place.CLUSTER: "this mends it, where kubectl has an administrator's rights:",
    Place.ELSEWHERE: "no command on this host mends it; this shows more:",
}
_NARROWEST = 40
_MOST_NAMES = 3


def render_finding(finding: Finding, *, width: int, has_colour: bool) -> str:
    """One finding in lines, without a newline at the end."""
    width = max(width, _NARROWEST)
    word = finding.level.value
    lines = textwrap.wrap(
        escape(f"{finding.name}: {finding.text}"),
        width,
        initial_indent=f"{word:<{_INDENT}}",
        subsequent_indent=" " * _INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
    if has_colour:
        lines[0] = f"\x1b[{_COLOURS[finding.level]}m{word}\x1b[0m{lines[0][len(word) :]}"
    if finding.remedy is not None:
        label = "look as root:" if finding.level is Level.SKIPPED else _LABELS[finding.remedy.place]
        lines.append(" " * _INDENT + label)
        lines += fold_command(escape(finding.remedy.command), width=width, indent=_INDENT + 2)
    return "\n".join(lines)


def render_summary(findings: Sequence[Finding]) -> str:
    """How many there are of each level, and which are not well, in one line."""
    numbers = {level: sum(one.level is level for one in findings) for level in Level}
    plural = "" if numbers[Level.WARNING] == 1 else "s"
    words = {level: level.value for level in Level} | {Level.WARNING: f"warning{plural}"}
    return ", ".join(
        f"{number} {words[level]}{_names(findings, level)}"
        for level, number in numbers.items()
        if number
    )


def _names(findings: Sequence[Finding], level: Level) -> str:
    """The first of those that are to be looked at: they may have left the screen."""
    if level in (Level.OK, Level.SKIPPED):
        return ""
    names = [escape(one.name) for one in findings if one.level is level]
    more = ", ..." if len(names) > _MOST_NAMES else ""
    return f" ({', '.join(names[:_MOST_NAMES])}{more})"


def fold_command(command: str, *, width: int, indent: int) -> list[str]:
    """A command in lines that a shell takes for one: each but the last ends in a backslash.

    Broken at blanks that are in no quotes; a word that is longer than a line is left whole.
    """
    lines = [" " * indent]
    for word in _words(command):
        fits = len(lines[-1]) + len(word) + len(" \\") < width
        if lines[-1].strip() and not fits:
            lines[-1] += " \\"
            lines.append(" " * (indent + 2) + word)
        else:
            lines[-1] += f" {word}" if lines[-1].strip() else word
    return lines


def _words(command: str) -> list[str]:
    """Parted at single blanks outside of quotes."""
    words, quote = [""], ""
    for letter in command:
        if letter == " " and not quote:
            words.append("")
            continue
        if letter in "'\"" and quote in ("", letter):
            quote = "" if quote else letter
        words[-1] += letter
    return words
