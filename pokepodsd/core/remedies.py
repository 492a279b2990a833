"""Why a tunnel is broken, by what the kernel says of it, and what to do about it.

Owns these words. Promises no repair where poking cannot: a VXLAN's source port is a hash of the
inner flow, so that what this node sends opens nothing for what the peer sends.
"""

from collections.abc import Iterable, Sequence

from pokepodsd.core.kernel import Findings, RouteAnswer

_SAME_SUBNET = (
    "so it is not tunnelled at all (Calico does this within one subnet with CrossSubnet, and where "
    "encapsulation is off): let the network between the nodes pass the pods' addresses (cloud: "
    "switch the source/destination check off), or have it tunnelled"
)
_NO_ROUTE = (
    "the network plugin on this node has not written it, or has withdrawn it: look at its agent "
    "(Calico: calico-node and its BGP peers; flannel: kube-flannel)"
)
# What follows "nothing comes back from NODE".
_ADVICE = {
    "ipip": " for IP protocol 4: allow protocol 4, not 94, between the nodes in its security group "
    "or firewall (Azure drops it always: use VXLAN there)",
    "sit": " for IP protocol 41: allow it between the nodes",
    "gre": " for IP protocol 47: allow it between the nodes",
    "vxlan": ": allow VXLAN's UDP port (Calico 4789, flannel 8472) between the nodes in both "
    "directions; pokes detect this, they cannot open it",
    "geneve": ": allow UDP port 6081 between the nodes; pokes detect this, they cannot open it",
    "wireguard": ": allow WireGuard's UDP port (Calico, flannel: 51820) between the nodes, and "
    "compare the keys (wg show)",
}
_UNKNOWN_DEVICE = (
    ": look at the firewall between the nodes, at the network plugin's agent on both, and at the "
    "network policies"
)
# What to look at where the layer itself says it all.
CHECK_NODE = "check that the node is up, and the network between the nodes"
CHECK_POD = "check the pod, and the network policies that select it"
# A TUN device named as Calico's IP-in-IP device stands in for one.
_IPIP_NAME = "tunl0"


def reason(
    kind: str, device: str, node: str | None, address: str, findings: Sequence[Findings]
) -> str:
    """What is known about the fault, and the remedy, as one sentence.

    ``kind`` and ``device`` are "" where the kernel shows no tunnel; ``node`` is the far node's own
    address, ``address`` the one that was poked.
    """
    last = findings[-1] if findings else Findings()
    if last.route is not None and (text := _by_route(last.route, device, address)):
        return text
    known = "ipip" if device == _IPIP_NAME else kind
    # An entry that was once replied says nothing of what comes back now.
    is_unreplied = last.conntrack is not None and last.conntrack.is_unreplied
    nothing = "nothing" if is_unreplied else "no answer"
    advice = f"{nothing} comes back from {node or address}{_ADVICE.get(known, _UNKNOWN_DEVICE)}"
    return "; ".join([*_counters(device, findings), *_conntrack(last), advice])


def not_sent(errors: Iterable[str]) -> str:
    """What to do where the kernel takes no packet; ``errors`` are names of errnos."""
    names = ", ".join(sorted(set(errors)))
    return f"this host does not send ({names}): check its firewall and its routes"


def _by_route(route: RouteAnswer, device: str, address: str) -> str:
    if route.device is None:
        return f"this host has no route to {address} ({route.error}): {_NO_ROUTE}"
    if route.device == device or route.kind in _ADVICE:
        return ""
    if device:
        return f"{address} goes out through {route.device} instead of {device}, {_SAME_SUBNET}"
    return f"{address} goes out through {route.device}, {_SAME_SUBNET}"


def _counters(device: str, findings: Sequence[Findings]) -> list[str]:
    samples = [one.counters for one in findings if one.counters is not None]
    if len(samples) < 2:
        return []
    sent = samples[-1].sent - samples[0].sent
    received = samples[-1].received - samples[0].received
    return [f"meanwhile {device} sent {sent} packets and received {received}, of all peers"]


def _conntrack(findings: Findings) -> list[str]:
    entry = findings.conntrack
    if entry is None:
        return []
    flag = "UNREPLIED" if entry.is_unreplied else "replied"
    return [f"its conntrack entry for protocol 4 is {flag}, {entry.seconds_left} s left"]
