"""Events of core/v1: created, patched and listed.

Owns: their paths, and the validation that an Event of the old kind (without eventTime) meets.
Refuses: series, their expiry after an hour, and the group events.k8s.io.
"""

from aiohttp import web

from tests.apiserver.authorization import Attributes
from tests.apiserver.objects import Authorize, ClusterOf, ReadBody
from tests.apiserver.patching import apply_patch
from tests.apiserver.responses import send_json
from tests.apiserver.status import Json, StatusError, already_exists, bad_request, not_found
from tests.apiserver.store import Store

EVENTS = "/api/v1/namespaces/{namespace}/events"
EVENT = EVENTS + "/{name}"
RESOURCE = "events"


class Events:
    """The handlers."""

    def __init__(self, authorize: Authorize, read_body: ReadBody, cluster_of: ClusterOf) -> None:
        self._authorize = authorize
        self._read_body = read_body
        self._cluster_of = cluster_of

    async def list(self, request: web.Request) -> web.StreamResponse:
        namespace = request.match_info["namespace"]
        await self._authorize(request, Attributes("list", RESOURCE, namespace=namespace))
        store = self._cluster_of(request).store
        items = [one for one in _held(store).values() if _namespace(one) == namespace]
        body: Json = {"kind": "EventList", "apiVersion": "v1"}
        body |= {"metadata": {"resourceVersion": str(store.version)}, "items": items}
        return await send_json(request, body)

    async def create(self, request: web.Request) -> web.StreamResponse:
        namespace = request.match_info["namespace"]
        await self._authorize(request, Attributes("create", RESOURCE, namespace=namespace))
        event: Json = {"kind": "Event", "apiVersion": "v1"}
        event |= await self._read_body(request)
        metadata = event.setdefault("metadata", {})
        if metadata.setdefault("namespace", namespace) != namespace:
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on the "
                "request"
            )
        name = metadata.get("name")
        if not name:
            raise bad_request("name or generateName is required")
        _validate(event)
        store = self._cluster_of(request).store
        held = _held(store)
        if f"{namespace}/{name}" in held:
            raise already_exists(RESOURCE, name)
        held[f"{namespace}/{name}"] = store.stamp_object(event)
        return await send_json(request, event, 201)

    async def patch(self, request: web.Request) -> web.StreamResponse:
        namespace, name = request.match_info["namespace"], request.match_info["name"]
        asked = Attributes("patch", RESOURCE, namespace=namespace, name=name)
        await self._authorize(request, asked)
        store = self._cluster_of(request).store
        held, key = _held(store), f"{namespace}/{name}"
        if key not in held:
            raise not_found(RESOURCE, name)
        patch = await self._read_body(request)
        event = apply_patch(held[key], patch, request.headers.get("Content-Type", ""))
        _validate(event)
        held[key] = store.stamp_object(event)
        return await send_json(request, event)

    async def delete(self, request: web.Request) -> web.StreamResponse:
        namespace, name = request.match_info["namespace"], request.match_info["name"]
        asked = Attributes("delete", RESOURCE, namespace=namespace, name=name)
        await self._authorize(request, asked)
        store = self._cluster_of(request).store
        if _held(store).pop(f"{namespace}/{name}", None) is None:
            raise not_found(RESOURCE, name)
        store.next_version()
        done = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
        return await send_json(request, done)


def add_routes(
    app: web.Application, authorize: Authorize, read_body: ReadBody, cluster_of: ClusterOf
) -> None:
    events = Events(authorize, read_body, cluster_of)
    app.router.add_get(EVENTS, events.list, allow_head=False)
    app.router.add_post(EVENTS, events.create)
    app.router.add_patch(EVENT, events.patch)
    app.router.add_delete(EVENT, events.delete)


def _held(store: Store) -> dict[str, Json]:
    return store.collections.setdefault(RESOURCE, {})


def _namespace(event: Json) -> str:
    return str(event["metadata"]["namespace"])


def _validate(event: Json) -> None:
    """pkg/apis/core/validation/events.go: legacyValidateEvent, where no eventTime is set.

    An Event about an object without a namespace belongs into "default".
    """
    involved = event.get("involvedObject", {}).get("namespace", "")
    if _namespace(event) == (involved or "default"):
        return
    problem = f'Invalid value: "{involved}": does not match event.namespace'
    field = "involvedObject.namespace"
    cause = {"reason": "FieldValueInvalid", "message": problem, "field": field}
    name = event["metadata"]["name"]
    raise StatusError(
        422,
        f'Event "{name}" is invalid: {field}: {problem}',
        details={"name": name, "kind": "Event", "causes": [cause]},
    )
