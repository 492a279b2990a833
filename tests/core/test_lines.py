"""Checks the cutting of a stream at its newlines."""

from collections import deque
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.lines import LineBuffer, LinePatience
from pokepodsd.core.model import MonotonicNs
from pokepodsd.errors import GarbledError, SilentError

LINES = st.lists(st.binary(max_size=12).map(lambda raw: raw.replace(b"\n", b"")), max_size=8)
CUTS = st.lists(st.integers(0, 120), max_size=12)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[low:high] for low, high in pairwise(edges)]


@given(LINES, st.binary(max_size=8).map(lambda raw: raw.replace(b"\n", b"")), CUTS)
def test_lines_are_the_same_however_the_stream_is_cut(
    lines: list[bytes], tail: bytes, cuts: list[int]
) -> None:
    """Every complete line comes out once, in order, whatever the chunks; the rest is held."""
    buffer = LineBuffer(longest=100)
    data = b"".join(line + b"\n" for line in lines) + tail
    out = [line for piece in pieces(data, cuts) for line in buffer.feed(piece)]
    assert out == lines
    assert buffer.is_empty == (not tail)


@given(st.integers(1, 40), CUTS)
def test_line_at_the_bound_passes_and_one_byte_more_does_not(longest: int, cuts: list[int]) -> None:
    """The bound is on the line, not on the chunk, and is inclusive."""
    fits = LineBuffer(longest=longest)
    whole = b"x" * longest + b"\n"
    assert [line for p in pieces(whole, cuts) for line in fits.feed(p)] == [whole[:-1]]
    too_long = LineBuffer(longest=longest)
    with pytest.raises(GarbledError):
        deque(line for p in pieces(b"x" + whole, cuts) for line in too_long.feed(p))


def test_endless_line_is_refused_before_its_newline() -> None:
    """A peer that never sends a newline cannot fill the memory."""
    buffer = LineBuffer(longest=10)
    list(buffer.feed(b"x" * 10))
    with pytest.raises(GarbledError):
        list(buffer.feed(b"x"))


def test_lines_before_a_too_long_one_are_handed_out() -> None:
    """What was whole is not lost with what was not."""
    buffer = LineBuffer(longest=3)
    lines = buffer.feed(b"abc\ntoo long\n")
    assert next(lines) == b"abc"
    with pytest.raises(GarbledError):
        next(lines)


def test_line_that_does_not_end_in_time_is_given_up() -> None:
    """By its first byte, whatever trickles after it; whole lines begin the time anew."""
    patience = LinePatience(longest_ns=10)
    for at in (0, 100, 200):
        patience.note(b"whole\n", MonotonicNs(at))
    for at, chunk in ((300, b"a"), (310, b"b"), (311, b"c\nd"), (321, b"e"), (400, b"\n")):
        patience.note(chunk, MonotonicNs(at))
    patience.note(b"f", MonotonicNs(500))
    patience.note(b"g", MonotonicNs(510))
    with pytest.raises(SilentError):
        patience.note(b"h", MonotonicNs(511))
