"""Pokes that are held because somebody asked: who, which tunnels, and until when.

Owns the daemon's side of ``pokepodsd need``. Poking resumes whatever happens: when the client ends,
when its time is over, and when it never says another word.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.model import SECOND_NS, MonotonicNs
from pokepodsd.core.peers import Peer, PeerId
from pokepodsd.core.values import duration_text
from pokepodsd.edge.control import Connection

# Far beyond any conntrack timeout in use.
LONGEST_SECONDS = 24 * 60 * 60
_MOST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class _Hold:
    peers: tuple[Peer, ...]
    until_ns: MonotonicNs


class Holds:
    """Who holds the pokes of which peers."""

    def __init__(
        self,
        find: Callable[[str], list[Peer]],
        hold: Callable[[Iterable[PeerId]], None],
    ) -> None:
        self._find = find
        self._hold = hold
        self._holds: dict[Connection, _Hold] = {}
        self.entries: list[Entry] = []

    def answer(
        self, connection: Connection, request: Any, now: MonotonicNs
    ) -> Iterator[Mapping[str, Any]]:
        """Hold what the request names, for as long as its connection lasts."""
        yield self._take(connection, request, now)

    def turn(self, now: MonotonicNs) -> None:
        """Let go what is over."""
        over = [one for one, hold in self._holds.items() if not one.is_open or now >= hold.until_ns]
        for one in over:
            self._release(one)

    def next_due(self) -> MonotonicNs | None:
        """When something is over by the time alone."""
        return min((hold.until_ns for hold in self._holds.values()), default=None)

    def _take(
        self, connection: Connection, request: Mapping[str, Any], now: MonotonicNs
    ) -> Mapping[str, Any]:
        wanted, seconds = request.get("hold"), request.get("seconds")
        if connection.uid not in (0, os.geteuid()):
            # The group may look, and not stop what keeps the tunnels open.
            return {"error": "pokes are held for root only"}
        if not isinstance(wanted, str) or isinstance(seconds, bool):
            return {"error": "the request names no peer to hold"}
        if not isinstance(seconds, int) or not 0 < seconds <= LONGEST_SECONDS:
            return {"error": f"pokes are held for 1 to {LONGEST_SECONDS} s, not {seconds!r:.20}"}
        peers = tuple(peer for peer in self._find(wanted) if peer.tunnels)
        if not peers:
            return {"error": f"no peer with a tunnel is known as {wanted!r:.100}"}
        self._holds[connection] = _Hold(peers, MonotonicNs(now + seconds * SECOND_NS))
        connection.is_held = True
        self._apply()
        names = ", ".join(str(peer) for peer in peers[:_MOST_SHOWN])
        more = f" and {len(peers) - _MOST_SHOWN} more" if len(peers) > _MOST_SHOWN else ""
        text = (
            f"pokes through the tunnels to {names}{more} are held for at most "
            f"{duration_text(seconds * SECOND_NS)}, as pokepodsd need asked"
        )
        self._tell(EventKind.POKES_HELD, text)
        return {"peers": [_shown(peer) for peer in peers]}

    def _release(self, connection: Connection) -> None:
        del self._holds[connection]
        connection.is_held = False
        if connection.is_open:
            connection.close()
        self._apply()
        self._tell(EventKind.POKES_RESUMED, "the pokes that were held go on")

    def _apply(self) -> None:
        self._hold({peer.id for hold in self._holds.values() for peer in hold.peers})

    def _tell(self, kind: EventKind, text: str) -> None:
        self.entries.append(Entry(kind=kind, level=Level.NOTICE, text=text))


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
