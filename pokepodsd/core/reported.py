"""What the running daemon says of peers and targets, as `core.peers` and `core.model` have them.

Owns the reading of its status lines, and trusts no shape of theirs.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pokepodsd.core.kernel import Tunnel, TunnelId
from pokepodsd.core.model import Family, Layer, NodeName, Target, TargetId, Uid
from pokepodsd.core.peers import Peer, PeerId
from pokepodsd.errors import ControlError

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """What the daemon believes of a peer, and of the pod that was asked for.

    ``verdict`` is "" where it knows no peer, ``pod`` ("up", "down", "opening") where it pokes no
    such pod; ``since`` and ``pod_since`` are RFC 3339 texts, "" where it does not say. ``node`` is
    its sentence about this node where it believes that it is cut off.
    """

    verdict: str = ""
    since: str = ""
    is_held: bool = False
    pod: str = ""
    pod_since: str = ""
    node: str = ""


def read_peer(document: Document) -> Peer:
    """A peer of the status.

    Raises:
        ControlError: it is of an unknown shape.
    """
    try:
        address = _text_or_none(document["address"])
        node = _text_or_none(document["node"])
        tunnels = tuple(_read_tunnel(one, address) for one in document["tunnels"])
        return Peer(
            id=PeerId(_text(document["id"])),
            node=NodeName(node) if node is not None else None,
            address=_address(address) if address is not None else None,
            tunnels=tunnels,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(error) from error


def read_pod(document: Document) -> Target | None:
    """A pod of the status; None for a target that is none.

    Raises:
        ControlError: it is of an unknown shape.
    """
    try:
        if document["layer"] != Layer.POD.value:
            return None
        address, node = _address(document["address"]), _text_or_none(document["node"])
        return Target(
            id=TargetId(f"{_text(document['uid'])}/{address}"),
            uid=Uid(_text(document["uid"])),
            namespace=_text(document["namespace"]),
            name=_text(document["name"]),
            node=NodeName(node) if node is not None else None,
            address=address,
            family=Family.of(address),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(error) from error


def read_belief(header: Document, peer: Document | None, pod: Document | None) -> Belief:
    """What it believes, from the status' header and the lines of this peer and this pod.

    Raises:
        ControlError: it is of an unknown shape.
    """
    try:
        of_node = header["verdict"]
        is_cut_off = of_node["state"] == "cut-off"
        return Belief(
            verdict=_text(peer["verdict"]) if peer else "",
            since=_text_or_none(peer["since"]) or "" if peer else "",
            is_held=bool(peer["is_held"]) if peer else False,
            pod=_text(pod["state"]) if pod else "",
            pod_since=_text_or_none(pod["since"]) or "" if pod else "",
            node=_text(of_node["text"]) if is_cut_off else "",
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(error) from error


def _read_tunnel(document: Document, node: str | None) -> Tunnel:
    address, gateway = _text_or_none(document["address"]), _text_or_none(document["gateway"])
    blocks = tuple(str(ipaddress.ip_network(_text(one))) for one in document["blocks"])
    device = _text(document["device"])
    far = gateway or blocks[0]
    return Tunnel(
        id=TunnelId(f"{device}/{far}"),
        family=Family.of(address or blocks[0]),
        device=device,
        kind=_text(document["kind"]),
        gateway=gateway,
        blocks=blocks,
        addresses=(_address(address),) if address is not None else (),
        underlay=node,
    )


def _address(value: object) -> str:
    return str(ipaddress.ip_address(_text(value)))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is no text")
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


def _unreadable(error: Exception) -> ControlError:
    return ControlError(f"the running pokepodsd answers what is no status: {error!r:.100}")
