"""A small client of the normal Kubernetes API, for what a test does to a cluster.

Owns: writes and grants through paths that any kube-apiserver has, so that the same tests can run
against a real one. Refuses: the control socket.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import urllib3

from tests.apiserver.status import Json

RBAC = "/apis/rbac.authorization.k8s.io/v1"
MERGE_PATCH = "application/merge-patch+json"
NODES_SUBJECT: Json = {
    "kind": "Group",
    "name": "system:nodes",
    "apiGroup": "rbac.authorization.k8s.io",
}


class UnexpectedAnswerError(AssertionError):
    """The API answered other than with success."""


class Admin:
    """`certificate` holds certificate and key of a member of system:masters."""

    def __init__(self, url: str, ca: Path, certificate: Path) -> None:
        self._url = url
        self._pool = urllib3.PoolManager(
            ca_certs=str(ca), cert_file=str(certificate), retries=False, timeout=30.0
        )

    def close(self) -> None:
        self._pool.clear()

    def request(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        content_type: str = "application/json",
    ) -> Json:
        headers = {"Content-Type": content_type, "User-Agent": "admin"}
        data = None if body is None else json.dumps(body).encode()
        answer = self._pool.request(method, self._url + path, body=data, headers=headers)
        if answer.status >= 300:
            raise UnexpectedAnswerError(f"{method} {path}: {answer.status} {answer.data.decode()}")
        parsed: Json = answer.json()
        return parsed

    def create_pod(self, pod: Json) -> Json:
        """Without its status, which a server sets to Pending; see `replace_status`."""
        return self.request("POST", _pods(pod["metadata"]["namespace"]), pod)

    def replace_status(self, namespace: str, name: str, status: Json) -> Json:
        pod = self.request("GET", f"{_pods(namespace)}/{name}") | {"status": status}
        return self.request("PUT", f"{_pods(namespace)}/{name}/status", pod)

    def patch_status(self, namespace: str, name: str, status: Json) -> Json:
        path = f"{_pods(namespace)}/{name}/status"
        return self.request("PATCH", path, {"status": status}, MERGE_PATCH)

    def patch_labels(self, namespace: str, name: str, labels: Json) -> Json:
        body = {"metadata": {"labels": labels}}
        return self.request("PATCH", f"{_pods(namespace)}/{name}", body, MERGE_PATCH)

    def bind_pod(self, namespace: str, name: str, node: str) -> Json:
        binding: Json = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}}
        binding["target"] = {"apiVersion": "v1", "kind": "Node", "name": node}
        return self.request("POST", f"{_pods(namespace)}/{name}/binding", binding)

    def delete_pod(self, namespace: str, name: str, grace_seconds: int | None = None) -> Json:
        body = {} if grace_seconds is None else {"gracePeriodSeconds": grace_seconds}
        return self.request("DELETE", f"{_pods(namespace)}/{name}", body)

    def create_namespace(self, name: str) -> Json:
        return self.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})

    def create_node(self, node: Json) -> Json:
        return self.request("POST", "/api/v1/nodes", node)

    def grant(
        self,
        name: str = "pokepodsd",
        verbs: Sequence[str] = ("list", "watch"),
        resources: Sequence[str] = ("pods",),
        subjects: Sequence[Json] = (NODES_SUBJECT,),
    ) -> None:
        """A ClusterRole and a ClusterRoleBinding of one name; by default for all nodes."""
        rule = {"apiGroups": [""], "resources": list(resources), "verbs": list(verbs)}
        metadata = {"name": name}
        role = {"metadata": metadata, "rules": [rule]}
        self.request("POST", f"{RBAC}/clusterroles", role)
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
        binding = {"metadata": metadata, "subjects": list(subjects), "roleRef": reference}
        self.request("POST", f"{RBAC}/clusterrolebindings", binding)

    def revoke(self, name: str = "pokepodsd") -> None:
        self.request("DELETE", f"{RBAC}/clusterrolebindings/{name}")
        self.request("DELETE", f"{RBAC}/clusterroles/{name}")


def _pods(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/pods"
