"""The cluster of an endurance run: its nodes, their services, its pods, and what is known of them.

Owns building and removing it, and the one lock around what several threads look at. Judges nothing.
"""

import contextlib
import os
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.apiserver.podfactory import PodArguments
from tests.cluster import Cluster
from tests.daemon.nodes import register
from tests.demonstration.interrupts import Interrupts
from tests.demonstration.premises import Premises
from tests.lab import Encapsulation, Node
from tests.soak.churn import Change, Slot, Step
from tests.soak.notices import Notice
from tests.soak.pokes import Life
from tests.soak.truth import Outage, Spell, Truth, close_deaf
from tests.soak.unit import Unit

NAMESPACE: Final = "shop"
# A /24 for each node, without what it begins and ends with.
PLACES: Final = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large the cluster is, and how often it is poked; ``changes`` of pods in a second."""

    nodes: int
    pods: int
    interval_seconds: float
    changes: float

    def tables(self) -> dict[str, dict[str, Any]]:
        """The daemons' configuration: every pod is poked, with room for what is asked besides."""
        rate = max(20, round(1.5 * self.pods / self.interval_seconds) + 10 * self.nodes)
        return {
            "poke": {"interval": f"{round(self.interval_seconds * 1000)}ms", "max_rate": rate},
            "tunnels": {"interval": "5s"},
            "pods": {"scope": "all"},
        }


class World(Premises):
    """What the parts of a run share; ``lock`` is for the truth, the lives and the notices."""

    def __init__(self, interrupts: Interrupts) -> None:
        super().__init__(interrupts)
        self.lock = threading.RLock()
        self.control = threading.RLock()
        """Held by whoever asks the API server's control socket, or takes the server away."""
        self.truth = Truth()
        self.lives: dict[str, Life] = {}
        self.notices: list[Notice] = []
        self.units: dict[str, Unit] = {}
        self.harness: list[str] = []
        """What went wrong with the run itself."""
        self.size: Size
        self._made: dict[str, PodArguments] = {}

    def build(self, size: Size) -> None:
        """Build the cluster, without pods; no daemon runs yet."""
        self.size = size
        self._build(
            "pokepodsd-soak-",
            lambda folder: Cluster(
                folder, nodes=size.nodes, pod_prefix=24, tunnels=Encapsulation.IPIP
            ),
        )
        # What it is late with would be taken for a fault of the network.
        os.setpriority(os.PRIO_PROCESS, self.relay_pid, -10)
        register(self.cluster, *self.cluster.lab.nodes)
        for node in self.nodes:
            unit = Unit(self.cluster, node, self.truth)
            self._exits.callback(unit.close)
            self.cluster.write_config(node, size.tables())
            self.units[node.name] = unit

    @property
    def nodes(self) -> Sequence[Node]:
        """The nodes, in the order of the schedule's indexes."""
        return self.cluster.lab.nodes

    def address(self, slot: Slot) -> str:
        """The address of a place for a pod."""
        return self.nodes[slot.node].pod_address(slot.number)

    def others(self) -> frozenset[str]:
        """What is poked besides pods."""
        return frozenset(
            address for node in self.nodes for address in (node.address, node.tunnel.address)
        )

    def make_first(self, pods: Sequence[tuple[Slot, str]]) -> None:
        """The pods of the beginning."""
        made = [self._arguments(slot, name, 0) for slot, name in pods]
        for slot, _ in pods:
            self.lives[self.address(slot)] = Life(created_ns=time.monotonic_ns())
        self.cluster.api.control.make_pods(made)

    def change(self, step: Step) -> None:
        """One change of one pod."""
        control, address = self.cluster.api.control, self.address(step.slot)
        now = time.monotonic_ns()
        match step.change:
            case Change.CREATE:
                with self.lock:
                    self.lives[address] = Life(created_ns=now)
                control.make_pods([self._arguments(step.slot, step.name, step.generation)])
            case Change.DELETE:
                with self.lock:
                    self.lives[address].deleted_ns = now
                control.delete_pod(NAMESPACE, step.name)
                del self._made[step.name]
            case Change.REPLACE:
                (old,) = [n for n, made in self._made.items() if made["addresses"] == [address]]
                control.make_pods([self._arguments(step.slot, step.name, step.generation)])
                control.delete_pod(NAMESPACE, old)
                del self._made[old]
            case Change.RESTART:
                made = self._made[step.name]
                made["restart_count"] = made.get("restart_count", 0) + 1
                control.make_pods([{**made, "ready": False}])
                control.make_pods([made])

    @contextlib.contextmanager
    def fault(self, what: str) -> Iterator["Making"]:
        """A fault from before it is made until it is undone, and what it makes untrue."""
        making = Making(self, what)
        try:
            yield making
        finally:
            making.over()

    def _arguments(self, slot: Slot, name: str, generation: int) -> PodArguments:
        node = self.nodes[slot.node]
        made: PodArguments = {
            "name": name,
            "namespace": NAMESPACE,
            "node": node.name,
            "addresses": [self.address(slot)],
            "host_address": node.address,
            "uid": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name} {generation}")),
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        self._made[name] = made
        return made

    @property
    def relay_pid(self) -> int:
        """The process that is the network between the nodes."""
        digger = self.cluster.lab._digger
        assert digger is not None
        return digger.helper.pid


class Making:
    """One fault under way: says what is untrue, before it is made."""

    def __init__(self, world: World, what: str) -> None:
        self._world = world
        self.what = what
        self._outages: list[Outage] = []
        self._deaf: list[Spell] = []
        self._absent: list[Spell] = []
        self._spell = Spell(fault=what, begin_ns=time.monotonic_ns())
        with world.lock:
            world.truth.faults.append(self._spell)

    def cuts(self, daemon: str, subject: str, *, node: str = "") -> None:
        """This daemon is about to lose this subject."""
        outage = Outage(
            fault=self.what,
            begin_ns=time.monotonic_ns(),
            daemon=daemon,
            subject=subject,
            node=node,
        )
        self._outages.append(outage)
        with self._world.lock:
            self._world.truth.outages[daemon].append(outage)

    def deafens(self, *daemons: str) -> None:
        """These cannot learn of pods; whether they notice is not said."""
        for daemon in daemons:
            spell = Spell(fault=self.what, begin_ns=time.monotonic_ns())
            self._deaf.append(spell)
            with self._world.lock:
                self._world.truth.deaf[daemon].append(spell)
            self.cuts(daemon, "api")

    def stops(self, daemon: str) -> None:
        """This one does nothing for a while."""
        spell = Spell(fault=self.what, begin_ns=time.monotonic_ns())
        self._absent.append(spell)
        with self._world.lock:
            self._world.truth.absent[daemon].append(spell)

    def made(self, *, tells: bool = True) -> None:
        """It is made. Where it ``tells``, each cut must be told, if it lasts."""
        if tells:
            for outage in self._outages:
                outage.sure_ns = time.monotonic_ns()

    def undoing(self) -> None:
        """From now on it may be over."""
        for outage in self._outages:
            outage.undone_ns = time.monotonic_ns()

    def over(self) -> None:
        """It is over."""
        now = time.monotonic_ns()
        with self._world.lock:
            for spell in (self._spell, *self._outages, *self._absent):
                spell.end_ns = min(spell.end_ns, now)
            close_deaf(self._deaf, now)
