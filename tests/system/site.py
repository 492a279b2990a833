"""Owns what a box finds on it because it is a node: kubeadm's files, a kubelet, a runtime's socket.

And secrets of others, which pokepodsd has no business with. Installs nothing of ours.
"""

from tests.apiserver.kubeconfig import write_kubeadm_layout
from tests.cluster import Cluster
from tests.system.box import Box

KUBELET_ROOT = "/var/lib/kubelet"

# What only root and its owner may read, and a stolen daemon would look for.
SECRETS = (
    "/etc/kubernetes/pki/ca.key",
    "/etc/kubernetes/admin.conf",
    "/etc/kubernetes/tmp/kubeadm-backup-etcd-2026-11-01/member/snap/db",
    "/etc/cni/net.d/calico-kubeconfig",
    f"{KUBELET_ROOT}/pods/5d1f/volumes/kubernetes.io~secret/x/token",
    "/var/lib/etcd/member/snap/db",
    "/var/log/pods/shop_web_5d1f/web/0.log",
    "/etc/ssh/ssh_host_ed25519_key",
    "/root/.kube/config",
)
# As containerd's and D-Bus's: whoever may connect rules the node.
SOCKETS = ("/run/containerd/containerd.sock", "/run/dbus/system_bus_socket")

PAUSE = "import signal; signal.pause()"
KUBELET_UNIT = f"""
[Service]
Type=exec
ExecStart=@/usr/bin/python3 kubelet -Ic "{PAUSE}" --kubeconfig=/etc/kubernetes/kubelet.conf
"""
SOCKET_UNIT = "[Socket]\nSocketMode=0660\n" + "".join(f"ListenStream={one}\n" for one in SOCKETS)
RUNTIME_UNIT = f"""
[Service]
ExecStart=/usr/bin/python3 -Ic "{PAUSE}"
"""


def furnish(box: Box, cluster: Cluster) -> None:
    """Make the box the node that it stands for, with its kubelet running."""
    write_kubeadm_layout(cluster.api.authority, box.path("/"), cluster.api.url, box.node.name)
    for secret in SECRETS:
        box.write(secret, "a secret of somebody else\n", 0o600)
    for name, unit in (
        ("kubelet.service", KUBELET_UNIT),
        ("containerd.socket", SOCKET_UNIT),
        ("containerd.service", RUNTIME_UNIT),
    ):
        box.write(f"/etc/systemd/system/{name}", unit)
    box.run("systemctl", "daemon-reload")
    box.run("systemctl", "start", "kubelet.service", "containerd.socket")
