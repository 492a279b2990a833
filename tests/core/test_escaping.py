"""Checks that text from outside is harmless where it is shown."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.escaping import escape


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("web-1", "web-1"),
        ("", ""),
        ("straße", "straße"),
        ("a\nb", r"a\nb"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\x7f\x9b", r"\x7f\x9b"),
        ("a\u202eb\u2066", r"a\u202eb\u2066"),
        # A mark that turns text, one that is not seen, and a space that is none.
        ("a\u061cb\u200bc\ufeff", r"a\u061cb\u200bc\ufeff"),
        ("a\U000e0041\xa0", r"a\U000e0041\xa0"),
        # Half of a character, as JSON may have it.
        ("\ud800", r"\ud800"),
    ],
)
def test_what_a_terminal_would_obey_is_written_out(text: str, shown: str) -> None:
    """And nothing else is changed."""
    assert escape(text) == shown


@given(st.text())
def test_no_text_keeps_a_control(text: str) -> None:
    """It can be encoded, and is one line."""
    shown = escape(text)
    assert len(shown.splitlines()) <= 1
    assert not {unicodedata.category(one) for one in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    shown.encode()
