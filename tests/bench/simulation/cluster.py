"""What pokepodsd costs a whole cluster: some of its nodes simulated wholly, and multiplied.

Owns which nodes are simulated, for how long, and the arithmetic from one node to all.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import mean

from pokepodsd.core.model import SECOND_NS, Layer, NodeName, TargetId
from pokepodsd.core.packets import PACKET_SIZE
from pokepodsd.core.scope import Chooser
from tests.bench.simulation.churn import PODS_A_NODE, changes
from tests.bench.simulation.node import Observed, SimulatedNode, make_reader
from tests.bench.simulation.reader import Reader, Usage
from tests.bench.simulation.server import Server
from tests.core.builders import T0, make_config, make_target
from tests.core.nodes import name_of

# All daemons start at once. The nodes' own addresses have all been asked once after 300 s.
START_SECONDS = 300.0
STEADY_SECONDS = 120.0
# What is seldom, watches that end and checks for a grant, is observed with the readers alone. The
# delays between checks have grown to their longest after ten minutes.
CALM_SECONDS = {True: (420.0, 1020.0), False: (600.0, 1800.0)}
# Of the few changes of a node's own pods, three nodes alone would show too few to count.
_OWN_READERS = 100
_TUNNELLED = PACKET_SIZE + 20 + 20
_PLAIN = PACKET_SIZE + 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one node does in steady time, a second where it says nothing else.

    ``pods_poked``, ``is_narrowed`` (a few of each node instead of all) and ``interval_seconds``
    (each of them once in it) are what the daemon does by itself. ``link_bytes`` are IP packets over
    the node's link, both directions: its pokes, the others' to it, and the answers to both; pokes
    of its own pods stay on it. ``receives`` and ``receives_most`` are how often the whole cluster
    asks one pod. ``list_bytes`` are those of the first list, in all.
    """

    nodes: int
    is_granted: bool
    sampled: int
    pods_known: float
    pods_poked: float
    is_narrowed: bool
    interval_seconds: float
    tunnel_pokes: float
    underlay_pokes: float
    pod_pokes: float
    most_in_second: int
    link_bytes: float
    receives: float
    receives_most: float
    events: float
    watch_bytes: float
    requests: float
    refused: float
    list_bytes: float

    @property
    def pokes(self) -> float:
        """All that a node sends of its own accord."""
        return self.tunnel_pokes + self.underlay_pokes + self.pod_pokes


def cost(nodes: int, *, is_granted: bool, sampled: int) -> Cost:
    """Simulate ``sampled`` of so many nodes; deterministic."""
    begin, end = CALM_SECONDS[is_granted]
    server = Server(nodes, changes(nodes, end), is_granted=is_granted, can_stream=True)
    simulated = [_simulate(server, number) for number in _spread(nodes, sampled)]
    seen = [observed for _, observed in simulated]
    readers = [node.reader for node, _ in simulated]
    if not is_granted:
        readers = [make_reader(server, number) for number in _spread(nodes, _OWN_READERS)]
    calm = [_calm_usage(reader, begin, end) for reader in readers]
    is_narrowed = any(one.is_narrowed for one in seen)
    interval_seconds = mean(one.interval_seconds for one in seen)
    askers = _most_askers(nodes, is_granted=is_granted, is_narrowed=is_narrowed)
    rates = _rates(seen)
    return Cost(
        nodes=nodes,
        is_granted=is_granted,
        sampled=sampled,
        pods_known=mean(one.pods_known for one in seen),
        pods_poked=mean(one.pods_poked for one in seen),
        is_narrowed=is_narrowed,
        interval_seconds=interval_seconds,
        most_in_second=max(one.most_in_second for one in seen),
        receives=rates["pod_pokes"] / PODS_A_NODE,
        receives_most=askers / interval_seconds,
        list_bytes=mean(one.first_list_bytes for one in seen),
        **rates,
        **_api_rates(calm, end - begin),
    )


def _spread(nodes: int, count: int) -> list[int]:
    """So many of the nodes' numbers, or all, evenly spread."""
    count = min(count, nodes)
    return [nodes * (2 * place + 1) // (2 * count) for place in range(count)]


def _simulate(server: Server, number: int) -> tuple[SimulatedNode, Observed]:
    node = SimulatedNode(server, number)
    node.run(START_SECONDS)
    return node, node.observe(STEADY_SECONDS)


def _calm_usage(reader: Reader, begin: float, end: float) -> Usage:
    """What a reader uses from ``begin`` to ``end``, in seconds."""
    reader.run(round(begin * SECOND_NS))
    before = replace(reader.usage)
    reader.run(round(end * SECOND_NS))
    return reader.usage.less(before)


def _rates(seen: Sequence[Observed]) -> dict[str, float]:
    """Of the pokes, and of what they and the others' are on the link."""
    tunnel, underlay, pod = (
        mean(one.pokes[layer] / one.seconds for one in seen)
        for layer in (Layer.TUNNEL, Layer.UNDERLAY, Layer.POD)
    )
    through = tunnel + pod - mean(one.own_pod_pokes / one.seconds for one in seen)
    return {
        "tunnel_pokes": tunnel,
        "underlay_pokes": underlay,
        "pod_pokes": pod,
        "link_bytes": 4 * (_TUNNELLED * through + _PLAIN * underlay),
    }


def _api_rates(usages: Sequence[Usage], seconds: float) -> dict[str, float]:
    """What the API server is asked by a node, and sends to it."""
    names = ("events", "watch_bytes", "requests", "refused")
    return {name: mean(getattr(one, name) for one in usages) / seconds for name in names}


def _most_askers(nodes: int, *, is_granted: bool, is_narrowed: bool) -> int:
    """How many nodes poke the pod of one node that most of them chose."""
    if not is_granted:
        return 1
    if not is_narrowed:
        return nodes
    per_node = make_config().pods.per_node
    chooser = Chooser(setting="per-node", per_node=per_node, most=0, now=T0)
    targets = [make_target(number, node=name_of(0)) for number in range(PODS_A_NODE)]
    for target in targets:
        chooser.add(target, T0)
    askers: Counter[TargetId] = Counter()
    for number in range(nodes):
        chooser.set_node(NodeName(name_of(number)))
        chooser.settle(T0)
        askers.update(target.id for target in targets if target.id in chooser)
    return max(askers.values())
