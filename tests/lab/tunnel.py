"""Owns one node's end of its tunnels: the filter in front of it, its counts, what is tracked.

Refuses to build the device and the routes; that is the lab's.
"""

import enum
import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.lab import conntrack
from tests.lab.encapsulation import Encapsulation
from tests.lab.errors import LabError, LabTimeoutError
from tests.lab.launch import nft
from tests.lab.namespace import inside

POLL_SECONDS = 0.05


class TunnelFilter(enum.Enum):
    """What a node takes of the packets that its peers wrap; the inner ones always pass.

    STATEFUL is what keeps tunnels shut until they are poked: it takes what belongs to a flow
    that the node itself began, or that was taken before. CLOSED is who forgot protocol 4.
    """

    STATEFUL = ("ct state established,related accept", "counter name dropped drop")
    CLOSED = ("counter name dropped drop",)
    OPEN = ("accept",)


# The mention of ct in `leaving` keeps the connection tracking on whatever the filter is.
TABLE = """
table inet tunnel {
  counter arrived { }
  counter dropped { }
  counter left { }
  set refused { type ipv4_addr; }
  chain verdict { }
  chain arriving {
    type filter hook prerouting priority raw;
    MATCH counter name arrived
  }
  chain entering {
    type filter hook input priority filter;
    MATCH ip saddr @refused counter name dropped drop
    MATCH jump verdict
  }
  chain leaving {
    type filter hook postrouting priority filter;
    MATCH ct state != invalid counter name left
  }
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelPackets:
    """Outer packets since the node was built: dropped are those of the arrived ones, by the filter.

    What the node itself was kept from sending is not in `left`.
    """

    left: int
    arrived: int
    dropped: int


class Tunnel:
    """A node's tunnel address, which is its block's first, and the device that has it."""

    def __init__(
        self,
        *,
        namespace: str,
        node_address: str,
        address: str,
        encapsulation: Encapsulation,
    ) -> None:
        self.address = address
        self.encapsulation = encapsulation
        self._namespace = namespace
        self._node_address = node_address

    @property
    def device(self) -> str:
        return self.encapsulation.device

    def lay_filter(self) -> None:
        """Install the counters and the filter; VXLAN's lets all pass, as it cannot be opened."""
        is_ipip = self.encapsulation is Encapsulation.IPIP
        first = TunnelFilter.STATEFUL if is_ipip else TunnelFilter.OPEN
        table = TABLE.replace("MATCH", self.encapsulation.match)
        nft(self._namespace, table + _verdict(first))

    def set_filter(self, kind: TunnelFilter) -> None:
        """Replace the filter between two packets."""
        nft(self._namespace, _verdict(kind))

    def refuse(self, node_address: str) -> None:
        """Take nothing of what this node wraps, whatever the filter is."""
        nft(self._namespace, f"add element inet tunnel refused {{ {node_address} }}\n")

    def take(self, node_address: str) -> None:
        """Undo `refuse`."""
        nft(self._namespace, f"delete element inet tunnel refused {{ {node_address} }}\n")

    def packets(self) -> TunnelPackets:
        with inside(self._namespace):
            argv = ["nft", "-j", "list", "counters", "table", "inet", "tunnel"]
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(f"no counters in {self._namespace}: {done.stderr.strip()}")
        found = [item["counter"] for item in json.loads(done.stdout)["nftables"][1:]]
        return TunnelPackets(**{counter["name"]: counter["packets"] for counter in found})

    def tracked(self) -> list[conntrack.Entry]:
        """What the connection tracking knows of IP-in-IP."""
        return conntrack.entries(self._namespace, 4)

    def peers(self) -> set[str]:
        """Return the node addresses whose packets pass the stateful filter."""
        tracked = self.tracked()
        poked = {entry.destination for entry in tracked}
        answered = {entry.source for entry in tracked if entry.is_replied}
        return (poked | answered) - {self._node_address}

    def wait_until_open(self, *peers: str, timeout_seconds: float = 10.0) -> None:
        """Return once the packets from these node addresses would pass the stateful filter."""
        self._wait(lambda: set(peers) <= self.peers(), timeout_seconds)

    def wait_until_shut(self, *peers: str, timeout_seconds: float = 10.0) -> None:
        """Return once none of these node addresses is remembered."""
        self._wait(lambda: not set(peers) & self.peers(), timeout_seconds)

    def _wait(self, is_so: Callable[[], bool], timeout_seconds: float) -> None:
        deadline = time.monotonic() + timeout_seconds
        while not is_so():
            if time.monotonic() > deadline:
                raise LabTimeoutError(f"not in time: {self._namespace} tracks {self.tracked()}")
            # The kernel tells of an expired entry only when it collects its garbage, much later.
            time.sleep(POLL_SECONDS)


def _verdict(kind: TunnelFilter) -> str:
    rules = "".join(f"add rule inet tunnel verdict {rule}\n" for rule in kind.value)
    return f"flush chain inet tunnel verdict\n{rules}"
