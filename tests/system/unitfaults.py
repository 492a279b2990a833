"""Owns the faults that are planted on a node with a systemd: the unit, what it sees, what it may.

Names the finding that tells each, and a piece of the remedy. Undoes nothing: the node is put in
order before the next one.
"""

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from tests.apiserver.kubeconfig import CURRENT, rotate, write_inline_kubeconfig
from tests.cluster import Cluster
from tests.system import package
from tests.system.box import Box
from tests.system.layouts import EKS_AUTHORITY, EKS_PLUGIN, KUBELET, LAYOUTS
from tests.system.package import CONFIG, TABLES, UNIT

Plant = Callable[[Box, Cluster], None]
PLACE = "/lib/systemd/system/pokepodsd.service"
KUBECONFIG = "/etc/kubernetes/kubelet.conf"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFault:
    """As `tests.preflight.faults.Fault`; all remedies of the page are pasted, in its order."""

    plant: Plant
    level: str
    name: str
    command: str


def _run(script: str) -> Plant:
    return lambda box, _: (box.sh(script), None)[1]


def _drop_in(name: str, *lines: str) -> Plant:
    text = "\n".join(("[Service]", *lines, ""))

    def plant(box: Box, _: Cluster) -> None:
        package.drop_in(box, name, text)
        box.run("systemctl", "restart", UNIT, check=False)

    return plant


def _only(capability: str) -> Plant:
    lines = (f"{kind}={value}" for kind in _RIGHTS for value in ("", capability))
    return _drop_in("rights", *lines)


_RIGHTS = ("AmbientCapabilities", "CapabilityBoundingSet")


def _fail(box: Box, _: Cluster) -> None:
    """It is started with a configuration that is not valid."""
    package.configure(box, {**TABLES, "poke": {"interval": "soon"}})
    box.run("systemctl", "restart", UNIT, check=False)


def _add_unread(box: Box, _: Cluster) -> None:
    box.write(f"/etc/systemd/system/{UNIT}.d/new.conf", "[Service]\nNice=1\n")


def _change_unread(box: Box, _: Cluster) -> None:
    package.drop_in(box, "new", "[Service]\nNice=1\n")
    box.write(f"/etc/systemd/system/{UNIT}.d/new.conf", "[Service]\nNice=2\n")


def _keep_state_elsewhere(box: Box, _: Cluster) -> None:
    package.configure(box, {**TABLES, "state": {"directory": "/srv/pokepodsd"}})
    box.run("systemctl", "restart", UNIT)


def _lay_out_as(name: str) -> Plant:
    def plant(box: Box, cluster: Cluster) -> None:
        box.sh(f"rm {KUBECONFIG}")
        (layout,) = (layout for layout in LAYOUTS if layout.name == name)
        layout.write(box, cluster)

    return plant


def _move_kubeconfig(folder: str) -> Plant:
    def plant(box: Box, cluster: Cluster) -> None:
        place = box.path(folder)
        write_inline_kubeconfig(cluster.api.authority, place, cluster.api.url, box.node.name)
        tables = {**TABLES, "kubernetes": {"kubeconfig": f"{folder}/kubelet.conf"}}
        package.configure(box, tables)

    return plant


def _expire(box: Box, cluster: Cluster) -> None:
    """The kubelet was down when it should have renewed it, and does so at its start."""
    kubelet, authority = box.path("/var/lib/kubelet"), cluster.api.authority
    rotate(authority, kubelet, box.node.name)
    box.sh(f"cp -L /var/lib/kubelet/pki/{CURRENT} /root/renewed.pem")
    now = datetime.datetime.now(datetime.UTC)
    begin, end = now - datetime.timedelta(days=365), now - datetime.timedelta(days=1)
    user = f"system:node:{box.node.name}"
    old = authority.issue(user, ["system:nodes"], not_before=begin, not_after=end)
    rotate(authority, kubelet, box.node.name, old)
    renewal = f"[Service]\nExecStartPre=cp /root/renewed.pem /var/lib/kubelet/pki/{CURRENT}\n"
    box.write("/etc/systemd/system/kubelet.service.d/renewal.conf", renewal)
    box.run("systemctl", "daemon-reload")


FAULTS = {
    "masked": UnitFault(
        plant=_run(f"systemctl disable --now {UNIT}; systemctl mask {UNIT}"),
        level="failed",
        name="service:",
        command="systemctl unmask pokepodsd && systemctl enable --now pokepodsd",
    ),
    "disabled": UnitFault(
        plant=_run(f"systemctl disable {UNIT}"),
        level="warning",
        name="enabled:",
        command="systemctl enable pokepodsd",
    ),
    "stopped": UnitFault(
        plant=_run(f"systemctl stop {UNIT}"),
        level="warning",
        name="service:",
        command="systemctl start pokepodsd",
    ),
    "failed": UnitFault(
        plant=_fail, level="failed", name="service:", command="systemctl restart pokepodsd"
    ),
    "changed and not read": UnitFault(
        plant=_change_unread,
        level="warning",
        name="unit file:",
        command="systemctl daemon-reload && systemctl try-restart pokepodsd",
    ),
    "a drop-in that was not read": UnitFault(
        plant=_add_unread,
        level="warning",
        name="unit file: systemd has not read new.conf",
        command="systemctl daemon-reload && systemctl try-restart pokepodsd",
    ),
    "a copy before the package's": UnitFault(
        plant=_run(f"cp {PLACE} /etc/systemd/system/; systemctl daemon-reload"),
        level="warning",
        name="unit file:",
        command="mv /etc/systemd/system/pokepodsd.service",
    ),
    "without its watchdog": UnitFault(
        plant=_drop_in("watchdog", "WatchdogSec=0"),
        level="warning",
        name="watchdog:",
        command="watchdog.conf",
    ),
    "without CAP_NET_RAW": UnitFault(
        plant=_only("CAP_DAC_READ_SEARCH"),
        level="failed",
        name="ICMP sockets:",
        command="AmbientCapabilities=CAP_NET_RAW",
    ),
    "without CAP_DAC_READ_SEARCH": UnitFault(
        plant=_only("CAP_NET_RAW"),
        level="failed",
        name="kubeconfig:",
        command="AmbientCapabilities=CAP_DAC_READ_SEARCH",
    ),
    "its state where it may not write": UnitFault(
        plant=_keep_state_elsewhere, level="warning", name="state directory:", command="s/^/#/"
    ),
    **{
        f"a kubeconfig of {name}": UnitFault(
            plant=_lay_out_as(name),
            level="failed",
            name="kubeconfig:",
            command=f"install -D -m 644 /usr/share/pokepodsd/drop-ins/{name}.conf",
        )
        for name in ("k3s", "microk8s", "eks")
    },
    "a kubeconfig that is hidden in /var": UnitFault(
        plant=_move_kubeconfig("/var/lib/other"),
        level="failed",
        name="kubeconfig:",
        command="BindReadOnlyPaths=-/var/lib/other/kubelet.conf",
    ),
    "a kubeconfig in root's home": UnitFault(
        plant=_move_kubeconfig("/root/.kube"),
        level="failed",
        name="kubeconfig:",
        command="install -D -m 0600 /root/.kube/kubelet.conf /etc/pokepodsd/kubeconfig",
    ),
    "an expired certificate": UnitFault(
        plant=_expire,
        level="failed",
        name="client certificate:",
        command="systemctl restart kubelet",
    ),
    "another daemon": UnitFault(
        plant=_run("systemd-run --unit=another pokepodsd --state-directory /tmp/another run"),
        level="failed",
        name="daemons:",
        command="kill ",
    ),
    "hanging": UnitFault(
        plant=_run(f"kill -STOP $(systemctl show --value -p MainPID {UNIT})"),
        level="failed",
        name="control socket:",
        command="systemctl restart pokepodsd",
    ),
}

RESET = f"""
systemctl kill -s CONT {UNIT} 2> /dev/null || :
systemctl stop {UNIT} another.service 2> /dev/null || :
systemctl unmask {UNIT}
rm -rf /etc/systemd/system/{UNIT} /etc/systemd/system/{UNIT}.old /etc/systemd/system/{UNIT}.d
rm -rf /etc/systemd/system/kubelet.service.d /var/lib/rancher /var/lib/other /root/.kube
rm -rf /etc/pokepodsd {CONFIG} /var/snap {KUBELET}/kubeconfig {EKS_AUTHORITY} {EKS_PLUGIN}
systemctl daemon-reload
systemctl reset-failed
systemctl enable {UNIT}
systemctl restart kubelet
"""
