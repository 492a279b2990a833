"""Owns a `kubectl` of the test API server: `apply -f -`, and `create` of a cluster role or binding.

Run as a program by a script in PATH: URL, authority and an administrator's certificate come first.
"""

import sys
from pathlib import Path
from typing import Any

import yaml

from tests.apiserver.admin import RBAC, Admin

RESOURCES = {"ClusterRole": "clusterroles", "ClusterRoleBinding": "clusterrolebindings"}
GROUP = "rbac.authorization.k8s.io"


def main(url: str, authority: str, certificate: str, *arguments: str) -> None:
    admin = Admin(url, Path(authority), Path(certificate))
    match arguments:
        case ("apply", "-f", "-"):
            for value in yaml.safe_load_all(sys.stdin):
                if value["kind"] in RESOURCES:
                    admin.request("POST", f"{RBAC}/{RESOURCES[value['kind']]}", value)
        case ("create", "clusterrole", name, *options):
            given = dict(option.removeprefix("--").split("=", 1) for option in options)
            rule = {
                "apiGroups": [""],
                "resources": given["resource"].split(","),
                "verbs": given["verb"].split(","),
            }
            role = {"metadata": {"name": name}, "rules": [rule]}
            admin.request("POST", f"{RBAC}/clusterroles", role)
        case ("create", "clusterrolebinding", name, *options):
            given = dict(option.removeprefix("--").split("=", 1) for option in options)
            reference = {"apiGroup": GROUP, "kind": "ClusterRole", "name": given["clusterrole"]}
            binding = {
                "metadata": {"name": name},
                "subjects": [_subject(given)],
                "roleRef": reference,
            }
            admin.request("POST", f"{RBAC}/clusterrolebindings", binding)
        case _:
            sys.exit(f"this kubectl does not know {arguments}")


def _subject(given: dict[str, str]) -> dict[str, Any]:
    if "group" in given:
        return {"kind": "Group", "name": given["group"], "apiGroup": GROUP}
    namespace, _, name = given["serviceaccount"].partition(":")
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


if __name__ == "__main__":
    main(*sys.argv[1:])
