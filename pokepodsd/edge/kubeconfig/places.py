"""Where the kubelet's kubeconfig is.

Owns the places of the distributions. Reads no kubeconfig.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from pokepodsd.errors import CredentialsError

AUTO = "auto"

# Where distributions keep the kubelet's kubeconfig.
KNOWN_PLACES = (
    "/etc/kubernetes/kubelet.conf",  # kubeadm
    "/var/lib/rancher/k3s/agent/kubelet.kubeconfig",  # k3s
    "/var/lib/rancher/rke2/agent/kubelet.kubeconfig",  # RKE2
    "/var/lib/k0s/kubelet.conf",  # k0s
    "/var/snap/microk8s/current/credentials/kubelet.config",  # MicroK8s
    "/var/lib/kubelet/kubeconfig",  # EKS, GKE, AKS, OpenShift
)


def find(setting: str, *, root: Path = Path("/")) -> Path:
    """The kubeconfig to use: the one set, or with "auto" the one a kubelet on this host uses.

    Raises:
        CredentialsError: there is none; the text lists what was tried.
    """
    if setting != AUTO:
        return Path(setting)
    tried = [*_from_kubelets(root / "proc"), *KNOWN_PLACES]
    for place in tried:
        path = root / place.lstrip("/")
        # A folder that may not be looked into is as good as none.
        with contextlib.suppress(OSError):
            path.stat()
            return path
    raise CredentialsError(
        "no kubeconfig of a kubelet was found; tried the --kubeconfig of a running kubelet, "
        f"{', '.join(dict.fromkeys(tried))}. Set kubernetes.kubeconfig to its path; where the "
        "distribution is not kubeadm, the unit sees it only with a drop-in of "
        "/usr/share/pokepodsd/drop-ins"
    )


def _from_kubelets(proc: Path) -> Iterator[str]:
    """The --kubeconfig of each kubelet that runs here and may be looked at.

    Whoever starts a process may call it that, a pod too: root's count alone, and no container's.
    """
    for entry in sorted(proc.glob("[0-9]*/cmdline")):
        try:
            arguments = entry.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            # The process ended meanwhile, or may not be looked at.
            continue
        if Path(arguments[0]).name != "kubelet" or not _is_hosts(entry.with_name("status")):
            continue
        for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
            name, _, value = argument.partition("=")
            if name == "--kubeconfig" and (value or following):
                yield value or following


def _is_hosts(status: Path) -> bool:
    """Whether a process is root's, and in this PID namespace itself (proc(5))."""
    fields: dict[str, list[str]] = {}
    with contextlib.suppress(OSError):
        for line in status.read_bytes().decode(errors="replace").splitlines():
            name, _, values = line.partition(":")
            fields[name] = values.split()
    return set(fields.get("Uid", ())) == {"0"} and len(fields.get("NSpid", ())) <= 1
