"""Pokes the way to a target, layer by layer, and asks the kernel before and after each.

Owns the order of the doing; what is poked next, and what it means, is the core's.
"""

from collections.abc import Iterator, Mapping

from pokepodsd import exchange
from pokepodsd.core.kernel import Findings, Inspect
from pokepodsd.core.model import Family
from pokepodsd.core.tracing import Begun, Result, Step, Subject, next_step
from pokepodsd.core.volley import Poke, Volley
from pokepodsd.edge.clock import monotonic_ns
from pokepodsd.edge.icmp import IcmpSocket
from pokepodsd.kernelwatch import KernelWatch

# What stands for another that did not answer gets fewer.
_SECOND_COUNT = 2

Event = Begun | Poke | Result


def walk(
    subject: Subject, sockets: Mapping[Family, IcmpSocket], *, count: int, timeout_ns: int
) -> Iterator[Event]:
    """Poke the way to the subject, with at most ``count`` pokes an address; each thing as it comes.

    Of each step there is a `Begun`, each `Poke` as it ends, and a `Result`.
    """
    channels = [one.channel for one in sockets.values()]
    results: list[Result] = []
    while (step := next_step(subject, results, frozenset(sockets))) is not None:
        begun = _begin(step)
        yield begun
        volley = Volley(
            step.target,
            channels,
            count=min(count, _SECOND_COUNT) if step.is_second else count,
            timeout_ns=timeout_ns,
            draw=exchange.draw_cookie,
            now=monotonic_ns(),
        )
        told = 0
        while not volley.is_done:
            exchange.turn(volley, sockets)
            yield from volley.pokes[told:]
            told = len(volley.pokes)
        result = Result(
            step=step,
            device=begun.device,
            before=begun.before,
            after=_inspect(step, begun.device),
            pokes=tuple(sorted(volley.pokes, key=lambda poke: poke.number)),
        )
        results.append(result)
        yield result


def _begin(step: Step) -> Begun:
    route = _inspect(step, "").route
    device = (route.device if route is not None else None) or ""
    if step.tunnel is not None:
        device = step.tunnel.device
    return Begun(step=step, device=device, before=_inspect(step, device))


def _inspect(step: Step, device: str) -> Findings:
    inspection = Inspect(
        peer="",
        address=step.target.address,
        device=device,
        node=step.node,
        with_conntrack=step.is_tracked,
    )
    return KernelWatch().inspect(inspection)
