"""A node's status, as its kubelet and others patch it.

Owns: the path of the subresource. Refuses: PUT, and to change anything but the status.
"""

from aiohttp import web

from tests.apiserver.admission import admit_node
from tests.apiserver.authorization import Attributes
from tests.apiserver.objects import Authorize, ClusterOf, ReadBody
from tests.apiserver.patching import apply_patch
from tests.apiserver.responses import USER, send_json
from tests.apiserver.status import not_found

PATH = "/api/v1/nodes/{name}/status"


def add_routes(
    app: web.Application, authorize: Authorize, read_body: ReadBody, cluster_of: ClusterOf
) -> None:
    async def patch(request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        await authorize(request, Attributes("patch", "nodes", subresource="status", name=name))
        store = cluster_of(request).store
        held = store.collections.get("nodes", {})
        if name not in held:
            raise not_found("nodes", name)
        given = {"status": (await read_body(request)).get("status") or {}}
        patched = apply_patch(held[name], given, request.headers.get("Content-Type", ""))
        admit_node(request[USER], name)
        if patched != held[name]:
            held[name] = store.stamp_object(patched)
        return await send_json(request, held[name])

    app.router.add_patch(PATH, patch)
