"""How distributions of Kubernetes lay out the kubelet's credentials, and how each replaces them.

Owns the files in the box. The paths are those of the distributions' own documentation and code;
what the drop-ins of systemd/drop-ins are for.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

from tests.apiserver.kubeconfig import CURRENT, kubeconfig_text, rotate, write_kubeadm_layout
from tests.cluster import Cluster
from tests.system.box import Box

Step = Callable[[Box, Cluster], None]

K0S = "/var/lib/k0s"
MICROK8S = "/var/snap/microk8s"
KUBELET = "/var/lib/kubelet"
EKS_AUTHORITY = "/etc/kubernetes/pki/ca.crt"
EKS_PLUGIN = "/usr/bin/aws-iam-authenticator"
EKS_USER = "system:node:node-a"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One distribution: its drop-in, how a node of it looks, and how its credentials change."""

    name: str
    drop_in: str | None
    write: Step
    renew: Step
    hidden: tuple[str, ...]
    """Files of others beside the credentials, which the unit must not see."""
    restarts: bool = False
    """Whether the renewed credentials are at another place, so that it has to start again."""


def _paths(certificate: str, key: str) -> dict[str, str]:
    return {"client-certificate": certificate, "client-key": key}


def _write_kubeadm(box: Box, cluster: Cluster) -> None:
    write_kubeadm_layout(cluster.api.authority, box.path("/"), cluster.api.url, box.node.name)


def _renew_kubeadm(box: Box, cluster: Cluster) -> None:
    rotate(cluster.api.authority, box.path(KUBELET), box.node.name)


def _rancher(name: str) -> Layout:
    """k3s and RKE2: files that are written anew where they are, when the agent starts."""
    agent = f"/var/lib/rancher/{name}/agent"
    certificate, key = f"{agent}/client-kubelet.crt", f"{agent}/client-kubelet.key"
    authority_file = f"{agent}/server-ca.crt"

    def renew(box: Box, cluster: Cluster) -> None:
        issued = cluster.api.authority.issue_node(box.node.name)
        box.write(certificate, issued.certificate.decode(), 0o600)
        box.write(key, issued.key.decode(), 0o600)

    def write(box: Box, cluster: Cluster) -> None:
        renew(box, cluster)
        box.write(authority_file, cluster.api.authority.certificate.decode())
        text = kubeconfig_text(
            cluster.api.authority,
            cluster.api.url,
            _paths(certificate, key),
            authority_file=authority_file,
        )
        box.write(f"{agent}/kubelet.kubeconfig", text, 0o600)

    return Layout(
        name=name,
        drop_in=name,
        write=write,
        renew=renew,
        hidden=(
            f"/var/lib/rancher/{name}/server/cred/admin.kubeconfig",
            f"{agent}/containerd/a-layer",
            f"{agent}/client-k3s-controller.key",
            f"{agent}/serving-kubelet.key",
        ),
    )


def _write_k0s(box: Box, cluster: Cluster) -> None:
    path = f"{K0S}/kubelet/pki/{CURRENT}"
    _renew_k0s(box, cluster)
    text = kubeconfig_text(cluster.api.authority, cluster.api.url, _paths(path, path))
    box.write(f"{K0S}/kubelet.conf", text, 0o600)


def _renew_k0s(box: Box, cluster: Cluster) -> None:
    rotate(cluster.api.authority, box.path(f"{K0S}/kubelet"), box.node.name)


def _write_microk8s(box: Box, cluster: Cluster, revision: int = 7394) -> None:
    """A revision of the snap, and the link to it."""
    issued = cluster.api.authority.issue_node(box.node.name)
    here, current = f"{MICROK8S}/{revision}", f"{MICROK8S}/current"
    box.write(f"{here}/certs/kubelet.crt", issued.certificate.decode(), 0o600)
    box.write(f"{here}/certs/kubelet.key", issued.key.decode(), 0o600)
    paths = _paths(f"{current}/certs/kubelet.crt", f"{current}/certs/kubelet.key")
    text = kubeconfig_text(cluster.api.authority, cluster.api.url, paths)
    box.write(f"{here}/credentials/kubelet.config", text, 0o600)
    box.sh(f"ln -s {revision} {MICROK8S}/next && mv -T {MICROK8S}/next {current}")


def _refresh_microk8s(box: Box, cluster: Cluster) -> None:
    """What `snap refresh` does: the next revision."""
    _write_microk8s(box, cluster, 7395)


def _write_eks(box: Box, cluster: Cluster) -> None:
    """The kubeconfig names a program, which asks the instance's role for a token."""
    box.write(EKS_AUTHORITY, cluster.api.authority.certificate.decode())
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": EKS_PLUGIN,
        "args": ["token", "-i", "a-cluster"],
    }
    text = kubeconfig_text(
        cluster.api.authority, cluster.api.url, {"exec": plugin}, authority_file=EKS_AUTHORITY
    )
    _give_token(box, cluster, "the-first-token")
    box.write(f"{KUBELET}/kubeconfig", text, 0o600)


def _renew_eks(box: Box, cluster: Cluster) -> None:
    """The old token expires: the API server knows it no longer, and ends what it was used for."""
    _give_token(box, cluster, "the-next-token")
    cluster.api.control.delete_token("the-first-token")
    cluster.api.control.end_watches()


def _give_token(box: Box, cluster: Cluster, token: str) -> None:
    cluster.api.control.set_token(token, EKS_USER, ["system:nodes"])
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "kind": "ExecCredential",
        "status": {"token": token},
    }
    # As aws does, it writes a cache into its home.
    script = (
        "#!/bin/sh\nset -e\n"
        'mkdir -p "$HOME/.aws/cli/cache" && echo > "$HOME/.aws/cli/cache/token"\n'
        f"[ \"$*\" = 'token -i a-cluster' ]\necho '{json.dumps(credential)}'\n"
    )
    box.write(EKS_PLUGIN, script, 0o755)


LAYOUTS = (
    Layout(
        name="kubeadm",
        drop_in=None,
        write=_write_kubeadm,
        renew=_renew_kubeadm,
        hidden=("/etc/kubernetes/pki/ca.key", f"{KUBELET}/pods/5d1f/token", "/etc/shadow"),
    ),
    _rancher("k3s"),
    _rancher("rke2"),
    Layout(
        name="k0s",
        drop_in="k0s",
        write=_write_k0s,
        renew=_renew_k0s,
        hidden=(f"{K0S}/pki/ca.key", f"{K0S}/kubelet/pods/5d1f/token"),
    ),
    Layout(
        name="microk8s",
        drop_in="microk8s",
        write=_write_microk8s,
        renew=_refresh_microk8s,
        hidden=(
            f"{MICROK8S}/common/var/lib/containerd/a-layer",
            f"{MICROK8S}/7394/certs/ca.key",
            f"{MICROK8S}/current/certs/ca.key",
            f"{MICROK8S}/7394/credentials/client.config",
            f"{MICROK8S}/7394/var/kubernetes/backend/snapshot",
        ),
        restarts=True,
    ),
    Layout(
        name="eks",
        drop_in="eks",
        write=_write_eks,
        renew=_renew_eks,
        hidden=(f"{KUBELET}/pods/5d1f/token", "/etc/shadow"),
    ),
)
