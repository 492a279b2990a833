"""Asks the API server: kubeconfig, list, watch, lookups and reports in, records out.

Owns the wiring of the credentials, the connection and the feed. Knows nothing of processes: the
reader runs it in a child, and ``pokepodsd once`` in the foreground.
"""

import random
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from pokepodsd.core import protocol
from pokepodsd.core.config import KubernetesConfig
from pokepodsd.core.errands import Report
from pokepodsd.core.gathering import Gathering
from pokepodsd.core.lines import LinePatience
from pokepodsd.core.model import MILLISECOND_NS, SECOND_NS, MonotonicNs, NodeName, Scope
from pokepodsd.core.nodes import Permit, read_answer
from pokepodsd.core.podrecords import PodRecords
from pokepodsd.core.protocol import Ask, Timings
from pokepodsd.core.records import (
    Alive,
    Asked,
    Identified,
    ListBegun,
    ListEnded,
    Lost,
    NodeGone,
    NodeSeen,
    NodesRefused,
    Record,
    Refused,
    ReportEnded,
    Watching,
)
from pokepodsd.core.requests import Request, Result, result_of
from pokepodsd.core.selection import field_selector
from pokepodsd.core.watch import PodFeed
from pokepodsd.core.writes import Write, judge_write, write_of
from pokepodsd.edge.clock import monotonic_ns, wall_ns
from pokepodsd.edge.kubeconfig import Kubeconfig, find
from pokepodsd.errors import ApiError

if TYPE_CHECKING:
    from pokepodsd.edge.apiserver import Answer, ApiServer

# An alarm waits for it.
_LOOKUP_PATIENCE = 3.0
# The next report waits for it.
_REPORT_PATIENCE = 5.0
# Where more than 150 events come in a second, a new pod waits for its turn at the cap on pokes
# longer than for this.
_REST_NS = 100 * MILLISECOND_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What to ask for; ``scratch`` is a private folder for inline keys."""

    config: KubernetesConfig
    timings: Timings
    scratch: Path


class Asker:
    """One list-then-watch that goes on across renewed credentials."""

    def __init__(self, orders: Orders, *, allow: Callable[[float], None]) -> None:
        """``allow`` is told, before each wait, how many seconds it may last."""
        self._orders = orders
        self._allow = allow
        self._kubeconfig: Kubeconfig | None = None
        self._api: ApiServer | None = None
        self._nodes = Permit()
        self._answer: Answer | None = None
        self._node = NodeName("")
        self._renew = threading.Event()
        self._asked: list[Asked] = []
        self._received = self._heard_ns = 0
        self._gathering = Gathering(rest_ns=_REST_NS)
        self._pods = PodRecords(tells_ready=orders.config.skip_ready)
        self.feed = PodFeed(selectors=self._selectors, timings=orders.timings, roll=random.random)

    @property
    def is_connected(self) -> bool:
        """Whether there are credentials, and they are the ones in force."""
        if self._api is None or self._kubeconfig is None or self._renew.is_set():
            return False
        return not self._kubeconfig.is_changed()

    def connect(self) -> Identified:
        """Read the credentials, and drop the connections of the old ones.

        Raises:
            CredentialsError: there are none that can be used.
        """
        if self._api is not None:
            self._api.close()
            self._api = None
        # Whatever is replaced from here on counts as a change of the new ones.
        self._kubeconfig = None
        self._renew.clear()
        config = self._orders.config
        kubeconfig = Kubeconfig(find(config.kubeconfig), scratch=self._orders.scratch)
        try:
            configuration = kubeconfig.load()
        finally:
            # If they are of no use, their next change is what to look for.
            self._kubeconfig = kubeconfig
        # Not before there are credentials: a node that has none never pays for a client.
        from pokepodsd.edge.apiserver import ApiServer  # noqa: PLC0415
        from pokepodsd.edge.certificate import node_name  # noqa: PLC0415

        self._node, source = node_name(
            configuration.cert_file, setting=config.node_name, host_name=socket.gethostname()
        )
        # A refusal is one of these credentials.
        self._nodes = Permit()
        self._api = ApiServer(configuration, self._orders.timings)
        return Identified(node=self._node, source=source)

    def ask(self, question: Ask) -> Iterator[Record]:
        """Do one step of the feed; what it taught, as it comes."""
        for event in self._ask(question):
            if self._asked:
                yield from self._take_asked()
            yield from self._records(event)
        yield from self._take_asked()

    def alive(self) -> Alive:
        """From another thread: what the server has said so far."""
        return Alive(received=self._received, heard_ns=self._heard_ns)

    def look_up(self, node: NodeName) -> NodeSeen | NodeGone | NodesRefused | None:
        """From another thread: read one Node object; None where that taught nothing.

        After a refusal nothing is asked until the credentials are renewed, or some time passed.
        """
        api, permit = self._api, self._nodes
        if api is None or not permit.is_given(monotonic_ns()):
            return None
        try:
            with api.look_up(node, patience=_LOOKUP_PATIENCE) as answer:
                body = answer.body()
            self._note_part(len(body))
            record = read_answer(node, answer.status, body)
        except ApiError:
            self._note_end(Request.LOOKUP, Result.FAILED)
            return None
        self._note_end(Request.LOOKUP, result_of(answer.status))
        if isinstance(record, NodesRefused):
            permit.refuse(monotonic_ns())
            # A refusal of credentials that were replaced meanwhile says nothing about the new ones.
            return record if api is self._api else None
        return record

    def report(self, report: Report) -> ReportEnded | None:
        """From another thread: write a report; None where it is to be tried again later."""
        api, node = self._api, self._node
        if api is None:
            return None
        step: ReportEnded | Write | None = write_of(report, node, wall_ns())
        try:
            while isinstance(step, Write):
                with api.write(step, patience=_REPORT_PATIENCE) as answer:
                    step = judge_write(report, node, step.method, answer.status, answer.body())
        except ApiError:
            return None
        return step

    def renew_if_changed(self) -> None:
        """From another thread: end what goes on with credentials that were replaced."""
        kubeconfig = self._kubeconfig
        if kubeconfig is not None and kubeconfig.is_changed():
            self.interrupt()

    def interrupt(self) -> None:
        """From another thread: end what goes on, and read the credentials anew."""
        self._renew.set()
        if (answer := self._answer) is not None:
            answer.interrupt()

    def wait(self, seconds: float) -> None:
        """Wait, unless the credentials are replaced."""
        self._allow(seconds)
        self._renew.wait(seconds)

    def _ask(self, question: Ask) -> Iterator[protocol.Event]:
        if self._api is None:
            raise RuntimeError("asked before it was connected")
        timings = self._orders.timings
        self._allow(timings.connect + timings.answer)
        request = Request.WATCH if question.is_watch else Request.LIST
        try:
            with self._api.ask(question) as answer:
                self._answer = answer
                if not answer.is_ok or not question.is_watch:
                    body = answer.body()
                    self._note_part(len(body))
                    self._note_end(request, result_of(answer.status))
                    yield from self.feed.page(answer.status, body, answer.retry_after)
                    return
                self._note_end(request, Result.OK)
                yield from self.feed.opened()
                patience = LinePatience(longest_ns=round(timings.silence * SECOND_NS))
                for chunk in answer.chunks():
                    self._note_part(len(chunk))
                    self._allow(timings.silence)
                    patience.note(chunk, MonotonicNs(self._heard_ns))
                    yield from self.feed.chunk(chunk)
                    self._gather(answer, chunk.count(b"\n"))
                yield from self.feed.ended(answer.lived)
        except ApiError as error:
            if not (question.is_watch and self._answer and self._answer.is_ok):
                self._note_end(request, Result.FAILED)
            if self._renew.is_set():
                self.feed.interrupted()
            else:
                yield from self.feed.failed(error, self._answer.lived if self._answer else 0.0)
        finally:
            self._answer = None

    def _gather(self, answer: "Answer", events: int) -> None:
        """Where many events come, let the next ones gather when these are all there were."""
        rest_ns = self._gathering.note(events, MonotonicNs(self._heard_ns))
        if rest_ns and not answer.has_more():
            self._renew.wait(rest_ns / SECOND_NS)

    def _note_part(self, size: int) -> None:
        self._received += size
        self._heard_ns = monotonic_ns()

    def _note_end(self, request: Request, result: Result) -> None:
        self._asked.append(Asked(request=request, result=result))

    def _take_asked(self) -> Iterator[Asked]:
        asked, self._asked = self._asked, []
        yield from asked

    def _records(self, event: protocol.Event) -> Iterator[Record]:
        match event:
            case protocol.Begun():
                self._pods.begin()
                yield ListBegun()
            case protocol.Listed(objects=objects):
                yield from self._pods.listed(objects)
            case protocol.Completed(scope=scope):
                yield ListEnded(scope=scope)
            case protocol.Changed(object=obj):
                yield from self._pods.changed(obj)
            case protocol.Removed(object=obj):
                yield self._pods.removed(obj)
            case protocol.Opened(scope=scope):
                yield Watching(scope=scope)
            case protocol.Troubled(reason=reason, renew=renew):
                if renew:
                    self._renew.set()
                yield Lost(reason=self._explained(reason))
            case protocol.Forbidden(message=message):
                yield Refused(message=message)
            case _:
                assert_never(event)

    def _explained(self, reason: str) -> str:
        """A reason, with where it was met, and what of the credentials may be behind it."""
        if self._api is None:
            return reason
        from pokepodsd.edge.certificate import out_of_time  # noqa: PLC0415

        credentials = out_of_time(self._api.certificate, datetime.now(tz=UTC))
        return "; ".join(filter(None, (f"{self._api.url}: {reason}", credentials)))

    def _selectors(self, scope: Scope, portable: bool) -> Mapping[str, str]:
        config = self._orders.config
        fields = field_selector(config, scope, self._node, portable=portable)
        labels = {"labelSelector": config.label_selector} if config.label_selector else {}
        return {"fieldSelector": fields, **labels}
