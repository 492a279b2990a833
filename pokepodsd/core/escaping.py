"""Text from outside, made harmless for whatever shows it: terminals, journals."""


def escape(text: str) -> str:
    """Replace what is not seen as a character of its own by its escape in Python's writing.

    A pod's name must not be able to move a terminal's cursor, to forge a line, to turn text around
    or to look like another one (Unicode TR 36): controls, marks of format, ends of lines, spaces
    but the one, halves of pairs, and what Unicode has not assigned (`str.isprintable`).
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
