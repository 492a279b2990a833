"""What must hold of every text that may reach a terminal, a journal or a line of metrics."""

import unicodedata

from pokepodsd.core.escaping import escape

# Cc: controls. Cs: halves of pairs, which no encoding of text has. Zl, Zp: ends of lines.
_REFUSED = frozenset({"Cc", "Cs", "Zl", "Zp"})
# What turns the direction of all that follows (UAX 9).
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def check_line(text: str) -> None:
    """It is one line, which a terminal shows and obeys in nothing."""
    for character in text:
        if unicodedata.category(character) in _REFUSED or character in _TURNING:
            raise AssertionError(f"{character!r} is shown raw in {text!r:.200}")


def check_entry(text: str) -> None:
    """It is no line until it is escaped, which whoever writes entries does."""
    check_line(escape(text))
