"""Checks what is read from the status of the running daemon."""

from typing import Any

import pytest

from pokepodsd.core.kernel import Tunnel, TunnelId
from pokepodsd.core.model import Family, NodeName, Target, TargetId, Uid
from pokepodsd.core.peers import Peer, PeerId
from pokepodsd.core.reported import Belief, read_belief, read_peer, read_pod
from pokepodsd.errors import ControlError
from tests.statusdocument import cut_off, document, peer, pod


def changed(line: Any, **fields: Any) -> dict[str, Any]:
    return {**line, **fields}


def test_a_peer_is_as_the_daemon_has_it() -> None:
    """With its tunnels, whose far end is the peer's own address."""
    assert read_peer(peer(2)) == Peer(
        id=PeerId("node-2"),
        node=NodeName("node-2"),
        address="192.168.10.3",
        tunnels=(
            Tunnel(
                id=TunnelId("tunl0/192.168.10.3"),
                family=Family.V4,
                device="tunl0",
                kind="ipip",
                gateway="192.168.10.3",
                blocks=("10.244.2.0/26",),
                addresses=("10.244.2.0",),
                underlay="192.168.10.3",
            ),
        ),
    )


def test_a_peer_of_which_little_is_known() -> None:
    """Without a name, an address, a gateway, an address within: named by its first block."""
    tunnel = changed(
        peer(2)["tunnels"][0], gateway=None, address=None, blocks=["fd00:2::/64", "10.2.0.0/24"]
    )
    told = read_peer(changed(peer(2), node=None, address=None, tunnels=[tunnel]))
    assert (told.node, told.address) == (None, None)
    (read,) = told.tunnels
    assert read.id == "tunl0/fd00:2::/64"
    assert (read.family, read.gateway, read.addresses, read.underlay) == (Family.V6, None, (), None)
    assert read.blocks == ("fd00:2::/64", "10.2.0.0/24")


def test_addresses_are_written_as_the_kernel_does() -> None:
    """One address, one text."""
    tunnel = changed(peer(2)["tunnels"][0], address="FD00:0::1", blocks=["FD00:0::/64"])
    told = read_peer(changed(peer(2), address="FD00::0:9", tunnels=[tunnel]))
    assert told.address == "fd00::9"
    assert told.tunnels[0].addresses == ("fd00::1",)
    assert told.tunnels[0].blocks == ("fd00::/64",)
    assert told.tunnels[0].family is Family.V6


def test_a_pod_is_as_the_daemon_has_it() -> None:
    """And what is no pod is none."""
    uid = "00000000-0000-4000-8000-000000000007"
    assert read_pod(pod(7)) == Target(
        id=TargetId(f"{uid}/10.244.2.7"),
        uid=Uid(uid),
        namespace="shop",
        name="web-7",
        node=NodeName("node-2"),
        address="10.244.2.7",
        family=Family.V4,
    )
    nowhere = read_pod(changed(pod(7), node=None))
    assert nowhere is not None
    assert nowhere.node is None
    assert read_pod(pod(7, layer="tunnel")) is None


def test_what_is_believed_of_both() -> None:
    """Of the peer, the pod, and this node where it is cut off."""
    said_peer, said_pod = peer(2, verdict="tunnel broken"), pod(7)
    assert read_belief(document(), said_peer, said_pod) == Belief(
        verdict="tunnel broken",
        since=said_peer["since"],
        is_held=False,
        pod="down",
        pod_since=said_pod["since"],
        node="",
    )
    held = read_belief(document(), changed(said_peer, is_held=True), None)
    assert held == Belief(verdict="tunnel broken", since=said_peer["since"], is_held=True)
    node = read_belief(cut_off(), None, None)
    assert node == Belief(node=cut_off()["verdict"]["text"])
    assert node.node


@pytest.mark.parametrize(
    "line",
    [
        {},
        changed(peer(2), address="10.0.0.999"),
        changed(peer(2), address=7),
        changed(peer(2), tunnels=[changed(peer(2)["tunnels"][0], gateway=None, blocks=[])]),
        changed(peer(2), tunnels=[changed(peer(2)["tunnels"][0], blocks=["10.2.0.1/24"])]),
    ],
)
def test_another_shape_is_refused_in_one_line(line: dict[str, Any]) -> None:
    """With what is wrong, and at most so much of it."""
    with pytest.raises(ControlError, match="answers what is no status: ") as refused:
        read_peer(line)
    assert str(refused.value).startswith("the running pokepodsd answers what is no status: ")
    assert len(str(refused.value)) < 160


def test_another_shape_of_a_pod_or_of_the_whole_is_refused() -> None:
    """Nothing of it is taken for what it is not."""
    with pytest.raises(ControlError):
        read_pod(changed(pod(7), address=None))
    with pytest.raises(ControlError):
        read_belief({}, None, None)
    with pytest.raises(ControlError):
        read_belief(document(), {"verdict": "ok"}, None)
    with pytest.raises(ControlError):
        read_belief(document(), None, {"state": "up"})
