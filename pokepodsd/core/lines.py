"""Bytes in, whole lines out.

Owns the cutting of a stream at newlines, and the bounds on how long a line may be, in bytes and in
time. Knows nothing of what a line says.
"""

from collections.abc import Iterator

from pokepodsd.core.model import SECOND_NS, MonotonicNs
from pokepodsd.errors import GarbledError, SilentError


class LineBuffer:
    """Collects chunks and hands out complete lines, without their newline."""

    def __init__(self, *, longest: int) -> None:
        self._longest = longest
        self._parts: list[bytes] = []
        self._size = 0

    @property
    def is_empty(self) -> bool:
        """Whether no part of an unfinished line is held."""
        return self._size == 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield every line that this chunk completes.

        Raises:
            GarbledError: a line is longer than ``longest`` bytes.
        """
        head, newline, rest = chunk.partition(b"\n")
        while newline:
            self._add(head)
            line = b"".join(self._parts)
            self._parts.clear()
            self._size = 0
            yield line
            head, newline, rest = rest.partition(b"\n")
        if head:
            self._add(head)

    def _add(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._longest:
            raise GarbledError(f"a line is longer than {self._longest} bytes")
        self._parts.append(part)


class LinePatience:
    """How long one line may take: who sends a byte now and then is not silent, and says nothing."""

    def __init__(self, *, longest_ns: int) -> None:
        self._longest_ns = longest_ns
        self._begun: MonotonicNs | None = None

    def note(self, chunk: bytes, now: MonotonicNs) -> None:
        """These bytes came.

        Raises:
            SilentError: the line that they are a part of began too long ago.
        """
        if chunk.endswith(b"\n"):
            self._begun = None
        elif b"\n" in chunk or self._begun is None:
            self._begun = now
        elif now - self._begun > self._longest_ns:
            raise SilentError(
                f"it has sent parts of one line for {self._longest_ns / SECOND_NS:g} s"
            )
