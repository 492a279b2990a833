"""What must hold of every text that may reach a terminal, a journal or a line of metrics."""

import unicodedata

from pokepodsd.core.escaping import escape

# Cc: controls. Cf: what turns or hides text (UAX 9). Cs: halves of pairs, which no encoding of text
# has. Zl, Zp: ends of lines.
_REFUSED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def check_line(text: str) -> None:
    """It is one line, which a terminal shows and obeys in nothing."""
    for character in text:
        if unicodedata.category(character) in _REFUSED:
            raise AssertionError(f"{character!r} is shown raw in {text!r:.200}")


def check_entry(text: str) -> None:
    """It is no line until it is escaped, which whoever writes entries does."""
    check_line(escape(text))
