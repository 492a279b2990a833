"""Histograms of round trips as Prometheus takes them: native, and classic derived from it.

Owns the arithmetic of buckets. Bucket ``i`` of schema 3 holds the values in (2**((i-1)/8),
2**(i/8)] (Prometheus, "Native Histograms"), so every eighth bound is a power of two, and a classic
bucket there is the exact sum of native ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

SCHEMA: Final = 3
_BUCKETS_A_DOUBLING: Final = 2**SCHEMA
_MOST: Final = 2**63
# 61 microseconds to 1 s: a hop in a rack, and the longest default of poke.timeout.
CLASSIC_EXPONENTS: Final = range(-14, 1)


@dataclass(frozen=True, slots=True)
class Span:
    """Buckets in a row: ``offset`` is the gap to the span before, or the first one's index."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Durations in seconds; ``buckets`` are counts by index, ``zero`` those of no length."""

    count: int
    sum_seconds: float
    zero: int
    buckets: Mapping[int, int]

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Histogram":
        """One as the metrics document has it.

        Raises:
            KeyError, ValueError, TypeError, AttributeError: it is none, or of another schema.
        """
        if document["schema"] != SCHEMA:
            raise ValueError(f"a histogram of schema {document['schema']!r}")
        return cls(
            count=_count(document["count"]),
            sum_seconds=float(document["sum_seconds"]),
            zero=_count(document["zero"]),
            buckets={int(index): _count(one) for index, one in document["buckets"].items()},
        )

    def classic(self) -> tuple[tuple[float, int], ...]:
        """Upper bounds in seconds with cumulative counts, infinity last."""
        finite = tuple((2.0**power, self._at_most(power)) for power in CLASSIC_EXPONENTS)
        return (*finite, (float("inf"), self.count))

    def spans(self) -> tuple[tuple[Span, ...], tuple[int, ...]]:
        """The native buckets: where they are, and each one's count less the one before."""
        spans: list[Span] = []
        following = 0
        filled = sorted(index for index, count in self.buckets.items() if count)
        for index in filled:
            if spans and index == following:
                spans[-1] = Span(spans[-1].offset, spans[-1].length + 1)
            else:
                spans.append(Span(index - following, 1))
            following = index + 1
        counts = [self.buckets[index] for index in filled]
        deltas = [count - before for before, count in zip([0, *counts], counts, strict=False)]
        return tuple(spans), tuple(deltas)

    def _at_most(self, power: int) -> int:
        last = power * _BUCKETS_A_DOUBLING
        return self.zero + sum(count for index, count in self.buckets.items() if index <= last)


def _count(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value < _MOST:
        raise ValueError(f"{value!r:.40} is no count")
    return value
