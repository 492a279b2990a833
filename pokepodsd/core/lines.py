"""Bytes in, whole lines out.

Owns the cutting of a stream at newlines, and the bound on how long a line may be. Knows nothing
of what a line says.
"""

from collections.abc import Iterator

from pokepodsd.errors import GarbledError


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
