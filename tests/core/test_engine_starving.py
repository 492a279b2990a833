"""Checks that no tunnel waits: whatever fails, comes and goes, and however many pods there are."""

from collections import Counter
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from pokepodsd.core.model import SECOND_NS, Layer, MonotonicNs, TargetId
from tests.core.nodes import Faults, feed, pods_of, route_to, routes, tunnel_address
from tests.core.world import World, make_world, world_of

INTERVAL = 5.0
NODES = range(1, 9)
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["dead", "shut", "pod", "cut", "heal", "anew", "wait", "wait"]),
        st.sampled_from(NODES),
        st.floats(0.1, 12),
    ),
    max_size=10,
)


def worst_wait(world: World, addresses: dict[str, float], end: float) -> float:
    """The longest that any of these waited since it was there, up to the end."""
    worst, last = 0.0, dict(addresses)
    for when, address in world.by_layer[Layer.TUNNEL]:
        first = address.rpartition(".")[0] + ".0"
        if first in last:
            worst = max(worst, when - last[first])
            last[first] = when
    return max([worst, *(end - when for when in last.values())])


def happen(world: World, faults: Faults, name: str, number: int) -> None:
    match name:
        case "dead":
            faults.dead.add(number)
        case "shut":
            faults.shut.add(number)
        case "pod":
            faults.pods.add(tunnel_address(number).removesuffix("0") + "2")
        case "cut":
            faults.is_cut = True
        case "heal":
            faults.heal()
        case "anew":
            world.retract(route_to(number))
            world.tell(route_to(number))


@settings(max_examples=40)
@given(EVENTS)
def test_no_tunnel_starves_under_random_failures(events: list[tuple[str, int, float]]) -> None:
    """Each is poked at least once an interval and a second: its lane is below the cap."""
    faults = Faults()
    world = world_of({"tunnels": {"interval": "5s"}, "poke": {"max_rate": 50}}, faults)
    feed(world, NODES, 20)
    world.run(10)
    begun = world.by_layer[Layer.TUNNEL][-1][0]
    world.forget_sends()
    for name, number, seconds in events:
        happen(world, faults, name, number)
        world.run(seconds)
    world.run(6.5)
    end = (world.now - 1_000 * SECOND_NS) / SECOND_NS
    there = {tunnel_address(number): begun for number in NODES}
    assert worst_wait(world, there, end) <= INTERVAL + 1


@dataclass
class Meter:
    """The longest wait of each layer, and how many packets there were."""

    engine: World
    last: dict[TargetId, int] = field(default_factory=dict)
    worst: Counter[Layer] = field(default_factory=Counter)
    sent: Counter[Layer] = field(default_factory=Counter)

    def run(self, seconds: float, *, measured: bool) -> None:
        """Let time pass; nothing is carried but answered at once, which costs least."""
        world = self.engine
        end = world.now + round(seconds * SECOND_NS)
        while world.now < end:
            world.turn()
            for layer, sends in world.by_layer.items():
                self.sent[layer] += len(sends)
                for _, address in sends:
                    key = TargetId(f"{layer.value}/{address}")
                    before = self.last.get(key)
                    if measured and before is not None:
                        self.worst[layer] = max(self.worst[layer], world.now - before)
                    self.last[key] = world.now
            world.forget_sends()
            world.now = MonotonicNs(world.now + SECOND_NS // 20)


def test_tunnels_are_on_time_with_as_many_pods_as_kubernetes_has() -> None:
    """5,000 nodes and 150,000 pods at 200 a second: tunnels within an interval and a second."""
    world = make_world(Faults())
    numbers = range(1, 5_001)
    world.dump(*routes(*numbers))
    world.take_list(*(pod for number in numbers for pod in pods_of(number, 30)))
    meter = Meter(world)
    # The first round of the tunnels takes 25 s at 200 a second. Then 33 are left; the nodes' own
    # addresses, which have time, take half of them, and the pods the other.
    meter.run(30, measured=False)
    assert sum(key.startswith("tunnel/") for key in meter.last) == 5_000
    assert 2 * meter.sent[Layer.POD] > meter.sent[Layer.UNDERLAY] > 0
    meter.run(170, measured=True)
    assert meter.worst[Layer.TUNNEL] <= 31 * SECOND_NS
    assert meter.sent.total() <= 200 * 200 + 18
    assert meter.sent[Layer.POD] > 0
    assert world.engine.snapshot().peers == {"ok": 5_000}


# A ring of numbers that are used again after 65,536 packets.
ENDED = ".flights._by_family[Family.V4]._ended"


def test_nothing_withdrawn_is_kept() -> None:
    """A hundred nodes come and go many times; when all are gone, nothing grows."""
    world = make_world(Faults())
    sizes = []
    for _ in range(4):
        numbers = range(1, 41)
        feed(world, numbers, 3)
        world.run(6)
        world.retract(*(route_to(number) for number in numbers))
        world.take_list()
        world.run(80)
        world.told()
        world.forget_sends()
        sizes.append(size_of(world.engine))
    for size in sizes:
        for path in [one for one in size if one.endswith(ENDED)]:
            del size[path]
    assert sizes[-1] == sizes[0]
    snapshot = world.engine.snapshot()
    assert (snapshot.targets, snapshot.peers, world.counts()) == (0, {}, (0, 0, 0))
    world.run(100)
    assert world.sends == []


def size_of(root: object) -> Counter[str]:
    """How many things of each container there are below an object of ours."""
    sizes: Counter[str] = Counter()
    seen: set[int] = set()
    todo: list[tuple[str, object]] = [("", root)]
    while todo:
        path, one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, dict | set | list | frozenset) or type(one).__name__ == "deque":
            assert hasattr(one, "__len__")
            sizes[path] = len(one)
        if isinstance(one, dict) and len(one) <= len(Layer):
            todo += [(f"{path}[{key}]", value) for key, value in one.items()]
        if type(one).__module__.startswith("pokepodsd."):
            names = [name for kind in type(one).__mro__ for name in getattr(kind, "__slots__", ())]
            names += list(getattr(one, "__dict__", {}))
            todo += [(f"{path}.{name}", getattr(one, name)) for name in names]
    return sizes
