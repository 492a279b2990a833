"""Kubeconfig files as kubeadm and the kubelet lay them out, and variants of them.

Owns: the files of one node in a given folder, and rotation as the kubelet does it. Refuses: to
read kubeconfigs.
"""

import base64
import datetime
import json
import os
from pathlib import Path

import yaml

from tests.apiserver.pki import Authority, IssuedCertificate
from tests.apiserver.status import Json

CURRENT = "kubelet-client-current.pem"


def write_kubeconfig(authority: Authority, folder: Path, server_url: str, node: str) -> Path:
    """`kubelet.conf` beside `pki/`, as kubeadm writes it; the certificate path is relative."""
    rotate(authority, folder, node)
    path = f"pki/{CURRENT}"
    return _write(authority, folder, server_url, {"client-certificate": path, "client-key": path})


def write_kubeadm_layout(authority: Authority, root: Path, server_url: str, node: str) -> Path:
    """As kubeadm lays it out below `root`: two folders, the certificate by its absolute path."""
    rotate(authority, root / "var/lib/kubelet", node)
    path = f"/var/lib/kubelet/pki/{CURRENT}"
    credentials = {"client-certificate": path, "client-key": path}
    return _write(authority, root / "etc/kubernetes", server_url, credentials)


def rotate(
    authority: Authority, folder: Path, node: str, issued: IssuedCertificate | None = None
) -> Path:
    """A new dated file, and the symlink replaced by rename: certificate_store.go of client-go."""
    certificate = issued or authority.issue_node(node)
    keys = folder / "pki"
    keys.mkdir(parents=True, exist_ok=True)
    dated = _free_name(keys)
    descriptor = os.open(dated, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(certificate.pem)
    updated = keys / "kubelet-client-updated.pem"
    updated.unlink(missing_ok=True)
    updated.symlink_to(dated.name)
    updated.rename(keys / CURRENT)
    return dated


def write_inline_kubeconfig(
    authority: Authority,
    folder: Path,
    server_url: str,
    node: str,
    issued: IssuedCertificate | None = None,
) -> Path:
    certificate = issued or authority.issue_node(node)
    credentials = {
        "client-certificate-data": _encode(certificate.certificate),
        "client-key-data": _encode(certificate.key),
    }
    return _write(authority, folder, server_url, credentials)


def write_token_kubeconfig(authority: Authority, folder: Path, server_url: str, token: str) -> Path:
    return _write(authority, folder, server_url, {"token": token})


def write_token_file_kubeconfig(
    authority: Authority, folder: Path, server_url: str, token: str
) -> Path:
    """The token is in `folder/token`, named by a relative path."""
    _write_secret(folder / "token", token + "\n")
    return _write(authority, folder, server_url, {"tokenFile": "token"})


def write_exec_kubeconfig(
    authority: Authority, folder: Path, server_url: str, node: str, token: str | None = None
) -> Path:
    """A plugin that prints an ExecCredential with `token`, else with a certificate of the node.

    Its runs are counted, a line each, in `folder/credential-plugin.runs`.
    """
    status: Json = {"token": token}
    if token is None:
        issued = authority.issue_node(node)
        status = {"clientCertificateData": issued.certificate.decode()}
        status["clientKeyData"] = issued.key.decode()
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}
    _write_secret(folder / "credential.json", json.dumps(credential | {"status": status}))
    script = folder / "credential-plugin.sh"
    here = 'here=$(dirname "$0")'
    run = 'echo run >>"$here/credential-plugin.runs"'
    script.write_text(f'#!/bin/sh\n{here}\n{run}\ncat "$here/credential.json"\n')
    script.chmod(0o755)
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never"}
    return _write(authority, folder, server_url, {"exec": plugin | {"command": f"./{script.name}"}})


def kubeconfig_text(
    authority: Authority, server_url: str, credentials: Json, *, authority_file: str = ""
) -> str:
    """A kubeconfig with the authority's certificate in it, or with the file that has it."""
    cluster = {"server": server_url}
    if authority_file:
        cluster["certificate-authority"] = authority_file
    else:
        cluster["certificate-authority-data"] = _encode(authority.certificate)
    user, context = "default-auth", "default-context"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "default-cluster", "cluster": cluster}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": context, "context": {"cluster": "default-cluster", "user": user}}],
        "current-context": context,
    }
    return yaml.safe_dump(config, sort_keys=False)


def _write(authority: Authority, folder: Path, server_url: str, credentials: Json) -> Path:
    path = folder / "kubelet.conf"
    _write_secret(path, kubeconfig_text(authority, server_url, credentials))
    return path


def _write_secret(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)


def _free_name(folder: Path) -> Path:
    """The kubelet's names count seconds; two rotations in one second need two names."""
    at = datetime.datetime.now(datetime.UTC)
    while True:
        path = folder / f"kubelet-client-{at:%Y-%m-%d-%H-%M-%S}.pem"
        if not path.exists():
            return path
        at += datetime.timedelta(seconds=1)


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()
