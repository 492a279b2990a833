"""From what an operator names to what is poked: the daemon is asked first, then the kernel.

Owns the order in which those who may know are asked. Names are asked of the API server only where
no daemon knows them, and of the saved targets where it cannot be asked; an address needs neither.
"""

import contextlib
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pokepodsd.core.aims import Aim, is_namespace, is_traceable, near, peer_of, read_aim
from pokepodsd.core.config import Config
from pokepodsd.core.model import Layer, Target
from pokepodsd.core.peers import Peer, PeerBook
from pokepodsd.core.records import Refused
from pokepodsd.core.reported import Document, read_belief, read_peer
from pokepodsd.core.tracing import MOST_STAND_INS, Source, Subject, end_of, underlay_of
from pokepodsd.edge import statefile
from pokepodsd.edge.hostaddresses import own_addresses
from pokepodsd.edge.journal import escape
from pokepodsd.edge.netlink import route_to
from pokepodsd.errors import ApiError, ControlError, StateFileError, UnknownTargetError
from pokepodsd.tracing.knowledge import Status, ask_daemon, list_pods, read_tunnels


@dataclass(slots=True)
class Finder:
    """Who is meant; ``control`` is the daemon's socket, ``state`` its folder of saved targets."""

    config: Config
    control: Path
    state: Path
    _own: frozenset[str] = frozenset()
    _names: set[str] = field(default_factory=set)
    _notes: list[str] = field(default_factory=list)

    def find(self, text: str) -> Subject:
        """Who is meant by a text.

        Raises:
            UnknownTargetError: nobody that is known, or this host itself.
        """
        aim = read_aim(text)
        self._own = own_addresses()
        self._check(aim.address)
        tunnels, why = read_tunnels(self.config.tunnels.devices)
        self._notes += why
        book = PeerBook()
        book.set_own(None, self._own)
        for tunnel in tunnels:
            book.put_tunnel(tunnel)
        book.settle()
        subject = self._ask_daemon(aim, book) or self._look(aim, book)
        if subject.end is not None:
            self._check(subject.end.address)
        return subject

    def _check(self, address: str) -> None:
        """Refuse what cannot be traced; "" is none.

        Raises:
            UnknownTargetError: no poke of it would leave this host, or reach one other.
        """
        if address in self._own:
            raise UnknownTargetError(
                f"{address} is one of this host's own addresses: no poke of it leaves the host"
            )
        if address and not is_traceable(address):
            raise UnknownTargetError(f"{address} is no address that a node or a pod is reached by")

    def _ask_daemon(self, aim: Aim, book: PeerBook) -> Subject | None:
        """What the running daemon knows; None if there is none, or it does not know this."""
        try:
            return self._by_daemon(aim, book)
        except ControlError as error:
            self._notes.append(str(error))
            return None

    def _by_daemon(self, aim: Aim, book: PeerBook) -> Subject | None:
        meant = peer_of(aim, book.all())
        if aim.name:
            status = self._status(aim, peers="none", targets="all", namespace=aim.namespace)
            pod = _first(aim, [target for target, _ in status.pods])
            if pod is None:
                return None
            status.peers = self._peers_named(aim, pod.node)
        else:
            # An address is narrowed to its peer, where the routes show one.
            who = aim.node or (meant and (meant.address or meant.id))
            question = {"peer": who} if who else {}
            status = self._status(aim, peers="all", targets="all", **question)
            pod = _first(aim, [target for target, _ in status.pods])
        peer = self._choose_peer(aim, pod, meant, status)
        if peer is None and pod is None:
            if aim.node:
                self._note_names(self._status(aim, peers="all", targets="none").peers)
            return None
        return self._daemon_subject(aim, peer, pod, status)

    def _status(self, aim: Aim, **question: Any) -> Status:
        """Of the pods, those that are meant or may stand for a tunnel; all names are kept."""

        def is_wanted(pod: Target) -> bool:
            self._names.add(f"{pod.namespace}/{pod.name}")
            return not aim.address or aim.is_pod(pod) or "peer" in question

        return ask_daemon(self.control, is_wanted, **question)

    def _peers_named(self, aim: Aim, node: str | None) -> list[Document]:
        if node is None:
            return []
        return self._status(aim, peers="all", targets="none", peer=node).peers

    def _choose_peer(
        self, aim: Aim, pod: Target | None, meant: Peer | None, status: Status
    ) -> tuple[Peer, Document] | None:
        read = [(read_peer(one), one) for one in status.peers]
        self._note_names(status.peers)
        node = pod.node if pod is not None else None
        by_block = peer_of(aim, [peer for peer, _ in read]) if pod is None else None
        address = meant.address if meant is not None else None
        return next(
            (
                (peer, line)
                for peer, line in read
                if (node is not None and peer.node == node)
                or peer is by_block
                or (address is not None and peer.address == address)
            ),
            None,
        )

    def _daemon_subject(
        self, aim: Aim, found: tuple[Peer, Document] | None, pod: Target | None, status: Status
    ) -> Subject:
        peer, line = found if found is not None else (None, None)
        of_pod = next((one for target, one in status.pods if target == pod), None)
        pods = [target for target, _ in status.pods]
        subject = self._subject(aim, peer, pod, pods, Source.DAEMON)
        return replace(subject, belief=read_belief(status.header, line, of_pod))

    def _look(self, aim: Aim, book: PeerBook) -> Subject:
        """What is known without a daemon."""
        pods, source = self._pods(aim)
        book.put_pods(pods)
        book.settle()
        self._names |= {f"{pod.namespace}/{pod.name}" for pod in pods}
        self._names |= {name for peer in book.all() for name in _names_of(peer)}
        pod = _first(aim, pods)
        node = pod.node if pod is not None else None
        peer = next((one for one in book.all() if node is not None and one.node == node), None)
        peer = peer or peer_of(aim, book.all()) or self._behind_gateway(aim, book)
        if peer is None and pod is None and not aim.address:
            raise UnknownTargetError(self._unknown(aim))
        if aim.address and (pod is None or source is None):
            source = Source.ROUTES if peer is not None else Source.ADDRESS
        return self._subject(aim, peer, pod, pods, source or Source.ROUTES)

    def _pods(self, aim: Aim) -> tuple[list[Target], Source | None]:
        """Pods by the API for a name, else the saved ones."""
        if aim.node or (aim.name and is_namespace(aim.namespace)):
            try:
                return self._list(aim), Source.API
            except ApiError as error:
                self._notes.append(str(error))
        try:
            saved = statefile.peek(self.state)
        except StateFileError as error:
            self._notes.append(str(error))
            saved = []
        return saved, Source.SAVED if saved else None

    def _list(self, aim: Aim) -> list[Target]:
        """All pods of a namespace; of all of them, so many as tell where the node is."""
        pods: list[Target] = []
        with contextlib.closing(list_pods(self.config.kubernetes, aim.namespace)) as listing:
            for one in listing:
                if isinstance(one, Refused):
                    self._notes.append(
                        "the API server refuses the pods of other nodes (see pokepodsd rbac)"
                    )
                    continue
                pods += one
                if aim.node and sum(pod.node == aim.node for pod in pods) > MOST_STAND_INS:
                    break
        return pods

    def _behind_gateway(self, aim: Aim, book: PeerBook) -> Peer | None:
        """The peer that packets to the address are given to, past any tunnel."""
        gateway = _gateway(aim.address) if aim.address else None
        return next((one for one in book.all() if gateway and one.address == gateway), None)

    def _subject(
        self,
        aim: Aim,
        peer: Peer | None,
        pod: Target | None,
        pods: Iterable[Target],
        source: Source,
    ) -> Subject:
        end, hop = pod, None
        if pod is None and aim.address and not (peer is not None and aim.is_peer(peer)):
            end = end_of(aim.address, Layer.POD)
        if peer is None and end is not None:
            gateway = _gateway(end.address)
            if gateway is not None and not ipaddress.ip_address(gateway).is_link_local:
                hop = underlay_of(gateway)
            elif pod is None:
                # On the link itself there is nothing between.
                end = end_of(end.address, Layer.UNDERLAY)
        others = tuple(
            one
            for one in pods
            if peer is not None
            and one.node is not None
            and one.node == peer.node
            and one != end
            and one.address not in {peer.address, *self._own}
        )
        return Subject(
            text=aim.text,
            source=source,
            peer=peer,
            end=end,
            hop=hop,
            others=others,
            notes=tuple(dict.fromkeys(self._notes)),
        )

    def _note_names(self, peers: Iterable[Document]) -> None:
        self._names |= {name for one in peers for name in _names_of(read_peer(one))}

    def _unknown(self, aim: Aim) -> str:
        text = f"no node, pod or address is known as {aim.text!r:.100}"
        if likely := near(aim.text, self._names):
            text += f": did you mean {', '.join(repr(one) for one in likely)}?"
        elif aim.node:
            text += ": name a pod as NAMESPACE/NAME"
        notes = "; ".join(dict.fromkeys(self._notes))
        return escape(f"{text} ({notes})" if notes else text)


def _names_of(peer: Peer) -> list[str]:
    return [name for name in (peer.node, peer.address) if name is not None]


def _first(aim: Aim, pods: Sequence[Target]) -> Target | None:
    """The pod that is meant, by its IPv4 address where it has two."""
    meant = [pod for pod in pods if aim.is_pod(pod)]
    return min(meant, key=lambda pod: pod.family.value, default=None)


def _gateway(address: str) -> str | None:
    """The next hop to an address, where there is one."""
    with contextlib.suppress(OSError):
        return route_to(address).gateway
    return None
