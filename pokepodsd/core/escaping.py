"""Text from outside, made harmless for whatever shows it: terminals, journals."""

import re

# C0 and C1 controls, and the marks that reorder text (Unicode TR 36): a pod's name must not be
# able to move a terminal's cursor or to forge a line.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def escape(text: str) -> str:
    """Replace what a terminal would obey by its escape sequence in Python's writing."""
    if text.isascii() and text.isprintable():
        return text
    text = text.encode(errors="backslashreplace").decode()
    return _CONTROLS.sub(lambda found: ascii(found.group())[1:-1], text)
