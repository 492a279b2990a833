"""What the running daemon says of peers and targets, as `core.peers` and `core.model` have them.

Owns the conversion of its status lines, whose shape is `core.document`'s and is checked first.
"""

import ipaddress
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pokepodsd.core import document as told
from pokepodsd.core.kernel import Tunnel, TunnelId
from pokepodsd.core.model import Family, Layer, NodeName, Target, TargetId, Uid
from pokepodsd.core.peers import Peer, PeerId
from pokepodsd.core.shape import check_of
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
    with _translated():
        peer: told.Peer = _checked(document, told.Peer)
        node, address = peer["node"], peer["address"]
        return Peer(
            id=PeerId(peer["id"]),
            node=NodeName(node) if node is not None else None,
            address=_address(address) if address is not None else None,
            tunnels=tuple(_read_tunnel(one, address) for one in peer["tunnels"]),
        )


def read_pod(document: Document) -> Target | None:
    """A pod of the status; None for a target that is none.

    Raises:
        ControlError: it is of an unknown shape.
    """
    with _translated():
        target: told.Target = _checked(document, told.Target)
        if target["layer"] != Layer.POD.value:
            return None
        address, node = _address(target["address"]), target["node"]
        return Target(
            id=TargetId(f"{target['uid']}/{address}"),
            uid=Uid(target["uid"]),
            namespace=target["namespace"],
            name=target["name"],
            node=NodeName(node) if node is not None else None,
            address=address,
            family=Family.of(address),
        )


def read_belief(header: Document, peer: Document | None, pod: Document | None) -> Belief:
    """What it believes, from the status' header and the lines of this peer and this pod.

    Raises:
        ControlError: it is of an unknown shape.
    """
    with _translated():
        of_node: told.NodeVerdict = _checked(header.get("verdict"), told.NodeVerdict)
        of_peer: told.Peer | None = _checked(peer, told.Peer) if peer else None
        of_pod: told.Target | None = _checked(pod, told.Target) if pod else None
        return Belief(
            verdict=of_peer["verdict"] if of_peer else "",
            since=of_peer["since"] if of_peer else "",
            is_held=of_peer["is_held"] if of_peer else False,
            pod=of_pod["state"] if of_pod else "",
            pod_since=of_pod["since"] if of_pod else "",
            node=of_node["text"] if of_node["state"] == "cut-off" else "",
        )


def _read_tunnel(tunnel: told.Tunnel, node: str | None) -> Tunnel:
    address, gateway = tunnel["address"], tunnel["gateway"]
    blocks = tuple(str(ipaddress.ip_network(one)) for one in tunnel["blocks"])
    far = gateway or blocks[0]
    return Tunnel(
        id=TunnelId(f"{tunnel['device']}/{far}"),
        family=Family.of(address or blocks[0]),
        device=tunnel["device"],
        kind=tunnel["kind"],
        gateway=gateway,
        blocks=blocks,
        addresses=(_address(address),) if address is not None else (),
        underlay=node,
    )


def _address(text: str) -> str:
    return str(ipaddress.ip_address(text))


def _checked(value: Any, shape: Any) -> Any:
    """The value itself, which is of this shape."""
    check_of(shape)(value)
    return value


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (IndexError, ValueError) as error:
        reason = f"the running pokepodsd answers what is no status: {error!s:.100}"
        raise ControlError(reason) from error
