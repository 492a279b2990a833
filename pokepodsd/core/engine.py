"""Composes the stages; the only module that knows their order.

Owns the flow: facts in (records of the reader, saved targets, datagrams, the time), and out of it
what is to be done: packets to send, entries to write. Does none of it.
"""

from collections.abc import Iterable, Iterator

from pokepodsd.core import glance
from pokepodsd.core.apibelief import ApiBelief
from pokepodsd.core.apiusage import ApiUsage
from pokepodsd.core.condition import Outlook
from pokepodsd.core.config import Config
from pokepodsd.core.entries import Entry
from pokepodsd.core.inquiries import excuse_of
from pokepodsd.core.kernel import Findings, Inspect, KernelEvent
from pokepodsd.core.liveness import reason_stuck
from pokepodsd.core.lossiness import Lossiness
from pokepodsd.core.model import (
    MILLISECOND_NS,
    Channel,
    Datagram,
    Draw,
    Family,
    Health,
    IcmpError,
    Layer,
    MonotonicNs,
    NodeName,
    Outcome,
    OutcomeKind,
    Send,
    Snapshot,
    Target,
)
from pokepodsd.core.overview import Overlook
from pokepodsd.core.peering import Peering
from pokepodsd.core.peers import Peer, PeerId
from pokepodsd.core.podding import Podding
from pokepodsd.core.podnews import merge_withdrawals, tell_failure, tell_reply
from pokepodsd.core.poking import Poking
from pokepodsd.core.records import (
    Lost,
    NodeGone,
    NodeSeen,
    NodesRefused,
    Record,
    Refused,
    Watching,
)
from pokepodsd.core.status import Stages

# What is due goes out in ticks: a daemon's cost is its wake-ups, not its packets. 50 ms at 200
# pokes a second are 10 packets a tick.
TICK_NS = 50 * MILLISECOND_NS


class Engine:
    """The whole thinking of the daemon, without its doing."""

    def __init__(
        self, config: Config, channels: Iterable[Channel], *, draw: Draw, now: MonotonicNs
    ) -> None:
        self._config = config
        self._poking = Poking(config, channels, draw=draw, now=now)
        self._podding = Podding(self._poking, config, now)
        self._peering = Peering(self._poking, config.tunnels, now)
        self._api = ApiBelief(now)
        self._usage = ApiUsage()
        self.stages = Stages(
            poking=self._poking,
            podding=self._podding,
            peering=self._peering,
            api=self._api,
            usage=self._usage,
            overlook=Overlook(self._peering, self._poking),
            started_ns=now,
        )
        """What the reports are made of."""
        self._lossiness = Lossiness()
        self._peering.bulletin.is_way_bad = self._lossiness.is_bad
        self._mood = self._lossiness.mood(self._peering.assessment.mood)
        self._own_addresses: frozenset[str] = frozenset()
        self._entries: list[Entry] = []
        self._last_tick = MonotonicNs(now - TICK_NS)

    @property
    def node(self) -> NodeName | None:
        """This node's own name, once the reader said it."""
        return self._podding.population.selection.node

    @property
    def targets(self) -> Iterator[Target]:
        """Every pod's target there is, poked or not."""
        return self._podding.population.all()

    @property
    def revision(self) -> int:
        """Grows with every change of the set of targets."""
        return self._podding.revision

    @property
    def is_listing(self) -> bool:
        """Whether a full list comes in at the moment."""
        return self._podding.population.is_listing

    def reconfigure(self, config: Config) -> None:
        """Take a new configuration; every target and belief stays."""
        self._config = config
        self._poking.reconfigure(config)
        self._podding.reconfigure(config)
        self._peering.reconfigure(config.tunnels)

    def set_own_addresses(self, addresses: frozenset[str], now: MonotonicNs) -> None:
        """The addresses of this host, which are never targets."""
        self._own_addresses = addresses
        self._peering.take_pods(self._podding.set_own_addresses(addresses, now))
        self._peering.set_own(self.node, addresses)

    def restore(self, saved: Iterable[Target], now: MonotonicNs) -> None:
        """Poke some of the last known targets, until the API server confirms or denies them."""
        for delta in self._podding.restore(saved, now):
            self._peering.take_pods(delta)

    def take(self, record: Record, now: MonotonicNs) -> None:
        """Take one record of the reader."""
        inquiries = self._peering.assessment.inquiries
        self._usage.take(record)
        match record:
            case Watching(scope=scope):
                self._entries += self._api.watching(scope, now)
            case Lost(reason=reason):
                self._api.lost(reason, now)
            case Refused(message=message):
                self._entries += self._api.refused(message)
            case NodeSeen() | NodeGone():
                self._peering.assessment.looked_up(record.node, excuse_of(record))
                inquiries.are_nodes_refused = False
            case NodesRefused():
                inquiries.are_nodes_refused = True
            case _:
                pass
        inquiries.is_api_there = self._api.is_there
        for delta in self._podding.take(record, now, is_new=self._api.has_listed):
            self._peering.take_pods(delta)
        self._peering.set_own(self.node, self._own_addresses)

    def take_kernel(self, event: KernelEvent, now: MonotonicNs) -> None:
        """Take one thing that the kernel said of links, routes and neighbours."""
        self._peering.take(event, now)

    def woke_up(self) -> None:
        """This host slept: every tunnel may be shut."""
        self._peering.burst_all()

    def take_inspections(self) -> list[Inspect]:
        """What the kernel is to be asked, each handed out once; to be answered with `inspected`."""
        inquiries = self._peering.assessment.inquiries
        inspections, inquiries.inspections = inquiries.inspections, []
        return inspections

    def inspected(self, inspection: Inspect, findings: Findings) -> None:
        """What the kernel said."""
        self._peering.assessment.inspected(PeerId(inspection.peer), findings)

    def find_peers(self, text: str) -> list[Peer]:
        """The peers that a person means: by name, by address, or "all"."""
        return self._peering.find(text)

    def hold_peers(self, peers: Iterable[PeerId]) -> None:
        """Send nothing through the tunnels to these, and through all others again, at once."""
        self._peering.hold(frozenset(peers))

    def take_lookups(self) -> list[NodeName]:
        """Nodes whose objects are to be read, each handed out once."""
        inquiries = self._peering.assessment.inquiries
        lookups, inquiries.lookups = inquiries.lookups, []
        return lookups

    def due(self, now: MonotonicNs) -> Iterator[Send]:
        """The echo requests that are to be sent now."""
        self._last_tick = now
        for delta in self._podding.withdraw_part(now):
            self._peering.take_pods(delta)
        self._peering.settle(now)
        self._podding.settle(self._peering.take_uncovered(), now)
        self._poking.lanes.share()
        yield from self._poking.due(now)

    def sent(self, now: MonotonicNs) -> None:
        """All that was due has been sent by ``now``."""
        self._poking.lanes.sent(now)

    def send_failed(self, send: Send, errno_name: str, now: MonotonicNs) -> None:
        """The kernel did not take a packet."""
        self._judge(self._poking.flights.fail_send(send, errno_name, now))

    def receive(self, datagram: Datagram, now: MonotonicNs) -> None:
        """A datagram arrived."""
        outcome = self._poking.flights.match_reply(datagram, now)
        if outcome is not None:
            self._judge(outcome)

    def receive_error(self, error: IcmpError, now: MonotonicNs) -> None:
        """An ICMP error arrived."""
        outcome = self._poking.flights.match_error(error, now)
        if outcome is not None:
            self._judge(outcome)

    def overrun(self, family: Family, packets: int, now: MonotonicNs) -> None:
        """So many packets arrived and found no room."""
        self._poking.flights.overrun(family, packets, now)

    def tick(self, now: MonotonicNs) -> None:
        """Do what is due by the time alone: give up probes, decide, tell what was held back."""
        for outcome in self._poking.flights.expire(now):
            self._judge(outcome)
        self._entries += self._peering.tick(now)
        assessment = self._peering.assessment
        self._entries += self._lossiness.tick(
            now,
            interval_ns=self._poking.lanes[Layer.POD].interval_ns,
            peer_of=self._peering.get,
            is_cut_off=lambda peer_id: assessment.told_of(peer_id)[0].is_fault,
        )
        self._podding.tick(self._mood, now)
        self._entries += self._api.tick(now)
        self._entries += self._poking.shortage.tick(now)

    def finish(self, now: MonotonicNs) -> None:
        """Tell what is still held back; the last act before the stop."""
        self._entries += self._peering.finish(now)
        self._podding.finish()

    def take_entries(self) -> list[Entry]:
        """The entries to write, which are handed out once."""
        entries, self._entries = self._podding.take_entries() + self._entries, []
        return merge_withdrawals(entries)

    def next_wake(self) -> MonotonicNs:
        """When the loop is to come back, if nothing happens before."""
        times = [
            self._poking.lanes.next_due(),
            self._poking.flights.next_expiry(),
            self._podding.next_due(),
            self._api.next_due(),
            self._peering.next_due(),
        ]
        known = [time for time in times if time is not None]
        earliest = MonotonicNs(self._last_tick + TICK_NS)
        return max(min(known), earliest) if known else MonotonicNs(self._last_tick + 60 * TICK_NS)

    def reason_stuck(self, now: MonotonicNs) -> str | None:
        """Why no progress is made, or None if it is."""
        return reason_stuck(
            now,
            next_poke=self._poking.lanes.next_due(),
            next_expiry=self._poking.flights.next_expiry(),
        )

    def outlook(self) -> Outlook:
        """What this node's condition is made of."""
        return glance.outlook(self.stages)

    def snapshot(self) -> Snapshot:
        """The state as it is now."""
        return glance.snapshot(self.stages)

    def _judge(self, outcome: Outcome) -> None:
        target, poking = outcome.probe.target, self._poking
        outcome = poking.note(outcome)
        record = poking.get(target.layer, target.id)
        if record is None:
            return
        if outcome.kind is OutcomeKind.REPLIED:
            if self._config.log.level == "debug":
                self._entries.append(tell_reply(outcome))
        elif self._config.log.failures == "each":
            self._entries.append(tell_failure(outcome))
        before = record.standing()
        transition = poking.judge(outcome)
        self._peering.judged(outcome, record, before, transition)
        self._lossiness.note(outcome, before, poking.lanes[Layer.POD].interval_ns)
        if transition is None or target.layer is not Layer.POD:
            return
        # That a pod's first pokes were lost is the tunnel's news, where there is one.
        if (
            transition.after is Health.DOWN
            or transition.before is Health.DOWN
            or not self._peering.has_tunnel(target.node)
        ):
            self._podding.note(transition, self._mood)
