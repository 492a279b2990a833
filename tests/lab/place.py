"""Owns what can be done at one place of the lab: run programs, open sockets, make faults.

Refuses to build the places; that is the lab's.
"""

import contextlib
import ipaddress
import subprocess
from pathlib import Path
from typing import Any

from tests.lab import conntrack
from tests.lab.errors import LabError
from tests.lab.firewall import CableFilter, Firewall, Rejection
from tests.lab.launch import ip_batch
from tests.lab.namespace import inside
from tests.lab.ready import wait_until_reachable
from tests.lab.tunnel import Tunnel


class Place:
    """A network namespace with one address of each family."""

    def __init__(
        self, *, name: str, namespace: str, address: str, address6: str, interface: str
    ) -> None:
        self.name = name
        self.namespace = namespace
        self.address = address
        self.address6 = address6
        self.interface = interface
        self._firewall = Firewall(namespace)
        self._started: list[subprocess.Popen[str]] = []

    def __repr__(self) -> str:
        return f"<{self.name} {self.address} {self.address6} in {self.namespace}>"

    @property
    def hardware_address(self) -> str:
        """The MAC of its interface. It outlives a rebuild, as that of a virtual machine does."""
        return "02:00:" + ipaddress.IPv4Address(self.address).packed.hex(":")

    def command(self, *argv: str) -> list[str]:
        """Return the command line that runs argv here; the program keeps the process id."""
        return ["ip", "netns", "exec", self.namespace, *argv]

    def run(
        self,
        *argv: str,
        check: bool = True,
        stdin: str | None = None,
        timeout_seconds: float = 30.0,
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*argv),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )
        if check and done.returncode != 0:
            said = f"{done.stdout}{done.stderr}".strip()
            raise LabError(f"{argv!r} on {self.name} ended with {done.returncode}: {said}")
        return done

    def popen(self, *argv: str, **options: Any) -> subprocess.Popen[str]:
        """Start a program here. The lab kills it when it ends, if it still runs then."""
        process = subprocess.Popen(self.command(*argv), text=True, **options)
        self._started.append(process)
        return process

    def kill_started(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()
        self._started.clear()

    def inside(self) -> contextlib.AbstractContextManager[None]:
        """Move the calling thread here for the body, to open sockets."""
        return inside(self.namespace)

    def set_sysctl(self, name: str, value: str | int) -> None:
        with self.inside():
            _sysctl_path(name).write_text(f"{value}\n")

    def sysctl(self, name: str) -> str:
        with self.inside():
            return _sysctl_path(name).read_text().strip()

    def kill_address(self, *addresses: str) -> None:
        """Swallow what arrives here for these addresses or prefixes: pings time out."""
        self._firewall.kill(addresses)

    def reject_address(self, *addresses: str, kind: Rejection = Rejection.HOST) -> None:
        """Answer what arrives here for these addresses or prefixes with an ICMP error."""
        self._firewall.reject(addresses, kind)

    def revive_address(self, *addresses: str) -> None:
        """Undo kill_address or reject_address, for exactly what was given to it."""
        self._firewall.revive(addresses)

    def swallow_pings(self, *addresses: str) -> None:
        """Swallow the echo requests that arrive here for these, and let all else pass.

        For the node's own address, that is who filters ICMP between nodes; for a pod's, a policy.
        """
        self._firewall.swallow_pings(addresses)

    def allow_pings(self, *addresses: str) -> None:
        """Undo swallow_pings, for exactly what was given to it."""
        self._firewall.allow_pings(addresses)

    def block_output(self, destination: str | None = None) -> None:
        """Make sending echo requests from here fail with EPERM; None is every destination."""
        self._firewall.mute(destination)

    def allow_output(self, destination: str | None = None) -> None:
        """Undo block_output, for exactly what was given to it."""
        self._firewall.unmute(destination)

    def forget_faults(self) -> None:
        """Know that the namespace is new, and without any filter."""
        self._firewall = Firewall(self.namespace)


class Hub(Place):
    """The place with the bridge, where a test's API server runs."""


class Node(Place):
    """A node that answers for all pods of its blocks."""

    def __init__(
        self,
        *,
        block: ipaddress.IPv4Network,
        block6: ipaddress.IPv6Network,
        hub: Hub,
        port_interface: str,
        tunnel: Tunnel | None,
        **place: str,
    ) -> None:
        super().__init__(**place)
        self.block = block
        self.block6 = block6
        self._hub = hub
        self.port_interface = port_interface
        self._tunnel = tunnel
        self._cable = CableFilter(hub.namespace, port_interface)

    @property
    def has_tunnel(self) -> bool:
        return self._tunnel is not None

    @property
    def tunnel(self) -> Tunnel:
        """This node's end of its tunnels."""
        if self._tunnel is None:
            raise LabError(f"{self.name} is in a lab without tunnels")
        return self._tunnel

    @property
    def plain_route(self) -> str:
        """How the others would reach the pods without a tunnel."""
        return f"{self.block} via {self.address}"

    @property
    def plain_route6(self) -> str:
        """How the others reach the pods by IPv6, which is never wrapped."""
        return f"{self.block6} via {self.address6}"

    def route_to(self, peer: "Node") -> str:
        """How this node reaches the pods of another."""
        if not self.has_tunnel:
            return peer.plain_route
        return self.tunnel.encapsulation.route(peer.block, peer.address, peer.tunnel.address)

    def pod_address(self, number: int) -> str:
        return str(self.block[number])

    def pod_address6(self, number: int) -> str:
        return str(self.block6[number])

    def half_open(self, port: int) -> None:
        """Lose all TCP from or to this port on the node's cable, silently, both ways."""
        self._cable.lose(port)

    def heal(self, port: int) -> None:
        """Undo half_open."""
        self._cable.restore(port)

    def link_down(self) -> None:
        """Pull the cable: routes and addresses stay, nothing passes.

        The hub's end goes down, because the kernel forgets the routes of a device whose own
        end is set down.
        """
        ip_batch(self._hub.namespace, [f"link set {self.port_interface} down"])

    def link_up(self) -> None:
        """Put the cable back, and return once the node answers over it."""
        ip_batch(self._hub.namespace, [f"link set {self.port_interface} up"])
        wait_until_reachable(self._hub.namespace, [self.address, self.address6])

    def remove_route(self, peer: "Node") -> None:
        """Forget the way to the IPv4 pods of another node."""
        ip_batch(self.namespace, [f"route del {peer.block}"])

    def bypass_tunnel(self, peer: "Node") -> None:
        """Send to the IPv4 pods of another node unwrapped, as Calico does within a subnet."""
        ip_batch(self.namespace, [f"route replace {peer.plain_route}"])

    def restore_route(self, peer: "Node") -> None:
        """Undo remove_route or bypass_tunnel."""
        ip_batch(self.namespace, [f"route replace {self.route_to(peer)}"])

    def flush_conntrack(self) -> None:
        """Forget all connections, which shuts the tunnels of this node."""
        conntrack.flush(self.namespace)

    def forget_faults(self) -> None:
        super().forget_faults()
        self._cable.remove()


def _sysctl_path(name: str) -> Path:
    return Path("/proc/sys") / name.replace(".", "/")
