"""Owns the table of faults that are planted on a node of the lab, and how each is told.

Names the finding, and a piece of the remedy. That the remedy mends it is the test's to see.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.preflight import plants
from tests.preflight.desk import Desk
from tests.preflight.plants import Plant

# As root in a container without it: sockets are then a matter of the groups alone.
WITHOUT_RAW = ("setpriv", "--inh-caps=-net_raw", "--bounding-set=-net_raw")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """``name`` is how the finding begins; ``afterwards`` what else must be done for it to be well.

    ``healed`` is how the finding begins that is ok afterwards, where it is another one.
    """

    plant: Plant
    level: str
    name: str
    command: str
    healed: str = ""
    afterwards: Callable[[Desk], None] | None = None
    prefix: tuple[str, ...] = ()


FAULTS = {
    "a misspelt setting": Fault(
        plant=plants.configured(poke={"intervall": "5s"}),
        level="failed",
        name="setting poke.intervall:",
        command="s/intervall/interval/",
        healed="configuration:",
    ),
    "an unknown setting": Fault(
        plant=plants.configured(pods={"colour": "blue"}),
        level="failed",
        name="setting pods.colour:",
        command="sed -i",
        healed="configuration:",
    ),
    "an unknown table": Fault(
        plant=plants.configured(more="[tunnel]\n"),
        level="failed",
        name="setting tunnel:",
        command="s/^/#/",
        healed="configuration:",
    ),
    "a bad value": Fault(
        plant=plants.configured(poke={"fail_after": 0}),
        level="failed",
        name="setting poke.fail_after:",
        command="s/^/#/",
        healed="configuration:",
    ),
    "a bad value over several lines": Fault(
        plant=plants.configured(more='[pods]\nscope = """\nall\nof them\n"""\n'),
        level="failed",
        name="setting pods.scope:",
        command="s/^/#/",
        healed="configuration:",
    ),
    "a value that contradicts another's default": Fault(
        plant=plants.configured(poke={"interval": "700ms"}),
        level="failed",
        name="setting poke.timeout:",
        command="timeout =",
        healed="configuration:",
    ),
    "a line that is no TOML": Fault(
        plant=plants.configured(more="poke interval five\n"),
        level="failed",
        name="configuration:",
        command="s/^/#/",
    ),
    "a state directory that is a file": Fault(
        plant=plants.state_blocked,
        level="warning",
        name="state directory:",
        command="install -d -m 0700",
    ),
    "a kubeconfig that moved": Fault(
        plant=plants.kubeconfig_elsewhere,
        level="failed",
        name="kubeconfig:",
        command="s/^/#/",
    ),
    "a configuration that all may write": Fault(
        plant=plants.configuration_open,
        level="warning",
        name="configuration:",
        command="chmod go-w /",
    ),
    "a kubeconfig that all may write": Fault(
        plant=plants.kubeconfig_open,
        level="failed",
        name="kubeconfig:",
        command="chmod go-w /",
    ),
    "the right to list pods missing": Fault(
        plant=plants.right_missing,
        level="warning",
        name="right to the pods of all nodes:",
        command="pokepodsd rbac --for nodes | kubectl apply -f -",
    ),
    "the right to write events missing": Fault(
        plant=plants.report_missing("events"),
        level="warning",
        name="right to report:",
        command="--verb=create,patch",
    ),
    "the right to write a condition missing": Fault(
        plant=plants.report_missing("condition"),
        level="warning",
        name="right to report:",
        command="--resource=nodes/status",
    ),
    "datagram sockets closed": Fault(
        plant=plants.datagram_closed,
        level="failed",
        name="ICMP sockets:",
        command='sysctl -w net.ipv4.ping_group_range="0 2147483647"',
        prefix=WITHOUT_RAW,
    ),
    "raw sockets without the right": Fault(
        plant=plants.raw_without_right,
        level="failed",
        name="ICMP sockets:",
        command="s/^/#/",
        prefix=WITHOUT_RAW,
    ),
    "a tunnel device down": Fault(
        plant=plants.device_down,
        level="failed",
        name="tunnel devices tunl0:",
        command="ip link set dev tunl0 up",
        healed="tunnel devices:",
        afterwards=plants.routes_come_back,
    ),
    "a tunnel device unknown": Fault(
        plant=plants.unknown_device,
        level="warning",
        name="tunnel devices:",
        command='devices = ["tunl0"]',
    ),
    "a tunnel device unknown, and no table": Fault(
        plant=plants.unknown_device_without_table,
        level="warning",
        name="tunnel devices:",
        command="[tunnels]",
    ),
    "a route past the tunnel": Fault(
        plant=plants.way_around,
        level="failed",
        name="ways through the tunnels to 192.168.10.11:",
        command="ip route del 10.244.11.0/32 via 192.168.10.11 dev eth0",
        healed="ways through the tunnels:",
    ),
    "a strict reverse path filter": Fault(
        plant=plants.sysctl("net.ipv4.conf.tunl0.rp_filter", "1"),
        level="warning",
        name="reverse path filter:",
        command="sysctl -w net.ipv4.conf.tunl0.rp_filter=2",
    ),
    "conntrack that forgets between two pokes": Fault(
        plant=plants.sysctl("net.netfilter.nf_conntrack_generic_timeout", "20"),
        level="failed",
        name="conntrack timeout:",
        command="sysctl -w net.netfilter.nf_conntrack_generic_timeout=600",
    ),
    "conntrack that one lost poke is too much for": Fault(
        plant=plants.sysctl("net.netfilter.nf_conntrack_generic_timeout", "60"),
        level="warning",
        name="conntrack timeout:",
        command="sysctl -w net.netfilter.nf_conntrack_generic_timeout=600",
    ),
    "a second daemon": Fault(
        plant=plants.second_daemon,
        level="failed",
        name="daemons:",
        command="kill ",
    ),
    "a daemon that hangs": Fault(
        plant=plants.hanging_daemon,
        level="failed",
        name="control socket:",
        command="kill -KILL ",
        healed="daemons: no pokepodsd runs in this network",
    ),
    "a control socket that was left": Fault(
        plant=plants.stale_socket,
        level="warning",
        name="control socket:",
        command="rm ",
    ),
}
