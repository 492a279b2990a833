"""Owns what Ctrl-C, SIGTERM and SIGHUP do to the demonstration: they end it, in good order."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Self

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Raises KeyboardInterrupt in the body of a `with` block, once, and not while it is deferred.

    `number` is the signal that came, if one did.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._is_deferred = False
        self._handlers = {number: signal.getsignal(number) for number in NUMBERS}

    def __enter__(self) -> Self:
        for number in NUMBERS:
            signal.signal(number, self._take)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Let the body come to its end, so that what it starts is not lost track of."""
        self._is_deferred = True
        try:
            yield
        finally:
            self._is_deferred = False
            if self.number is not None:
                self.ignore()
                raise KeyboardInterrupt

    def ignore(self) -> None:
        """Take no more signals, nor let the programs take any that are started from now on."""
        for number in NUMBERS:
            signal.signal(number, signal.SIG_IGN)

    def _take(self, number: int, _: FrameType | None) -> None:
        self.number = number
        if not self._is_deferred:
            self.ignore()
            raise KeyboardInterrupt
