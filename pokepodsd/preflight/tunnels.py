"""Checks the tunnels: devices, routes to other nodes, ways of packets, the host's filters.

Owns what of it is a fault. Asks the kernel alone, and sends nothing.
"""

import shlex
import time
from collections.abc import Iterator

from pokepodsd.core.kernel import Link, RouteAnswer, Tunnel
from pokepodsd.core.model import SECOND_NS
from pokepodsd.core.tunneldevices import is_tunnel
from pokepodsd.core.values import duration_text
from pokepodsd.core.words import count
from pokepodsd.edge import conntrack, sysctl
from pokepodsd.edge.hostaddresses import addresses_by_device
from pokepodsd.edge.journal import escape
from pokepodsd.edge.netlink import route_to
from pokepodsd.preflight.finding import Finding, Place, Topic
from pokepodsd.preflight.routes import Kernel, read_kernel
from pokepodsd.preflight.world import Settings, World

DEVICES = Topic(check="tunnel-devices", name="tunnel devices")
WAYS = Topic(check="tunnel-ways", name="ways through the tunnels")
RP_FILTER = Topic(check="rp-filter", name="reverse path filter")
CONNTRACK = Topic(check="conntrack", name="conntrack timeout")
# Kinds (IFLA_INFO_KIND) of devices that wrap packets; a TUN device is any program's.
_WRAPPING = frozenset(
    {"ipip", "sit", "gre", "gretap", "ip6tnl", "ip6gre", "vxlan", "geneve", "wireguard", "tun"}
    | {"xfrm", "vti"}
)
_MOST_TOLD = 5
_ASKING_SECONDS = 2.0
_STRICT, _LOOSE = 1, 2  # ip-sysctl.rst: rp_filter
# Two pokes of three may be lost, and the entry is still there; as `kernelwatch` warns.
_SHARE_OF_TIMEOUT = 3
_KEEP = "the command holds until the next boot; a file in /etc/sysctl.d keeps it"


class Tunnels:
    """What the kernel has of them, read by the first check."""

    def __init__(self, world: World, settings: Settings) -> None:
        self._world = world
        self._settings = settings
        self._globs = settings.config.tunnels.devices
        self._tunnels: list[Tunnel] = []
        self._devices: list[Link] = []
        self._kernel = Kernel(links=(), routes=(), events=())

    def check_devices(self) -> Iterator[Finding]:
        """Whether there are devices that lead to other nodes, and they are up."""
        try:
            self._kernel = read_kernel()
        except OSError as error:
            text = f"the kernel's links and routes cannot be read: {error.strerror}"
            yield DEVICES.failed(text, "ip route show", Place.ELSEWHERE)
            return
        self._tunnels = self._kernel.tunnels(self._globs)
        self._devices = [one for one in self._kernel.links if is_tunnel(one, self._globs)]
        addresses = addresses_by_device()
        # The kernel makes a tunl0 with its module: one without an address is nobody's.
        down = [one for one in self._devices if not one.is_up and addresses.get(one.name)]
        for link in down:
            text = "it is down: its routes are gone, and no packet passes"
            command = shlex.join(["ip", "link", "set", "dev", link.name, "up"])
            yield DEVICES.about(link.name).failed(text, command)
        if self._tunnels:
            names = ", ".join(dict.fromkeys(one.device for one in self._tunnels))
            shown = count(len(self._tunnels), "tunnel")
            yield DEVICES.ok(f"{shown} to other nodes, through {escape(names)}")
        elif not down:
            yield self._none()

    def _none(self) -> Finding:
        """No tunnel at all: perhaps one through a device that is not known."""
        candidates = [one.device for one in self._kernel.tunnels(("*",)) if one.kind in _WRAPPING]
        if candidates:
            names = list(dict.fromkeys(candidates))[:_MOST_TOLD]
            text = (
                f"no route leads through a known tunnel device; {escape(', '.join(names))} has "
                "routes that look like those to other nodes: if they are"
            )
            globs = [*self._globs, *names]
            edit = self._settings.file.set_key("tunnels.devices", globs)
            return DEVICES.warning(text, self._settings.change(edit))
        if self._devices:
            name = escape(self._devices[0].name)
            text = f"{name} is there, and no route leads to another node through it"
        else:
            text = "this host has no tunnel device of a network plugin"
        text += ": the plugin has not come up yet, does without tunnels, or this is the only node"
        return DEVICES.warning(text, "ip -d link show; ip route show", Place.ELSEWHERE)

    def check_ways(self) -> Iterator[Finding]:
        """Whether packets to each tunnel's far end go through its device, from an own address."""
        if not self._tunnels:
            yield WAYS.skipped("there are no tunnels")
            return
        own = addresses_by_device()
        faults, sources, asked = 0, set(), 0
        until = time.monotonic() + _ASKING_SECONDS
        for tunnel in self._tunnels:
            if time.monotonic() > until:
                break
            asked += 1
            address = tunnel.addresses[0]
            answer = route_to(address)
            finding = self._stray(tunnel, address, answer, own)
            if finding is None:
                sources.add(answer.source or "")
            elif (faults := faults + 1) <= _MOST_TOLD:
                yield finding
        if not faults:
            rest = len(self._tunnels) - asked
            unasked = f"; {count(rest, 'tunnel')} not asked for, for want of time" if rest else ""
            shown = ", ".join(sorted(sources)[:_MOST_TOLD])
            yield WAYS.ok(f"each through its device, from {shown}{unasked}")

    def _stray(
        self,
        tunnel: Tunnel,
        address: str,
        answer: RouteAnswer,
        own: dict[str, frozenset[str]],
    ) -> Finding | None:
        topic = WAYS.about(f"to {tunnel.underlay or address}")
        look = f"ip route get {address}; ip rule show"
        if answer.device is None:
            text = f"there is no route to {address} any more ({answer.error})"
            return topic.failed(text, look, Place.ELSEWHERE)
        if answer.device == tunnel.device:
            if any(answer.source in addresses for addresses in own.values()):
                return None
            text = (
                f"packets to {address} would leave from {answer.source}, which is not this host's"
            )
            return topic.failed(text, look, Place.ELSEWHERE)
        text = (
            f"packets to {address} leave through {answer.device}, and not through {tunnel.device}"
        )
        route = self._kernel.deciding(address, answer.device)
        if route is None:
            return topic.failed(f"{text}, by a rule", look, Place.ELSEWHERE)
        return topic.failed(f"{text}, by the route {route}", f"ip route del {route}")

    def check_filter(self) -> Iterator[Finding]:
        """Whether the kernel drops what comes in by another device than answers would take."""
        names = [link.name for link in self._devices if link.is_up]
        strict = [name for name in names if self._mode(name) == _STRICT]
        for name in strict:
            text = (
                f"strict on {name}: a packet whose answer would leave through another device is "
                f"dropped without a word ({_KEEP})"
            )
            parameter = f"net.ipv4.conf.{name}.rp_filter"
            if "." in name:
                parameter = parameter.replace(".", "/").replace(name.replace(".", "/"), name)
            command = shlex.join(["sysctl", "-w", f"{parameter}={_LOOSE}"])
            yield RP_FILTER.warning(text, command)
        if not strict:
            shown = f"not strict on {', '.join(names)}" if names else "there is no tunnel device"
            yield RP_FILTER.ok(shown)

    def _mode(self, device: str) -> int:
        """The greater of the device's and everybody's is in force (ip-sysctl.rst)."""
        texts = [
            sysctl.read(f"net/ipv4/conf/{one}/rp_filter", self._world.root)
            for one in ("all", device)
        ]
        return max((int(text) for text in texts if text and text.isdecimal()), default=0)

    def check_conntrack(self) -> Iterator[Finding]:
        """Whether this host remembers a tunnel for longer than it is not poked."""
        timeout_ns = conntrack.generic_timeout_ns()
        interval_ns = self._settings.config.tunnels.interval_ns
        if timeout_ns is None:
            yield CONNTRACK.ok("this host does not track connections")
            return
        timeout, interval = duration_text(timeout_ns), duration_text(interval_ns)
        said = (
            f"a tunnel is forgotten after {timeout} of silence, and poked every {interval} "
            "(tunnels.interval)"
        )
        wanted = conntrack.DEFAULT_TIMEOUT_NS // SECOND_NS
        command = f"sysctl -w net.netfilter.nf_conntrack_generic_timeout={wanted}"
        if interval_ns >= timeout_ns:
            text = f"{said}: every tunnel is shut between two pokes ({_KEEP})"
            yield CONNTRACK.failed(text, command)
        elif interval_ns * _SHARE_OF_TIMEOUT > timeout_ns:
            text = f"{said}: one lost poke may shut it ({_KEEP})"
            yield CONNTRACK.warning(text, command)
        else:
            yield CONNTRACK.ok(said)
