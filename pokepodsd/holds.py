"""Pokes that are held because somebody asked: who, which tunnels, and until when.

Owns the daemon's side of ``pokepodsd need``. Poking resumes whatever happens: when the client ends,
when its time is over, and when it never says another word.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pokepodsd.core.config import duration_text
from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.model import SECOND_NS, MonotonicNs
from pokepodsd.core.peers import Peer, PeerId
from pokepodsd.edge.control import Connection, Listener
from pokepodsd.errors import ControlError

# Far beyond any conntrack timeout in use.
LONGEST_SECONDS = 24 * 60 * 60
# How long a client may take to ask.
_SILENCE_NS = 10 * SECOND_NS
_MOST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class _Hold:
    peers: tuple[Peer, ...]
    until_ns: MonotonicNs


class Holds:
    """The clients of the control socket, and what they hold."""

    def __init__(
        self,
        find: Callable[[str], list[Peer]],
        hold: Callable[[Iterable[PeerId]], None],
    ) -> None:
        self._find = find
        self._hold = hold
        self._listener: Listener | None = None
        self._holds: dict[Connection, _Hold] = {}
        self._since: dict[Connection, MonotonicNs] = {}
        self.entries: list[Entry] = []

    def start(self, directory: Path | None) -> None:
        """Open the socket; without a runtime directory there is none."""
        if directory is None:
            return
        try:
            self._listener = Listener(directory)
        except OSError as error:
            text = (
                f"no control socket in {directory} ({error.strerror}): pokepodsd need cannot be "
                "used; the unit needs RuntimeDirectory=pokepodsd"
            )
            self._tell(EventKind.CONTROL_CLOSED, Level.WARNING, text)

    def stop(self) -> None:
        """Close it."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def sockets(self) -> Sequence[Listener | Connection]:
        """What to wait for."""
        if self._listener is None:
            return []
        # Full, it would be ready for ever.
        listener = [] if self._listener.is_full else [self._listener]
        return [*listener, *self._listener.connections]

    def turn(self, now: MonotonicNs) -> None:
        """Take requests, and let go what is over."""
        if self._listener is None:
            return
        self._listener.accept()
        for one in self._listener.connections:
            self._serve(one, now)
        over = [one for one, hold in self._holds.items() if not one.is_open or now >= hold.until_ns]
        for one in over:
            self._release(one)
        self._close_silent(self._listener.connections, now)
        # Last, so that nothing that is closed is waited for.
        self._listener.connections = [one for one in self._listener.connections if one.is_open]

    def next_due(self) -> MonotonicNs | None:
        """When something is over by the time alone."""
        times = [hold.until_ns for hold in self._holds.values()]
        times += [
            MonotonicNs(since + _SILENCE_NS)
            for one, since in self._since.items()
            if one.is_open and one not in self._holds
        ]
        return min(times, default=None)

    def _close_silent(self, there: Sequence[Connection], now: MonotonicNs) -> None:
        """Whoever asks for nothing makes room."""
        self._since = {one: self._since.get(one, now) for one in there}
        for one, since in self._since.items():
            if one.is_open and one not in self._holds and now - since > _SILENCE_NS:
                one.close()

    def _serve(self, connection: Connection, now: MonotonicNs) -> None:
        try:
            request = connection.read()
            if request is not None:
                connection.answer(self._take(connection, request, now))
        except ControlError as error:
            self._tell(EventKind.CONTROL_REFUSED, Level.INFO, f"control socket: {error}")

    def _take(
        self, connection: Connection, request: Mapping[str, Any], now: MonotonicNs
    ) -> Mapping[str, Any]:
        wanted, seconds = request.get("hold"), request.get("seconds")
        if not isinstance(wanted, str) or isinstance(seconds, bool):
            return {"error": "the request names no peer to hold"}
        if not isinstance(seconds, int) or not 0 < seconds <= LONGEST_SECONDS:
            return {"error": f"pokes are held for 1 to {LONGEST_SECONDS} s, not {seconds!r:.20}"}
        peers = tuple(peer for peer in self._find(wanted) if peer.tunnels)
        if not peers:
            return {"error": f"no peer with a tunnel is known as {wanted!r:.100}"}
        self._holds[connection] = _Hold(peers, MonotonicNs(now + seconds * SECOND_NS))
        self._apply()
        names = ", ".join(str(peer) for peer in peers[:_MOST_SHOWN])
        more = f" and {len(peers) - _MOST_SHOWN} more" if len(peers) > _MOST_SHOWN else ""
        text = (
            f"pokes through the tunnels to {names}{more} are held for at most "
            f"{duration_text(seconds * SECOND_NS)}, as pokepodsd need asked"
        )
        self._tell(EventKind.POKES_HELD, Level.NOTICE, text)
        return {"peers": [_shown(peer) for peer in peers]}

    def _release(self, connection: Connection) -> None:
        del self._holds[connection]
        if connection.is_open:
            connection.close()
        self._apply()
        self._tell(EventKind.POKES_RESUMED, Level.NOTICE, "the pokes that were held go on")

    def _apply(self) -> None:
        self._hold({peer.id for hold in self._holds.values() for peer in hold.peers})

    def _tell(self, kind: EventKind, level: Level, text: str) -> None:
        self.entries.append(Entry(kind=kind, level=level, text=text))


def runtime_directory() -> Path | None:
    """The folder for the socket, where the service manager made one (RuntimeDirectory=)."""
    text = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return Path(text) if text else None


def _shown(peer: Peer) -> dict[str, Any]:
    tunnels = [
        {
            "device": tunnel.device,
            "kind": tunnel.kind,
            "blocks": tunnel.blocks,
            "addresses": tunnel.addresses,
        }
        for tunnel in peer.tunnels
    ]
    return {"peer": str(peer), "address": peer.address, "tunnels": tunnels}
