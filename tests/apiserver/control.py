"""The control socket: what a test sets up, breaks and reads back; plain HTTP and JSON.

Owns: its paths. Refuses: to be the Kubernetes API; tests that may run against a real server write
through that.
"""

import itertools
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path

from aiohttp import web

from tests.apiserver import podfactory, saved
from tests.apiserver.authentication import make_user
from tests.apiserver.cluster import Cluster, Settings
from tests.apiserver.faults import parse_fault
from tests.apiserver.stamping import Stamp, stamp_pods
from tests.apiserver.status import Json, StatusError
from tests.apiserver.writing import merge, typed

LARGEST_BODY = 4 * 1024**3
Answer = Callable[[Json, web.Request], Awaitable[object]]


class Control:
    """The handlers of the control socket."""

    def __init__(self, cluster: Cluster, state_path: Path) -> None:
        self._cluster = cluster
        self._state_path = state_path

    def make_app(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY)
        routes: dict[tuple[str, str], Answer] = {
            ("POST", "/pods"): self._set_pods,
            ("POST", "/stamped"): self._stamp_pods,
            ("PATCH", "/pods/{namespace}/{name}"): self._patch_pod,
            ("DELETE", "/pods/{namespace}/{name}"): self._delete_pod,
            ("POST", "/tokens"): self._set_token,
            ("DELETE", "/tokens/{token}"): self._delete_token,
            ("GET", "/requests"): self._list_requests,
            ("GET", "/events"): self._list_events,
            ("DELETE", "/log"): self._clear_log,
            ("GET", "/state"): self._describe,
            ("POST", "/compact"): self._compact,
            ("POST", "/bump"): self._bump,
            ("PATCH", "/settings"): self._change_settings,
            ("POST", "/faults"): self._add_fault,
            ("GET", "/faults"): self._list_faults,
            ("DELETE", "/faults"): self._clear_faults,
            ("POST", "/watches/break"): self._break_watches,
            ("POST", "/watches/end"): self._end_watches,
            ("GET", "/wait"): self._wait,
            ("POST", "/save"): self._save,
            ("POST", "/reset"): self._reset,
        }
        for (method, path), answer in routes.items():
            app.router.add_route(method, path, _as_handler(answer))
        return app

    async def _set_pods(self, body: Json, _request: web.Request) -> object:
        # One at a time: 150,000 parsed pods at once would need gigabytes.
        made = (podfactory.pod(**arguments) for arguments in body.get("made", ()))
        pods = itertools.chain(body.get("pods", ()), made)
        store = self._cluster.store
        if body.get("replace"):
            store.replace_pods(pods)
        else:
            for pod in pods:
                store.put_pod(pod)
        for name, planted in body.get("planted", {}).items():
            store.plant("planted", name, planted)
        return {"resourceVersion": store.version}

    async def _stamp_pods(self, body: Json, _request: web.Request) -> object:
        store = self._cluster.store
        stamps = (Stamp(*row) for row in body["stamps"])
        store.take_records(stamp_pods(body["namespace"], stamps, store.version + 1))
        return {"resourceVersion": store.version}

    async def _patch_pod(self, body: Json, request: web.Request) -> object:
        store, found = self._cluster.store, request.match_info
        pod = merge(store.pod(found["namespace"], found["name"]).parse(), body)
        return typed(store.put_pod(pod))

    async def _delete_pod(self, _body: Json, request: web.Request) -> object:
        found = request.match_info
        return typed(self._cluster.store.remove_pod(found["namespace"], found["name"]))

    async def _set_token(self, body: Json, _request: web.Request) -> object:
        self._cluster.tokens[body["token"]] = make_user(body["user"], body["groups"])
        return {}

    async def _delete_token(self, _body: Json, request: web.Request) -> object:
        self._cluster.tokens.pop(request.match_info["token"], None)
        return {}

    async def _list_requests(self, _body: Json, request: web.Request) -> object:
        return self._cluster.served.describe_requests(int(request.query.get("since", "0")))

    async def _list_events(self, _body: Json, request: web.Request) -> object:
        since = int(request.query.get("since", "0"))
        return [event for event in self._cluster.served.events if event[0] >= since]

    async def _clear_log(self, _body: Json, _request: web.Request) -> object:
        self._cluster.served.clear()
        return {}

    async def _describe(self, _body: Json, _request: web.Request) -> object:
        store = self._cluster.store
        return {
            "resource_version": store.version,
            "oldest_resource_version": store.floor,
            "pods": len(store.pods()),
            "watches": len(self._cluster.watches),
            "settings": self._cluster.settings.describe(),
        }

    async def _compact(self, _body: Json, _request: web.Request) -> object:
        self._cluster.store.compact()
        return {"resourceVersion": self._cluster.store.version}

    async def _bump(self, body: Json, _request: web.Request) -> object:
        self._cluster.store.bump(body["count"])
        return {"resourceVersion": self._cluster.store.version}

    async def _change_settings(self, body: Json, _request: web.Request) -> object:
        self._cluster.settings.change(body)
        return self._cluster.settings.describe()

    async def _add_fault(self, body: Json, _request: web.Request) -> object:
        self._cluster.faults.add(parse_fault(body))
        return {}

    async def _list_faults(self, _body: Json, _request: web.Request) -> object:
        return [asdict(fault) for fault in self._cluster.faults.orders]

    async def _clear_faults(self, _body: Json, _request: web.Request) -> object:
        self._cluster.faults.clear()
        return {}

    async def _break_watches(self, _body: Json, _request: web.Request) -> object:
        watches = tuple(self._cluster.watches)
        for watch in watches:
            watch.abort()
        return {"watches": len(watches)}

    async def _end_watches(self, _body: Json, _request: web.Request) -> object:
        watches = tuple(self._cluster.watches)
        for watch in watches:
            watch.end()
        return {"watches": len(watches)}

    async def _wait(self, _body: Json, request: web.Request) -> object:
        """For a number of requests of a kind, of open watches, or of written events."""
        what, count = request.query["for"], int(request.query["count"])
        seconds = float(request.query.get("timeout", "5"))
        reached = await self._cluster.served.wait_until(lambda: self._count(what, count), seconds)
        return {"reached": reached}

    def _count(self, what: str, count: int) -> bool:
        served = self._cluster.served
        match what:
            case "watches":
                return len(self._cluster.watches) >= count
            case "no_watches":
                return len(self._cluster.watches) <= count
            case "events":
                return len(served.events) >= count
            case "requests":
                return len(served.requests) >= count
        kind, _, state = what.partition(".")
        found = (entry for entry in served.requests if entry.kind == kind)
        return sum(state != "ended" or entry.ended_ns is not None for entry in found) >= count

    async def _save(self, _body: Json, _request: web.Request) -> object:
        saved.save(self._cluster, self._state_path)
        return {}

    async def _reset(self, _body: Json, _request: web.Request) -> object:
        """Versions go on: a new cluster on the same address would be another test."""
        cluster = self._cluster
        for watch in tuple(cluster.watches):
            watch.end()
        cluster.faults.clear()
        cluster.tokens.clear()
        cluster.store.replace_pods(())
        cluster.store.collections.clear()
        cluster.store.compact()
        cluster.settings = Settings()
        cluster.served.clear()
        return {}


def _as_handler(answer: Answer) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            data = await request.read()
            body = json.loads(data) if data else {}
            return web.json_response(await answer(body, request))
        except StatusError as failure:
            return web.json_response(failure.body(), status=failure.code)
        except (KeyError, TypeError, ValueError) as error:
            problem = f"{type(error).__name__}: {error}"
            return web.json_response({"message": problem}, status=400)

    return handle
