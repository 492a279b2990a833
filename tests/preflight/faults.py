"""Owns the faults that are planted on a node of the lab: how each is made, and what undoes it.

Names the finding that tells it, and a piece of the remedy. That the remedy mends it is the test's
to see.
"""

import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from tests.lab import Process
from tests.preflight.desk import Desk

Plant = Callable[[Desk], AbstractContextManager[None]]
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


def _configured(more: str = "", **tables: dict[str, object]) -> Plant:
    @contextmanager
    def plant(desk: Desk) -> Iterator[None]:
        desk.configure(tables, more=more)
        yield

    return plant


def _sysctl(name: str, value: str) -> Plant:
    @contextmanager
    def plant(desk: Desk) -> Iterator[None]:
        before = desk.node.sysctl(name)
        desk.node.set_sysctl(name, value)
        yield
        desk.node.set_sysctl(name, before)

    return plant


@contextmanager
def _device_down(desk: Desk) -> Iterator[None]:
    desk.node.run("ip", "link", "set", "tunl0", "down")
    yield


def _routes_come_back(desk: Desk) -> None:
    """What the network plugin does when it sees the device again."""
    desk.node.restore_route(desk.peer)


@contextmanager
def _unknown_device(desk: Desk) -> Iterator[None]:
    desk.configure()
    text = desk.config.read_text().replace('devices = ["tunl0"]', "")
    desk.config.write_text(text)
    yield


@contextmanager
def _unknown_device_without_table(desk: Desk) -> Iterator[None]:
    desk.configure()
    text = desk.config.read_text().replace('[tunnels]\ndevices = ["tunl0"]', "")
    assert "tunnels" not in text
    desk.config.write_text(text)
    yield


@contextmanager
def _way_around(desk: Desk) -> Iterator[None]:
    route = f"{desk.peer.tunnel.address} via {desk.peer.address} dev eth0"
    desk.node.run("ip", "route", "add", *route.split())
    yield
    desk.node.run("ip", "route", "del", *route.split(), check=False)


@contextmanager
def _datagram_closed(desk: Desk) -> Iterator[None]:
    desk.configure({"poke": {"socket": "datagram"}})
    with _sysctl("net.ipv4.ping_group_range", "1 0")(desk):
        yield


@contextmanager
def _raw_without_right(desk: Desk) -> Iterator[None]:
    desk.configure({"poke": {"socket": "raw"}})
    with _sysctl("net.ipv4.ping_group_range", "0 2147483647")(desk):
        yield


@contextmanager
def _right_missing(desk: Desk) -> Iterator[None]:
    desk.give_kubectl()
    desk.cluster.api.control.change_settings(node_selectors=True)
    yield
    desk.cluster.api.control.change_settings(node_selectors=False)
    with desk.cluster.lab.hub.inside():
        desk.cluster.api.admin.revoke()


def _report_missing(kind: str) -> Plant:
    @contextmanager
    def plant(desk: Desk) -> Iterator[None]:
        desk.give_kubectl()
        desk.configure({"kubernetes": {"report": kind}})
        yield
        with desk.cluster.lab.hub.inside():
            desk.cluster.api.admin.revoke("pokepodsd-report")

    return plant


@contextmanager
def _second_daemon(desk: Desk) -> Iterator[None]:
    words = (sys.executable, "-m", "pokepodsd", "--config", str(desk.config))
    runtime = {**os.environ, "RUNTIME_DIRECTORY": str(desk.socket.parent)}
    other = ("--state-directory", str(desk.cluster.folder / "state-of-another"))
    with (
        Process(desk.node.command(*words, "run"), env=runtime) as first,
        Process(desk.node.command(*words, *other, "run")) as second,
    ):
        for one in (first, second):
            one.wait_for_line("pokes tunnels every")
        yield
    desk.socket.unlink(missing_ok=True)


@contextmanager
def _stale_socket(desk: Desk) -> Iterator[None]:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(desk.socket))
    left.close()
    yield
    desk.socket.unlink(missing_ok=True)


@contextmanager
def _state_blocked(desk: Desk) -> Iterator[None]:
    place = desk.cluster.folder / "no-folder"
    place.write_text("")
    desk.configure({"state": {"directory": str(place)}})
    yield


@contextmanager
def _kubeconfig_elsewhere(desk: Desk) -> Iterator[None]:
    """A kubelet runs with its kubeconfig, and the setting names a file that is not there."""
    right = desk.cluster.kubelet_folder(desk.node) / "kubelet.conf"
    desk.configure({"kubernetes": {"kubeconfig": "/etc/kubernetes/moved.conf"}})
    pause = "import signal, sys; print('runs', flush=True); signal.pause()"
    words = ("bash", "-c", 'exec -a kubelet "$0" "$@"', sys.executable, "-Ic", pause)
    with Process((*words, f"--kubeconfig={right}")) as kubelet:
        kubelet.wait_for_line("runs")
        yield


FAULTS = {
    "a misspelt setting": Fault(
        plant=_configured(poke={"intervall": "5s"}),
        level="failed",
        name="setting poke.intervall:",
        command="s/intervall/interval/",
        healed="configuration:",
    ),
    "an unknown setting": Fault(
        plant=_configured(pods={"colour": "blue"}),
        level="failed",
        name="setting pods.colour:",
        command="sed -i",
        healed="configuration:",
    ),
    "an unknown table": Fault(
        plant=_configured(more="[tunnel]\n"),
        level="failed",
        name="setting tunnel:",
        command="s/^/#/",
        healed="configuration:",
    ),
    "a bad value": Fault(
        plant=_configured(poke={"fail_after": 0}),
        level="failed",
        name="setting poke.fail_after:",
        command="s/^/#/",
        healed="configuration:",
    ),
    "a bad value over several lines": Fault(
        plant=_configured(more='[pods]\nscope = """\nall\nof them\n"""\n'),
        level="failed",
        name="setting pods.scope:",
        command="s/^/#/",
        healed="configuration:",
    ),
    "a value that contradicts another's default": Fault(
        plant=_configured(poke={"interval": "700ms"}),
        level="failed",
        name="setting poke.timeout:",
        command="timeout =",
        healed="configuration:",
    ),
    "a line that is no TOML": Fault(
        plant=_configured(more="poke interval five\n"),
        level="failed",
        name="configuration:",
        command="s/^/#/",
    ),
    "a state directory that is a file": Fault(
        plant=_state_blocked,
        level="warning",
        name="state directory:",
        command="install -d -m 0700",
    ),
    "a kubeconfig that moved": Fault(
        plant=_kubeconfig_elsewhere,
        level="failed",
        name="kubeconfig:",
        command="s/^/#/",
    ),
    "the right to list pods missing": Fault(
        plant=_right_missing,
        level="warning",
        name="right to the pods of all nodes:",
        command="pokepodsd rbac --for nodes | kubectl apply -f -",
    ),
    "the right to write events missing": Fault(
        plant=_report_missing("events"),
        level="warning",
        name="right to report:",
        command="--verb=create,patch",
    ),
    "the right to write a condition missing": Fault(
        plant=_report_missing("condition"),
        level="warning",
        name="right to report:",
        command="--resource=nodes/status",
    ),
    "datagram sockets closed": Fault(
        plant=_datagram_closed,
        level="failed",
        name="ICMP sockets:",
        command='sysctl -w net.ipv4.ping_group_range="0 2147483647"',
        prefix=WITHOUT_RAW,
    ),
    "raw sockets without the right": Fault(
        plant=_raw_without_right,
        level="failed",
        name="ICMP sockets:",
        command="s/^/#/",
        prefix=WITHOUT_RAW,
    ),
    "a tunnel device down": Fault(
        plant=_device_down,
        level="failed",
        name="tunnel devices tunl0:",
        command="ip link set dev tunl0 up",
        healed="tunnel devices:",
        afterwards=_routes_come_back,
    ),
    "a tunnel device unknown": Fault(
        plant=_unknown_device,
        level="warning",
        name="tunnel devices:",
        command='devices = ["tunl0"]',
    ),
    "a tunnel device unknown, and no table": Fault(
        plant=_unknown_device_without_table,
        level="warning",
        name="tunnel devices:",
        command="[tunnels]",
    ),
    "a route past the tunnel": Fault(
        plant=_way_around,
        level="failed",
        name="ways through the tunnels to 192.168.10.11:",
        command="ip route del 10.244.11.0/32 via 192.168.10.11 dev eth0",
        healed="ways through the tunnels:",
    ),
    "a strict reverse path filter": Fault(
        plant=_sysctl("net.ipv4.conf.tunl0.rp_filter", "1"),
        level="warning",
        name="reverse path filter:",
        command="sysctl -w net.ipv4.conf.tunl0.rp_filter=2",
    ),
    "conntrack that forgets between two pokes": Fault(
        plant=_sysctl("net.netfilter.nf_conntrack_generic_timeout", "20"),
        level="failed",
        name="conntrack timeout:",
        command="sysctl -w net.netfilter.nf_conntrack_generic_timeout=600",
    ),
    "conntrack that one lost poke is too much for": Fault(
        plant=_sysctl("net.netfilter.nf_conntrack_generic_timeout", "60"),
        level="warning",
        name="conntrack timeout:",
        command="sysctl -w net.netfilter.nf_conntrack_generic_timeout=600",
    ),
    "a second daemon": Fault(
        plant=_second_daemon,
        level="failed",
        name="daemons:",
        command="kill ",
    ),
    "a control socket that was left": Fault(
        plant=_stale_socket,
        level="warning",
        name="control socket:",
        command="rm ",
    ),
}
