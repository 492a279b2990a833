"""What a kubeconfig says of its exec plugin, and the plugin's answer put into its place.

Owns these two forms: the kubeconfig's (kubernetes.io, kubeconfig v1) and the ExecCredential's
(client-authentication v1). Takes a kubeconfig for malformed only in what it says of the plugin.
"""

import base64
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pokepodsd.edge.kubeconfig.plugin import Plugin, PluginError

# Where a cluster keeps what its plugin wants to know, and how the plugin is told.
_EXTENSION = "client.authentication.k8s.io/exec"
_CLUSTER_KEYS = (
    "server",
    "tls-server-name",
    "insecure-skip-tls-verify",
    "certificate-authority-data",
    "proxy-url",
)
# linux/limits.h.
_PATH_MAX = 4096
_CREDENTIALS = ("token", "clientCertificateData", "clientKeyData")


def is_file_name(text: str) -> bool:
    """Whether a file can be called so: the kernel takes 4,095 bytes, of which none is zero."""
    try:
        name = os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return b"\0" not in name and len(name) < _PATH_MAX


def in_force(document: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The user or the cluster of the current context; empty where that is malformed or missing."""
    context = _named(document, "context", document.get("current-context"))
    return _named(document, kind, context.get(kind))


def named_plugin(document: Mapping[str, Any], folder: Path) -> Plugin | None:
    """The plugin of the user in force; None where there is none, or another credential goes first.

    Then it is taken out of the document: the kubernetes package would run it where the other one
    comes to nothing.

    Raises:
        ValueError: what is said of it is malformed; the text quotes nothing.
    """
    user = in_force(document, "user")
    _refuse_command(user.get("auth-provider"))
    wanted = user.get("exec")
    if wanted is None or _has_another(user):
        user.pop("exec", None)
        return None
    try:
        command = str(wanted["command"])
        plugin = Plugin(
            command=command,
            arguments=tuple(str(one) for one in wanted.get("args") or ()),
            environment={str(one["name"]): str(one["value"]) for one in wanted.get("env") or ()},
            version=str(wanted["apiVersion"]),
            cluster=_told(document, folder) if wanted.get("provideClusterInfo") is True else None,
            folder=folder,
        )
    except (AttributeError, KeyError, TypeError):
        raise ValueError("what it says of its exec plugin is malformed") from None
    if not is_file_name(command):
        raise ValueError("its exec plugin's command is not the name of a file")
    return plugin


def take_credential(document: Mapping[str, Any], status: Mapping[str, Any]) -> datetime | None:
    """Put what a plugin said into the user in force, in the plugin's place; until when it holds.

    Raises:
        PluginError: nothing in it can be used; the text quotes nothing.
    """
    token, certificate, key = (status.get(name) or "" for name in _CREDENTIALS)
    if not all(isinstance(one, str) for one in (token, certificate, key)):
        raise PluginError("its credential is no text")
    if bool(certificate) != bool(key) or not (token or certificate):
        raise PluginError("it says neither a token nor a certificate with its key")
    user = in_force(document, "user")
    user.pop("exec")
    if token:
        user["token"] = token
    if certificate:
        user["client-certificate-data"] = base64.b64encode(certificate.encode()).decode()
        user["client-key-data"] = base64.b64encode(key.encode()).decode()
    return _time(status.get("expirationTimestamp"))


def _has_another(user: Mapping[str, Any]) -> bool:
    """Whether a credential goes before the plugin, as the kubernetes package has it."""
    provider = user.get("auth-provider")
    is_provided = isinstance(provider, dict) and bool(provider.get("config"))
    return is_provided or bool(user.get("token") or user.get("tokenFile"))


def _refuse_command(provider: object) -> None:
    """An auth-provider's command is run by the package without a bound on time or output."""
    config = provider.get("config") if isinstance(provider, dict) else None
    if isinstance(config, dict) and "cmd-path" in config:
        raise ValueError(
            "its auth-provider runs a command, as Kubernetes did until 1.25: use an exec plugin"
        )


def _named(document: Mapping[str, Any], kind: str, name: object) -> dict[str, Any]:
    items = document.get(f"{kind}s")
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and item.get("name") == name:
            found = item.get(kind)
            return found if isinstance(found, dict) else {}
    return {}


def _told(document: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """The cluster, as a plugin is told of it."""
    cluster = in_force(document, "cluster")
    told = {key: cluster[key] for key in _CLUSTER_KEYS if key in cluster}
    file = cluster.get("certificate-authority")
    if file and "certificate-authority-data" not in told:
        try:
            content = (folder / file).read_bytes()
        except OSError:
            # Whoever loads it says so.
            content = b""
        told["certificate-authority-data"] = base64.b64encode(content).decode()
    for extension in cluster.get("extensions") or ():
        if extension["name"] == _EXTENSION:
            told["config"] = extension["extension"]
    return told


def _time(text: object) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        raise PluginError("its expirationTimestamp is no time") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
