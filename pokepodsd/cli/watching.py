"""The status again and again, until a signal ends it; the daemon may come and go meanwhile.

Owns the time between two looks, the signals, and the terminal, which is left as it was found.
What stands on it is the view's to say.
"""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Protocol

import click
from rich.console import Console
from rich.live import Live

from pokepodsd.cli import output
from pokepodsd.cli.status import Question, page
from pokepodsd.core.document import Document
from pokepodsd.core.escaping import escape
from pokepodsd.errors import ControlError, DeniedError
from pokepodsd.view.columns import Line, cut, paragraph
from pokepodsd.view.units import clock

_ENDING = (signal.SIGINT, signal.SIGTERM)
# A daemon that hangs is told soon; the next look may find it well.
_PATIENCE_SECONDS = 5.0


class _Ended(BaseException):
    """Somebody has seen enough."""


class _Viewer(Protocol):
    """Where it is shown."""

    def show(self, document: Document) -> None:
        """Show what the daemon says."""

    def miss(self, error: ControlError, since: datetime) -> None:
        """Show that it says nothing."""

    def close(self) -> None:
        """Leave everything as it was."""


def watch(question: Question, interval_seconds: float, *, is_json: bool) -> None:
    """Look until SIGINT or SIGTERM comes.

    Raises:
        DeniedError: this user may not ask, which waiting does not change.
    """
    with _signals():
        viewer = _viewer(question, interval_seconds, is_json=is_json)
        try:
            _look(question, interval_seconds, viewer)
        except _Ended:
            pass
        finally:
            viewer.close()


def _look(question: Question, interval_seconds: float, viewer: _Viewer) -> None:
    since: datetime | None = None
    while True:
        try:
            with _interruptible():
                document = question.ask(patience_seconds=_PATIENCE_SECONDS)
        except DeniedError:
            raise
        except ControlError as error:
            since = since or datetime.now().astimezone()
            viewer.miss(error, since)
        else:
            since = None
            viewer.show(document)
        with _interruptible():
            # A window that is resized is drawn anew at once.
            signal.sigtimedwait({signal.SIGWINCH}, interval_seconds)


@contextmanager
def _signals() -> Iterator[None]:
    """Signals wait while something is drawn, so that no frame is left half drawn."""

    def end(*_: Any) -> None:
        raise _Ended

    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {*_ENDING, signal.SIGWINCH})
    handlers = {number: signal.signal(number, end) for number in _ENDING}
    try:
        yield
    finally:
        # A second Ctrl-C has nothing left to end.
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in handlers.items():
            signal.signal(number, handler)


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)


def _viewer(question: Question, interval_seconds: float, *, is_json: bool) -> _Viewer:
    console = output.console(is_wide=True)
    if is_json:
        return _Stream(lambda document: click.echo(json.dumps(document)))
    if console.is_terminal and not console.is_dumb_terminal:
        return _Screen(console, question, interval_seconds)

    def show(document: Document) -> None:
        lines = page(document, question, console.width)
        console.print(output.coloured([*lines, Line()]), soft_wrap=True)

    return _Stream(show)


class _Stream:
    """One document after the other; what is missing is said once, and on stderr."""

    def __init__(self, show: Callable[[Document], None]) -> None:
        self._show = show
        self._told: datetime | None = None

    def show(self, document: Document) -> None:
        self._show(document)

    def miss(self, error: ControlError, since: datetime) -> None:
        if since != self._told:
            self._told = since
            click.echo(f"pokepodsd: {_missing(since)}: {escape(str(error))}", err=True)

    def close(self) -> None:
        """There is nothing to undo."""


class _Screen:
    """A page that is drawn over the one before, on the terminal's other screen."""

    def __init__(self, console: Console, question: Question, interval_seconds: float) -> None:
        self._console = console
        self._question = question
        self._interval_seconds = interval_seconds
        self._last: Document | None = None
        self._live = Live(
            console=console,
            screen=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def show(self, document: Document) -> None:
        self._last = document
        self._draw(self._page(document, self._console.height))

    def miss(self, error: ControlError, since: datetime) -> None:
        width = self._console.width
        lines = [Line(line, "bold red") for line in paragraph(_missing(since), width)]
        lines += [Line(line) for line in paragraph(escape(str(error)), width)]
        if self._last is not None:
            lines += [Line(), Line("Before that:")]
            lines += self._page(self._last, self._console.height - len(lines))
        self._draw(lines)

    def close(self) -> None:
        self._live.stop()

    def _page(self, document: Document, height: int) -> list[Line]:
        """The page in so many lines, of which the last says how old it is and how it ends."""
        width = self._console.width
        time = clock(document["at"], document["at"], None)
        footer = f"{time}, every {self._interval_seconds:g} s; Ctrl-C ends"
        lines = page(document, self._question, width)
        room = max(1, height - 1)
        if (left := len(lines) - room) > 0:
            lines = lines[:room]
            footer += f"; {left} more lines (--peer shows less)"
        return [*lines, Line(cut(footer, width), "dim")]

    def _draw(self, lines: list[Line]) -> None:
        self._live.update(output.coloured(lines), refresh=True)


def _missing(since: datetime) -> str:
    return f"no daemon since {since:%H:%M:%S}, trying again"
