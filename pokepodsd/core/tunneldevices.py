"""Which devices are tunnels that a CNI made, and who is behind their gateways.

Owns the table of kinds and names, each with its source, the links there are and their
neighbours. A kind alone proves nothing (a host's own VPN is a WireGuard device too), nor does a
name alone (anybody may call a TUN device ``tun-1``).

Not in the table, since no route of theirs leads to one peer: Cilium's tunnel mode (the peers are
in BPF maps, the routes lead to ``cilium_host``), Weave Net, OVN-Kubernetes and Antrea's Geneve
and VXLAN (the peers are in Open vSwitch).
"""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from pokepodsd.core.kernel import Link, Neighbour

# Names as globs, and the kinds (IFLA_INFO_KIND) that a device of such a name has.
CNI_DEVICES: tuple[tuple[str, frozenset[str]], ...] = (
    # projectcalico/calico felix/dataplane/linux/dataplanedefs/dataplane_defs.go: IPIPIfaceNameV4,
    # VXLANIfaceNameV4, VXLANIfaceNameV6. Kilo has tunl0 too: squat/kilo pkg/iproute/ipip.go.
    ("tunl0", frozenset({"ipip"})),
    ("vxlan.calico", frozenset({"vxlan"})),
    ("vxlan-v6.calico", frozenset({"vxlan"})),
    # projectcalico/calico api/pkg/apis/projectcalico/v3/felixconfig.go: the defaults of
    # WireguardInterfaceName and WireguardInterfaceNameV6.
    ("wireguard.cali", frozenset({"wireguard"})),
    ("wg-v6.cali", frozenset({"wireguard"})),
    # flannel-io/flannel pkg/backend/vxlan/vxlan.go: "flannel." or "flannel-v6." and the VNI;
    # pkg/backend/ipip/ipip.go: flannel.ipip.
    ("flannel.*", frozenset({"vxlan", "ipip"})),
    ("flannel-v6.*", frozenset({"vxlan"})),
    # flannel-io/flannel pkg/backend/wireguard/wireguard.go. Up to now it routes the whole pool
    # through the device (wireguard_network.go: addRoute of the flannel network), which no peer is.
    ("flannel-wg", frozenset({"wireguard"})),
    ("flannel-wg-v6", frozenset({"wireguard"})),
    # cloudnativelabs/kube-router pkg/tunnels/linux_tunnels.go, GenerateTunnelName: one device a
    # peer, named by a hash of its address; of the kind ip6tnl for IPv6 (fouIPv6LinkMode).
    ("tun-[0-9a-f]*", frozenset({"ipip", "ip6tnl"})),
    # squat/kilo pkg/mesh/backend.go: DefaultKiloInterface.
    ("kilo0", frozenset({"wireguard"})),
    # squat/kilo pkg/encapsulation/cilium.go: the kernel's tunl0, renamed by Cilium.
    ("cilium_tunl", frozenset({"ipip"})),
    # antrea-io/antrea pkg/agent/wireguard/client_linux.go: defaultWireGuardInterfaceName.
    ("antrea-wg0", frozenset({"wireguard"})),
)


def is_tunnel(link: Link, named: Iterable[str]) -> bool:
    """Whether the device counts: a CNI made it, or the operator named it by a glob."""
    by_cni = any(link.kind in kinds and fnmatchcase(link.name, glob) for glob, kinds in CNI_DEVICES)
    return by_cni or any(fnmatchcase(link.name, glob) for glob in named)


class Devices:
    """The links there are, and which of them tunnels may lead through now."""

    def __init__(self, named: tuple[str, ...]) -> None:
        self._named = named
        self._links: dict[int, Link] = {}
        self._names: dict[str, int] = {}
        self._open: dict[int, Link] = {}

    def __iter__(self) -> Iterator[int]:
        return iter(self._links)

    def get(self, index: int) -> Link | None:
        """The link of this index."""
        return self._links.get(index)

    def by_name(self, name: str) -> Link | None:
        """The link of this name."""
        return self._links.get(self._names.get(name, 0))

    def tunnel(self, index: int) -> Link | None:
        """The link of this index, if it is up and its routes may be tunnels."""
        return self._open.get(index)

    def set_named(self, named: tuple[str, ...]) -> list[int]:
        """Take other globs; whose tunnels may be others now."""
        self._named = named
        return [index for index in self._links if self._judge(index)]

    def put(self, link: Link) -> list[int]:
        """Take a link as it is now; whose tunnels may be others now."""
        old = self._links.get(link.index)
        if old is not None and self._names.get(old.name) == link.index:
            del self._names[old.name]
        # Names are unique: who had this one has another by now, and the news of it is on its way.
        former = self._names.get(link.name, link.index)
        self._links[link.index] = link
        self._names[link.name] = link.index
        return [index for index in {former, link.index} if self._judge(index)]

    def drop(self, index: int) -> list[int]:
        """Forget a link; whose tunnels may be others now."""
        link = self._links.pop(index, None)
        if link is not None and self._names.get(link.name) == index:
            del self._names[link.name]
        return [index] if self._judge(index) else []

    def _judge(self, index: int) -> bool:
        """See anew whether the link counts, and tell whether that changes its tunnels."""
        link = self._links.get(index)
        old = self._open.pop(index, None)
        if link is None or not link.is_up or self._names[link.name] != index:
            return old is not None
        if not is_tunnel(link, self._named):
            return old is not None
        self._open[index] = link
        return old is None or (old.name, old.kind) != (link.name, link.kind)


class Neighbours:
    """Who is behind one device's gateways: gateway to MAC (neighbours), MAC to node (FDB)."""

    def __init__(self) -> None:
        self._by_address: dict[str, Neighbour] = {}
        self._by_lladdr: dict[str, Neighbour] = {}
        self._addresses: dict[str, set[str]] = {}

    def all(self) -> list[Neighbour]:
        """Every entry of both tables."""
        return [*self._by_address.values(), *self._by_lladdr.values()]

    def remote(self, address: str) -> str | None:
        """The node behind this gateway, where both tables tell."""
        neighbour = self._by_address.get(address)
        entry = None if neighbour is None else self._by_lladdr.get(neighbour.lladdr)
        return None if entry is None else entry.remote

    def put(self, one: Neighbour) -> set[str]:
        """Take it; the gateways that it may be about."""
        if one.address is not None:
            self._forget(one.address)
            self._by_address[one.address] = one
            self._addresses.setdefault(one.lladdr, set()).add(one.address)
            return {one.address}
        self._by_lladdr[one.lladdr] = one
        return self._addresses.get(one.lladdr, set())

    def drop(self, one: Neighbour) -> set[str]:
        """Forget it, unless another took its place; the gateways that it may be about."""
        if one.address is not None:
            self._forget(one.address)
            return {one.address}
        if self._by_lladdr.get(one.lladdr) == one:
            del self._by_lladdr[one.lladdr]
        return self._addresses.get(one.lladdr, set())

    def _forget(self, address: str) -> None:
        old = self._by_address.pop(address, None)
        if old is not None:
            self._addresses[old.lladdr].discard(address)
            if not self._addresses[old.lladdr]:
                del self._addresses[old.lladdr]
