"""A cluster of numbered nodes: their routes, their pods, and which of it does not answer.

Owns the making and the answering. Refuses: to judge.
"""

from dataclasses import dataclass, field

from pokepodsd.core.kernel import Link, Route
from pokepodsd.core.model import Layer, Pod, Target
from tests.core.builders import make_pod
from tests.core.kernelfacts import Fact, make_link, make_route
from tests.core.world import World

LINK = make_link()
UPLINK = make_link(2, "eth0", "")


def block(number: int) -> str:
    return f"10.{100 + (number >> 8)}.{number & 255}.0/24"


def tunnel_address(number: int) -> str:
    """The first address of its block."""
    return block(number).removesuffix("/24")


def own_address(number: int) -> str:
    return f"192.168.{number >> 8}.{number & 255}"


def route_to(number: int, *, device: int = 4, priority: int = 0) -> Route:
    """The route to its block through its own address, as Calico's IP-in-IP has it."""
    return make_route(block(number), via=own_address(number), device=device, priority=priority)


def routes(*numbers: int) -> list[Fact]:
    return [LINK, *(route_to(number) for number in numbers)]


def name_of(number: int) -> str:
    return f"node-{number}"


def pods_of(number: int, count: int) -> list[Pod]:
    return [
        make_pod(
            f"p{number}-{index}",
            node=name_of(number),
            host=own_address(number),
            addresses=(pod_address(number, index),),
        )
        for index in range(count)
    ]


def pod_address(number: int, index: int) -> str:
    return tunnel_address(number).removesuffix("0") + str(index + 2)


@dataclass
class Faults:
    """What does not answer: dead nodes, shut tunnels, filtered nodes, pods; or nothing does."""

    dead: set[int] = field(default_factory=set)
    shut: set[int] = field(default_factory=set)
    filtered: set[int] = field(default_factory=set)
    pods: set[str] = field(default_factory=set)
    is_cut: bool = False

    def __call__(self, target: Target) -> str:
        return "silence" if self._is_silent(target) else "reply"

    def _is_silent(self, target: Target) -> bool:
        first, second, third, _ = (int(part) for part in target.address.split("."))
        if target.layer is Layer.UNDERLAY:
            last = int(target.address.rpartition(".")[2])
            number = third << 8 | last
            return self.is_cut or number in self.dead | self.filtered
        assert first == 10
        number = (second - 100) << 8 | third
        is_lost = number in self.dead or number in self.shut or target.address in self.pods
        return self.is_cut or is_lost

    def heal(self) -> None:
        """All answers again."""
        self.is_cut = False
        for some in (self.dead, self.shut, self.filtered):
            some.clear()
        self.pods.clear()


def feed(world: World, numbers: range, pods_each: int, *, has_routes: bool = True) -> None:
    """Tell the world of these nodes, by the kernel and by the API."""
    if has_routes:
        world.dump(UPLINK, *routes(*numbers))
    if pods_each:
        world.take_list(*(pod for number in numbers for pod in pods_of(number, pods_each)))


def links(*, has_carrier: bool) -> Link:
    """The uplink with or without a carrier."""
    return make_link(2, "eth0", "", carrier=has_carrier)
