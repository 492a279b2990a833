"""READY, STATUS, RELOADING, WATCHDOG, STOPPING; the only module that knows `sdnotify`.

Owns the notify socket. Takes NOTIFY_SOCKET and WATCHDOG_* out of the environment, so that no
child of ours, an exec credential plugin for one, can speak for the service.
"""

import logging
from collections.abc import MutableMapping

from sdnotify import SystemdNotifier

from pokepodsd.core.model import MonotonicNs

_LOG = logging.getLogger(__name__)
# Longer than a busy systemd takes; a message that is lost is less than a loop that stands. Only
# READY=1 is worth more, since a start that is not told is undone.
_PATIENCE_SECONDS = 0.1
_READY_PATIENCE_SECONDS = 5.0


class ServiceManager:
    """The line to systemd; without one, everything is silently in order (sd_notify(3))."""

    def __init__(self, environment: MutableMapping[str, str], *, pid: int) -> None:
        self._notifier = _notifier() if environment.get("NOTIFY_SOCKET") else None
        text = environment.get("WATCHDOG_USEC", "")
        period_us = int(text) if text.isdecimal() else 0
        if environment.get("WATCHDOG_PID", str(pid)) != str(pid):
            period_us = 0
        self.beat_every_ns = period_us * 1_000 // 2
        """Nanoseconds between beats: half the watchdog's period; 0 without a watchdog."""
        for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
            environment.pop(name, None)

    def ready(self, status: str) -> None:
        """The start, or a reload, is complete."""
        self._send(f"READY=1\nSTATUS={_ascii(status)}", patience=_READY_PATIENCE_SECONDS)

    def status(self, status: str) -> None:
        """The line that ``systemctl status`` shows."""
        self._send(f"STATUS={_ascii(status)}")

    def reloading(self, now: MonotonicNs) -> None:
        """A reload begins (MONOTONIC_USEC is needed since systemd 253)."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={now // 1_000}")

    def beat(self) -> None:
        """The loop makes progress."""
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """The stop begins."""
        self._send("STOPPING=1")

    def _send(self, text: str, *, patience: float = _PATIENCE_SECONDS) -> None:
        if self._notifier is None:
            return
        self._notifier.socket.settimeout(patience)
        try:
            self._notifier.notify(text)
        except OSError as error:
            _LOG.warning("cannot tell systemd %s: %s", text.split("=", 1)[0], error)


def _notifier() -> SystemdNotifier | None:
    try:
        return SystemdNotifier(debug=True)
    except OSError as error:
        _LOG.warning("cannot reach systemd: %s", error)
        return None


def _ascii(text: str) -> str:
    """One line of ASCII: sdnotify drops a datagram whole that is not latin-1."""
    return text.encode("ascii", "replace").decode().replace("\n", " ")
