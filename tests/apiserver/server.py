"""The API's front: routes, identity, faults and the log of what was served.

Owns: which path means what. Refuses: to know how an answer is made.
"""

import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from tests.apiserver import nodestatus, objects, reported
from tests.apiserver.authentication import ANONYMOUS, identify
from tests.apiserver.authorization import Attributes
from tests.apiserver.cluster import Cluster
from tests.apiserver.faults import FaultMatch
from tests.apiserver.listing import send_pods
from tests.apiserver.options import parse_list_options
from tests.apiserver.responses import (
    ENTRY,
    FAULT,
    USER,
    answer_early_fault,
    send_failure,
    send_json,
)
from tests.apiserver.status import Json, StatusError, bad_request, unknown_path
from tests.apiserver.watching import Watch
from tests.apiserver.writing import (
    bind_pod,
    create_pod,
    delete_pod,
    patch_pod,
    patch_status,
    replace_status,
    typed,
)

CLUSTER = web.AppKey("cluster", Cluster)
PODS = "/api/v1/namespaces/{namespace}/pods"
POD = PODS + "/{name}"
LARGEST_BODY = 16 * 1024 * 1024

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(cluster: Cluster) -> web.Application:
    app = web.Application(middlewares=[_serve], client_max_size=LARGEST_BODY)
    app[CLUSTER] = cluster
    app.on_response_prepare.append(_hide_library)
    app.router.add_get("/api/v1/pods", _read_pods, allow_head=False)
    app.router.add_get(PODS, _read_pods, allow_head=False)
    app.router.add_post(PODS, _create_pod)
    app.router.add_get(POD, _read_pod, allow_head=False)
    app.router.add_patch(POD, _patch_pod)
    app.router.add_delete(POD, _delete_pod)
    app.router.add_put(POD + "/status", _replace_status)
    app.router.add_patch(POD + "/status", _patch_status)
    app.router.add_post(POD + "/binding", _bind_pod)
    objects.add_routes(app, authorize, read_body, lambda request: request.app[CLUSTER])
    app.router.add_post(objects.ACCESS_REVIEWS, _review_access)
    for handlers in (reported, nodestatus):
        handlers.add_routes(app, authorize, read_body, lambda request: request.app[CLUSTER])
    return app


async def authorize(request: web.Request, asked: Attributes) -> None:
    cluster = request.app[CLUSTER]
    selectors = cluster.settings.node_selectors
    cluster.authorizer.check(request[USER], asked, node_selectors=selectors)


async def read_body(request: web.Request) -> Json:
    data = await request.read()
    if not data:
        return {}
    try:
        body = json.loads(data)
    except ValueError as error:
        raise bad_request(f"the object provided is unrecognized: {error}") from None
    if not isinstance(body, dict):
        raise bad_request("the object provided is unrecognized (must be of type object)")
    return body


@web.middleware
async def _serve(request: web.Request, handler: Handler) -> web.StreamResponse:
    cluster = request.app[CLUSTER]
    kind = _kind(request)
    agent = request.headers.get("User-Agent", "")
    entry = cluster.served.begin(request.method, request.path_qs, kind, agent)
    request[ENTRY] = entry
    response: web.StreamResponse | None = None
    try:
        response = await _answer(request, handler, cluster, kind)
        # A watch counts its bytes while it writes; this is the total of a finished answer.
        entry.bytes = response.body_length
        return response
    finally:
        cluster.served.end(entry)


async def _answer(
    request: web.Request, handler: Handler, cluster: Cluster, kind: FaultMatch
) -> web.StreamResponse:
    try:
        _identify(request, cluster)
        early = await _order_fault(request, cluster, kind)
        return early or await handler(request)
    except StatusError as failure:
        return await send_failure(request, failure)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
        return await send_failure(request, unknown_path())


def _identify(request: web.Request, cluster: Cluster) -> None:
    transport = request.transport
    certificate = transport.get_extra_info("peercert") if transport else None
    request[ENTRY].user = ANONYMOUS.name
    user = identify(certificate, request.headers.get("Authorization"), cluster.tokens)
    request[USER] = user
    request[ENTRY].user = user.name
    request[ENTRY].serial = user.certificate_serial


async def _order_fault(
    request: web.Request, cluster: Cluster, kind: FaultMatch
) -> web.StreamResponse | None:
    fault = cluster.faults.take(kind)
    if fault is None:
        return None
    request[ENTRY].fault = fault.fault
    early = await answer_early_fault(request, fault)
    if early is None:
        request[FAULT] = fault
    return early


def _kind(request: web.Request) -> FaultMatch:
    """Lists and watches of pods, and reports, are told apart by faults and in the log."""
    is_report = "/events" in request.path or request.path.endswith("/status")
    if request.method in ("POST", "PATCH") and is_report and "/pods/" not in request.path:
        return FaultMatch.REPORT
    is_pods = request.method == "GET" and request.path.endswith("/pods")
    if not is_pods:
        return FaultMatch.ANY
    watch = request.query.get("watch")
    is_watch = watch is not None and watch.lower() not in ("false", "0")
    return FaultMatch.WATCH if is_watch else FaultMatch.LIST


async def _hide_library(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.popall("Server", None)


async def _read_pods(request: web.Request) -> web.StreamResponse:
    cluster = request.app[CLUSTER]
    namespace = request.match_info.get("namespace", "")
    options = parse_list_options(request.query, namespace)
    verb = "watch" if options.is_watch else "list"
    name = options.selector.required_value("metadata.name") or ""
    asked = Attributes(verb, "pods", namespace=namespace, name=name, selector=options.selector)
    await authorize(request, asked)
    options.check(cluster.supported_pod_fields, watch_list=cluster.settings.watch_list)
    if options.is_watch:
        return await Watch(cluster, options, request).run()
    return await send_pods(request, cluster, options)


async def _authorize_pod(request: web.Request, verb: str, subresource: str = "") -> tuple[str, str]:
    namespace, name = request.match_info["namespace"], request.match_info["name"]
    await authorize(request, Attributes(verb, "pods", "", subresource, namespace, name))
    return namespace, name


async def _create_pod(request: web.Request) -> web.StreamResponse:
    namespace = request.match_info["namespace"]
    await authorize(request, Attributes("create", "pods", namespace=namespace))
    body = create_pod(request.app[CLUSTER].store, namespace, await read_body(request))
    return await send_json(request, body, 201)


async def _read_pod(request: web.Request) -> web.StreamResponse:
    namespace, name = await _authorize_pod(request, "get")
    return await send_json(request, typed(request.app[CLUSTER].store.pod(namespace, name)))


async def _patch_pod(request: web.Request) -> web.StreamResponse:
    namespace, name = await _authorize_pod(request, "patch")
    patch = await read_body(request)
    return await send_json(request, patch_pod(request.app[CLUSTER].store, namespace, name, patch))


async def _delete_pod(request: web.Request) -> web.StreamResponse:
    namespace, name = await _authorize_pod(request, "delete")
    options = await read_body(request)
    asked = request.query.get("gracePeriodSeconds", options.get("gracePeriodSeconds"))
    grace = None if asked is None else int(asked)
    return await send_json(request, delete_pod(request.app[CLUSTER].store, namespace, name, grace))


async def _replace_status(request: web.Request) -> web.StreamResponse:
    namespace, name = await _authorize_pod(request, "update", "status")
    pod = await read_body(request)
    return await send_json(
        request, replace_status(request.app[CLUSTER].store, namespace, name, pod)
    )


async def _patch_status(request: web.Request) -> web.StreamResponse:
    namespace, name = await _authorize_pod(request, "patch", "status")
    patch = await read_body(request)
    return await send_json(
        request, patch_status(request.app[CLUSTER].store, namespace, name, patch)
    )


async def _bind_pod(request: web.Request) -> web.StreamResponse:
    namespace, name = await _authorize_pod(request, "create", "binding")
    bind_pod(request.app[CLUSTER].store, namespace, name, await read_body(request))
    done = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
    return await send_json(request, done, 201)


async def _review_access(request: web.Request) -> web.StreamResponse:
    attributes = Attributes("create", "selfsubjectaccessreviews", "authorization.k8s.io")
    await authorize(request, attributes)
    cluster, body = request.app[CLUSTER], await read_body(request)
    asked = objects.reviewed_attributes(body)
    selectors = cluster.settings.node_selectors
    decision = cluster.authorizer.decide(request[USER], asked, node_selectors=selectors)
    agent = request.headers.get("User-Agent", "unknown")
    return await send_json(request, objects.make_review(body, decision, agent), 201)
