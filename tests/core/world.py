"""An engine in a world without I/O: a network that answers or does not, and time in ticks.

The kernel's side of it is told as facts, and what the engine asks the kernel is answered.

Owns the simulation. Refuses: to judge, but for what must hold in every turn.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from pokepodsd.core.engine import TICK_NS, Engine
from pokepodsd.core.entries import Entry, EventKind
from pokepodsd.core.kernel import DumpBegun, DumpEnded, Findings, Inspect
from pokepodsd.core.model import (
    MILLISECOND_NS,
    SECOND_NS,
    Datagram,
    IcmpError,
    Layer,
    MonotonicNs,
    Pod,
    Scope,
    Send,
    Target,
    WallNs,
)
from pokepodsd.core.records import ListBegun, ListEnded, PodsListed, Watching
from tests.core.builders import T0, V4, V6, WALL0, draw_cookie, make_config, make_pod, reply_to
from tests.core.kernelfacts import Fact, changed, removed

RTT = 2 * MILLISECOND_NS
Answer = Callable[[Target], str]
Sends = list[tuple[float, str]]


def answers(_: Target) -> str:
    return "reply"


def is_silent(_: Target) -> str:
    return "silence"


def finds_nothing(_: Inspect) -> Findings:
    return Findings()


@dataclass
class World:
    """An engine, and a network that answers each target with a reply, an error or silence."""

    engine: Engine
    answer: Answer = answers
    now: MonotonicNs = T0
    inspect: Callable[[Inspect], Findings] = finds_nothing
    sends: Sends = field(default_factory=list)
    by_layer: dict[Layer, Sends] = field(default_factory=lambda: {one: [] for one in Layer})
    inspections: list[Inspect] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    arriving: list[Datagram | IcmpError] = field(default_factory=list)

    def run(self, seconds: float) -> None:
        """Let time pass in ticks, as the daemon's loop does."""
        for _ in range(round(seconds * SECOND_NS / TICK_NS)):
            self.turn()
            self.now = MonotonicNs(self.now + TICK_NS)

    def turn(self) -> None:
        arriving, self.arriving = self.arriving, []
        for item in arriving:
            if isinstance(item, IcmpError):
                self.engine.receive_error(item, self.now)
            else:
                self.engine.receive(item, self.now)
        self.engine.tick(self.now)
        for inspection in self.engine.take_inspections():
            self.inspections.append(inspection)
            self.engine.inspected(inspection, self.inspect(inspection))
        for send in self.engine.due(self.now):
            self._carry(send)
        self.engine.sent(self.now)
        assert self.engine.reason_stuck(self.now) is None
        assert self.engine.next_wake() >= self.now + TICK_NS
        self.entries += self.engine.take_entries()

    def _carry(self, send: Send) -> None:
        target = send.probe.target
        when = (self.now - T0) / SECOND_NS
        self.sends.append((when, target.address))
        self.by_layer[target.layer].append((when, target.address))
        send.probe.sent_wall_ns = WallNs(WALL0 + self.now - T0)
        match self.answer(target):
            case "reply":
                self.arriving.append(reply_to(send.probe, after_ns=RTT))
            case "unreachable":
                error = IcmpError(
                    family=target.family,
                    quoted=send.packet,
                    destination=target.address,
                    type=3,
                    code=1,
                    reporter="10.9.9.9",
                )
                self.arriving.append(error)
            case "silence":
                pass
            case errno_name:
                self.engine.send_failed(send, errno_name, self.now)

    def take_list(self, *pods: Pod) -> None:
        for record in (
            ListBegun(),
            PodsListed(pods=pods),
            ListEnded(scope=Scope.CLUSTER),
            Watching(scope=Scope.CLUSTER),
        ):
            self.engine.take(record, self.now)

    def tell(self, *facts: Fact) -> None:
        """The kernel says that these are so."""
        for fact in facts:
            self.engine.take_kernel(changed(fact), self.now)

    def retract(self, *facts: Fact) -> None:
        """The kernel says that these are so no more."""
        for fact in facts:
            self.engine.take_kernel(removed(fact), self.now)

    def dump(self, *facts: Fact) -> None:
        """The kernel says all that there is."""
        self.engine.take_kernel(DumpBegun(), self.now)
        self.tell(*facts)
        self.engine.take_kernel(DumpEnded(), self.now)

    def forget_sends(self) -> None:
        """Look at what is sent from now on."""
        self.sends.clear()
        for sends in self.by_layer.values():
            sends.clear()

    def tunnel_times(self, address: str) -> list[float]:
        """When the tunnel was poked at this address."""
        return [round(when, 2) for when, one in self.by_layer[Layer.TUNNEL] if one == address]

    def told(self) -> list[EventKind]:
        """The kinds of the entries since the last time, without the API's."""
        entries, self.entries = self.entries, []
        return [entry.kind for entry in entries]

    def counts(self) -> tuple[int, int, int]:
        snapshot = self.engine.snapshot()
        return snapshot.up, snapshot.down, snapshot.opening


def make_world(answer: Answer = answers, **poke: object) -> World:
    return world_of({"poke": poke}, answer)


def world_of(tables: Mapping[str, Mapping[str, object]], answer: Answer = answers) -> World:
    config = make_config(**tables)
    return World(engine=Engine(config, (V4, V6), draw=draw_cookie, now=T0), answer=answer)


def pods(count: int, node: str = "node-b") -> list[Pod]:
    return [
        make_pod(f"p{n}", node=node, addresses=(f"10.1.{n // 250}.{n % 250 + 1}",))
        for n in range(count)
    ]


def per_address(sends: Iterable[tuple[float, str]]) -> Counter[str]:
    return Counter(address for _, address in sends)
