"""The child process that serves the metrics, as the daemon runs it.

Owns the process: what is served where, the file for node_exporter, and the end. It is a process of
its own, so that no client of it, however slow or many, delays a poke; all it knows it asks of the
daemon. It ends when the daemon's end of the socket closes, whatever happened to the daemon, and
takes the file with it: old metrics would say that all is well.
"""

import errno
import faulthandler
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from pokepodsd.core.document import joined
from pokepodsd.edge import metrics, textfile
from pokepodsd.edge.daemonline import DaemonLine
from pokepodsd.edge.httpserver import TEXT, HttpServer, Reply, Request
from pokepodsd.edge.metrics import Format
from pokepodsd.errors import ControlError, DaemonSilentError, DocumentError, GarbledError

_BROKEN_STATUS: Final = 70  # EX_SOFTWARE of sysexits.h
# How long the end waits for a file that is being written.
_PATIENCE_SECONDS = 2.0
_STATUS_DEFAULTS = {"peers": "all", "targets": "some"}
_AMOUNTS = ("some", "all", "none")
_NAMES = ("peer", "namespace")
# In bytes: no name of Kubernetes is longer. However they are escaped, two of them are a question
# that the daemon takes; one that is too long for it would cost this process its life.
_LONGEST_NAME = 253
_INDEX = (
    b"<!doctype html><title>pokepodsd</title><h1>pokepodsd</h1>"
    b'<ul><li><a href="metrics">metrics</a><li><a href="status">status</a></ul>\n'
)
_REMEDIES = {
    errno.EADDRINUSE: "another program listens there (ss -ltnp says which): choose another port",
    errno.EADDRNOTAVAIL: "this node has no such address",
    errno.EACCES: "ports below 1024 need a right that the unit does not have: choose a higher one",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What the exporter is to do; "off" is not at all."""

    listen: str
    textfile: str
    retry_seconds: float = 10.0
    write_seconds: float = 15.0


def run(channel: socket.socket, orders: Orders) -> None:
    """Serve until the daemon at the other end of the channel is gone; never returns."""
    faulthandler.disable()
    # systemd sends both to all processes of the unit. The daemon's end is what counts here, and
    # the file is to be removed after it.
    for number in (signal.SIGTERM, signal.SIGABRT):
        signal.signal(number, signal.SIG_IGN)
    threading.excepthook = _end_after(threading.excepthook)
    Exporter(DaemonLine(channel), orders).run()


def _end_after(say: Callable[[Any], object]) -> Callable[[Any], object]:
    def say_and_end(what: Any) -> None:
        say(what)
        os._exit(_BROKEN_STATUS)

    return say_and_end


class Exporter:
    """The main thread waits for the end, one serves, one writes the file."""

    def __init__(self, line: DaemonLine, orders: Orders) -> None:
        self._line = line
        self._orders = orders
        self._file = threading.Lock()

    def run(self) -> None:
        """Never returns."""
        bodies = {"http": self._serve} if self._orders.listen != "off" else {}
        if self._orders.textfile != "off":
            bodies["textfile"] = self._write_file
        for name, body in bodies.items():
            threading.Thread(target=body, name=name, daemon=True).start()
        self._line.wait_end()
        if self._orders.textfile != "off":
            self._file.acquire(timeout=_PATIENCE_SECONDS)
            textfile.remove(Path(self._orders.textfile))
        os._exit(0)

    def respond(self, request: Request) -> Reply:
        """The page that was asked for."""
        page = {"/": self._index, "/metrics": self._metrics, "/status": self._status}
        if request.path not in page:
            return _refusal(HTTPStatus.NOT_FOUND, "there are /metrics and /status")
        try:
            return page[request.path](request)
        except (DaemonSilentError, DocumentError, GarbledError) as error:
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        except ControlError as error:
            return _refusal(HTTPStatus.NOT_FOUND, str(error))

    def _index(self, _: Request) -> Reply:
        return Reply(_INDEX, "text/html; charset=utf-8")

    def _metrics(self, request: Request) -> Reply:
        wanted = metrics.choose(request.accept)
        return Reply(self._render(wanted), wanted.value)

    def _status(self, request: Request) -> Reply:
        asked = {**_STATUS_DEFAULTS, **request.query}
        for name, value in asked.items():
            if name not in (*_STATUS_DEFAULTS, *_NAMES):
                return _refusal(HTTPStatus.BAD_REQUEST, f"no parameter {name!r:.50}")
            if name in _STATUS_DEFAULTS and value not in _AMOUNTS:
                return _refusal(HTTPStatus.BAD_REQUEST, f"{name} is one of {', '.join(_AMOUNTS)}")
            if len(value.encode(errors="replace")) > _LONGEST_NAME:
                text = f"{name} is longer than {_LONGEST_NAME} bytes"
                return _refusal(HTTPStatus.BAD_REQUEST, text)
        document = joined(self._line.ask({"status": asked}))
        return Reply(json.dumps(document).encode() + b"\n", "application/json")

    def _render(self, wanted: Format, *, with_process: bool = True) -> bytes:
        (answer,) = self._line.ask({"metrics": {}})
        if "metrics" not in answer:
            raise GarbledError("the daemon's answer holds no metrics")
        return metrics.render(answer["metrics"], wanted, with_process=with_process)

    def _serve(self) -> None:
        told = ""
        while True:
            try:
                server = HttpServer(self._orders.listen, self.respond)
            except OSError as error:
                text = self._say_unserved(error)
                if text != told:
                    self._line.tell("trouble", text)
                    told = text
                time.sleep(self._orders.retry_seconds)
            else:
                place = f"http://{self._orders.listen}"
                self._line.tell("works", f"metrics are served at {place}/metrics")
                server.serve()

    def _say_unserved(self, error: OSError) -> str:
        number = error.errno or 0
        remedy = _REMEDIES.get(number, "see metrics.listen")
        return (
            f"no metrics can be served at {self._orders.listen} "
            f"({errno.errorcode.get(number, number)}, {error.strerror}): {remedy}. It is tried "
            f"again every {self._orders.retry_seconds:g} s, and poking goes on"
        )

    def _write_file(self) -> None:
        path, told = Path(self._orders.textfile), ""
        while True:
            try:
                with self._file:
                    self._refresh(path)
            except OSError as error:
                text = _say_unwritten(path, error)
                if text != told:
                    self._line.tell("trouble", text)
            else:
                text = ""
                if told:
                    self._line.tell("works", f"metrics are written into {path} again")
            told = text
            time.sleep(self._orders.write_seconds)

    def _refresh(self, path: Path) -> None:
        try:
            content = self._render(Format.TEXT, with_process=False)
        except (ControlError, GarbledError):
            # No metrics, as over HTTP: old ones would say that all is well.
            textfile.remove(path)
        else:
            textfile.write(path, content)


def _refusal(status: HTTPStatus, text: str) -> Reply:
    return Reply(f"{status.value} {text}\n".encode(errors="backslashreplace"), TEXT, status)


def _say_unwritten(path: Path, error: OSError) -> str:
    return (
        f"no metrics can be written into {path} ({error.strerror}): its folder must be there, and "
        "the unit must let pokepodsd write into it, see "
        "/usr/share/pokepodsd/drop-ins/metrics-textfile.conf. It is tried again and again, and "
        "poking goes on"
    )
