"""What is not a pod: version, health, nodes, namespaces, cluster roles, access reviews.

Owns: their paths and bodies. Refuses: pods.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from tests.apiserver.admission import admit_node
from tests.apiserver.authorization import Attributes, Decision
from tests.apiserver.cluster import Cluster
from tests.apiserver.responses import USER, make_headers, send, send_json
from tests.apiserver.selectors import FieldRequirement, Selector
from tests.apiserver.status import Json, not_found
from tests.apiserver.store import timestamp
from tests.apiserver.writing import create_object, delete_object

ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
RBAC = "rbac.authorization.k8s.io"
HEALTH_PATHS = ("/readyz", "/livez", "/healthz")
VERSION: Json = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": "v0.0.0-master+$Format:%H$",
    "gitCommit": "$Format:%H$",
    "gitTreeState": "",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "go1.27.3",
    "compiler": "gc",
    "platform": "linux/amd64",
}

Authorize = Callable[[web.Request, Attributes], Awaitable[None]]
ReadBody = Callable[[web.Request], Awaitable[Json]]
ClusterOf = Callable[[web.Request], Cluster]


@dataclass(frozen=True, slots=True)
class Collection:
    """One resource whose objects are stored as they come."""

    resource: str
    kind: str
    group: str
    authorize: Authorize
    read_body: ReadBody
    cluster_of: ClusterOf

    @property
    def path(self) -> str:
        return (
            f"/apis/{self.group}/v1/{self.resource}" if self.group else f"/api/v1/{self.resource}"
        )

    @property
    def api_version(self) -> str:
        return f"{self.group}/v1" if self.group else "v1"

    async def list(self, request: web.Request) -> web.StreamResponse:
        await self.authorize(request, Attributes("list", self.resource, self.group))
        store = self.cluster_of(request).store
        held = store.collections.get(self.resource, {})
        items = [
            {key: value for key, value in held[name].items() if key not in ("kind", "apiVersion")}
            for name in sorted(held)
        ]
        body: Json = {"kind": f"{self.kind}List", "apiVersion": self.api_version}
        body |= {"metadata": {"resourceVersion": str(store.version)}, "items": items}
        return await send_json(request, body)

    async def read(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        await self.authorize(request, Attributes("get", self.resource, self.group, name=name))
        held = self.cluster_of(request).store.collections.get(self.resource, {})
        if name not in held:
            raise not_found(self.resource, name)
        return await send_json(request, held[name])

    async def create(self, request: web.Request) -> web.StreamResponse:
        await self.authorize(request, Attributes("create", self.resource, self.group))
        value: Json = {"kind": self.kind, "apiVersion": self.api_version}
        value |= await self.read_body(request)
        if self.resource == "nodes":
            admit_node(request[USER], value.get("metadata", {}).get("name", ""))
        body = create_object(self.cluster_of(request).store, self.resource, value)
        return await send_json(request, body, 201)

    async def delete(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        await self.authorize(request, Attributes("delete", self.resource, self.group, name=name))
        body = delete_object(self.cluster_of(request).store, self.resource, name)
        return await send_json(request, body)


def add_routes(
    app: web.Application, authorize: Authorize, read_body: ReadBody, cluster_of: ClusterOf
) -> None:
    for resource, kind, group in (
        ("nodes", "Node", ""),
        ("namespaces", "Namespace", ""),
        ("clusterroles", "ClusterRole", RBAC),
        ("clusterrolebindings", "ClusterRoleBinding", RBAC),
    ):
        collection = Collection(resource, kind, group, authorize, read_body, cluster_of)
        app.router.add_get(collection.path, collection.list, allow_head=False)
        app.router.add_post(collection.path, collection.create)
        app.router.add_get(collection.path + "/{name}", collection.read, allow_head=False)
        app.router.add_delete(collection.path + "/{name}", collection.delete)
    app.router.add_get("/version", _send_version, allow_head=False)
    for path in HEALTH_PATHS:
        app.router.add_get(path, _send_health, allow_head=False)


def reviewed_attributes(review: Json) -> Attributes:
    asked: Json = review.get("spec", {}).get("resourceAttributes") or {}
    requirements = asked.get("fieldSelector", {}).get("requirements", ())
    fields = tuple(
        FieldRequirement(entry["key"], is_equal=True, value=entry["values"][0])
        for entry in requirements
        if entry["operator"] == "In" and len(entry["values"]) == 1
    )
    return Attributes(
        asked.get("verb", ""),
        asked.get("resource", ""),
        asked.get("group", ""),
        asked.get("subresource", ""),
        asked.get("namespace", ""),
        asked.get("name", ""),
        Selector(fields),
    )


def make_review(review: Json, decision: Decision, agent: str) -> Json:
    spec: Json = review.get("spec", {})
    asked: Json = spec.get("resourceAttributes") or {}
    owned: Json = {".": {}} | {f"f:{key}": {} for key in sorted(asked)}
    managed = {
        "manager": agent.partition("/")[0].partition(" ")[0],
        "operation": "Update",
        "apiVersion": "authorization.k8s.io/v1",
        "time": timestamp(),
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:resourceAttributes": owned}},
    }
    status: Json = {"allowed": decision.is_allowed}
    if decision.reason:
        status["reason"] = decision.reason
    body: Json = {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1"}
    return body | {"metadata": {"managedFields": [managed]}, "spec": spec, "status": status}


async def _send_version(request: web.Request) -> web.StreamResponse:
    return await send_json(request, VERSION)


async def _send_health(request: web.Request) -> web.StreamResponse:
    headers = make_headers() | {"Content-Type": "text/plain; charset=utf-8"}
    return await send(request, b"ok", 200, headers | {"X-Content-Type-Options": "nosniff"})
