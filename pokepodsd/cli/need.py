"""``pokepodsd need``: whether a tunnel still passes when nobody pokes it."""

import contextlib
import select
import sys
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from pokepodsd import exchange
from pokepodsd.cli import output
from pokepodsd.cli.invocation import Invocation
from pokepodsd.cli.options import socket_option
from pokepodsd.core.config import Config
from pokepodsd.core.model import (
    SECOND_NS,
    Family,
    Layer,
    MonotonicNs,
    OutcomeKind,
    Target,
    TargetId,
)
from pokepodsd.core.silence import MARGIN_NS, STAGGER_NS, Answer, Trial
from pokepodsd.core.sweep import Sweep
from pokepodsd.edge import conntrack, control
from pokepodsd.edge.clock import monotonic_ns
from pokepodsd.edge.icmp import open_sockets
from pokepodsd.edge.journal import escape
from pokepodsd.edge.netlink import route_to
from pokepodsd.edge.overhear import Ends, Overhearing
from pokepodsd.errors import ControlError, NoDaemonError, PrivilegeError

_NEEDED = 1
# EX_TEMPFAIL of sysexits.h: ask again, in another way.
_UNKNOWN = 75
# Somebody else's packet starts the silence anew; after so many silences' time it is given up.
_PATIENCE = 3
_TURN_NS = SECOND_NS // 10
_TRIES = 3


@dataclass(slots=True)
class _Tunnel:
    """One tunnel under test."""

    peer: str
    ends: Ends
    addresses: tuple[str, ...]
    trial: Trial


@click.command(short_help="Find out whether a tunnel needs its pokes.")
@click.argument("peer")
@socket_option
@click.pass_obj
def need(invocation: Invocation, *, peer: str, path: Path) -> None:
    """Find out whether the tunnel to PEER still needs to be poked.

    PEER is a node's name or address, or "all". Its tunnel is not poked for longer than this host's
    conntrack keeps it; then one poke says whether it still passes. Poking resumes whatever
    happens. Run it on both nodes at the same time: the other one's pokes, as any traffic, keep the
    tunnel open, and nothing can be said then.

    \b
    Examples:
      pokepodsd need node-b          by its name
      pokepodsd need 192.168.10.12   or by its address
      pokepodsd need all

    Exits with status 0 if no tunnel needs to be poked, 1 if one does, 75 if it cannot be said.
    """
    config = invocation.load()
    errors = output.console(stderr=True)
    timeout_ns = conntrack.generic_timeout_ns() or conntrack.DEFAULT_TIMEOUT_NS
    longest_ns = _PATIENCE * (timeout_ns + MARGIN_NS + 2 * STAGGER_NS)
    client = _client(path)
    try:
        reply = client.ask({"hold": peer, "seconds": longest_ns // SECOND_NS + 60})
        tunnels = _tunnels(reply, timeout_ns, monotonic_ns())
        _exclude_broken(config, tunnels)
        _listen(client, tunnels, errors, until=MonotonicNs(monotonic_ns() + longest_ns))
        _decide(config, tunnels)
    finally:
        client.close()
    output.console().print(_table(tunnels.values()))
    answers = {one.trial.answer for one in tunnels.values()}
    if Answer.NEEDED in answers:
        sys.exit(_NEEDED)
    if answers & {None, Answer.BROKEN}:
        errors.print("run it on both nodes at the same time, while no pods use the tunnel")
        sys.exit(_UNKNOWN)


def _client(path: Path) -> control.Client:
    """A connection to the daemon.

    Raises:
        ControlError: it cannot be asked. That nobody is there has no status of its own here, as it
            has in `status`: this command has always ended with 69 then.
    """
    try:
        return control.Client(path)
    except NoDaemonError as error:
        raise ControlError(str(error)) from error


def _tunnels(reply: Mapping[str, Any], timeout_ns: int, now: MonotonicNs) -> dict[str, _Tunnel]:
    """Those that the daemon holds, by a name for each.

    Raises:
        ControlError: the reply is of an unknown shape.
    """
    try:
        return {
            f"{tunnel['device']} {tunnel['blocks']}": _Tunnel(
                peer=str(peer["peer"]),
                ends=Ends(
                    device=str(tunnel["device"]),
                    prefixes=tuple(tunnel["blocks"]),
                    node=peer["address"],
                ),
                addresses=tuple(tunnel["addresses"]),
                trial=Trial(
                    timeout_ns=timeout_ns, heard_ns=now, is_second=_is_second(peer["address"])
                ),
            )
            for peer in reply["peers"]
            for tunnel in peer["tunnels"]
            if tunnel["addresses"]
        }
    except (KeyError, TypeError) as error:
        raise ControlError(f"the running pokepodsd answers what is no reply: {error!r}") from error


def _is_second(node: str | None) -> bool:
    """Of two nodes, the one with the lower address."""
    if node is None:
        return False
    with contextlib.suppress(OSError):
        own = route_to(node).source
        return own is not None and ip_address(own).packed < ip_address(node).packed
    return False


def _listen(
    client: control.Client,
    tunnels: Mapping[str, _Tunnel],
    errors: Console,
    *,
    until: MonotonicNs,
) -> None:
    """Listen until every trial is over, or for the longest time.

    Raises:
        ControlError: the daemon ended meanwhile.
        PrivilegeError: this process may not listen.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal)
    trials = [one.trial for one in tunnels.values()]
    with ExitStack() as stack:
        ear = _ear(tunnels)
        stack.callback(ear.close)
        began = max(trial.left_ns(monotonic_ns()) for trial in trials)
        task = stack.enter_context(progress).add_task("listening", total=began)
        while (now := monotonic_ns()) < until:
            settled = [trial.settle(now) for trial in trials]
            if all(settled):
                return
            if client.is_ended():
                raise ControlError("the running pokepodsd ended, and with it the silence")
            left_ns = max(one.left_ns(now) for one in trials if one.answer is None)
            progress.update(task, completed=began - left_ns)
            select.select([ear], [], [], _TURN_NS / SECOND_NS)
            for name, sound in ear.heard():
                tunnels[name].trial.hear(sound, monotonic_ns())


def _ear(tunnels: Mapping[str, _Tunnel]) -> Overhearing:
    try:
        return Overhearing({name: one.ends for name, one in tunnels.items()})
    except OSError as error:
        raise PrivilegeError(f"cannot listen to the tunnels: {error.strerror}") from error


def _exclude_broken(config: Config, tunnels: Mapping[str, _Tunnel]) -> None:
    """What does not answer now, while it was poked until a moment ago, can show nothing later."""
    answering = _answering(config, tunnels, tries=_TRIES)
    for name, one in tunnels.items():
        one.trial.heard_ns = monotonic_ns()
        if name not in answering:
            one.trial.answer = Answer.BROKEN


def _decide(config: Config, tunnels: Mapping[str, _Tunnel]) -> None:
    """One poke for each address of a tunnel that was silent; one that is shut loses them all."""
    now = monotonic_ns()
    silent = {
        name: one
        for name, one in tunnels.items()
        if one.trial.settle(now) and one.trial.answer is None
    }
    answering = _answering(config, silent, tries=1)
    for name, one in silent.items():
        one.trial.answer = Answer.NOT_NEEDED if name in answering else Answer.NEEDED


def _answering(config: Config, tunnels: Mapping[str, _Tunnel], *, tries: int) -> set[str]:
    """The names of the tunnels of which some address answers."""
    sockets = {one.channel.family: one for one in open_sockets(config.poke.socket)}
    names: dict[TargetId, str] = {}
    targets = []
    for name, one in tunnels.items():
        for target in map(_target, one.addresses):
            if target.family in sockets:
                names[target.id] = name
                targets.append(target)
    channels = [one.channel for one in sockets.values()]
    now = monotonic_ns()
    sweep = Sweep(targets, channels, config.poke, tries=tries, draw=exchange.draw_cookie, now=now)
    while not sweep.is_done:
        exchange.turn(sweep, sockets)
    for socket in sockets.values():
        socket.close()
    return {
        names[target_id]
        for target_id, outcome in sweep.results.items()
        if outcome.kind is OutcomeKind.REPLIED
    }


def _target(address: str) -> Target:
    return Target(
        id=TargetId(f"need/{address}"),
        node=None,
        address=address,
        family=Family.of(address),
        layer=Layer.TUNNEL,
    )


def _table(tunnels: Iterable[_Tunnel]) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False)
    for heading in ("PEER", "DEVICE", "POKES"):
        table.add_column(heading, overflow="fold")
    for one in tunnels:
        answer = (one.trial.answer or Answer.UNKNOWN).value
        if one.trial.answer is None:
            answer += f" ({one.trial.packets} packets)"
        cells = (one.peer, one.ends.device, answer)
        table.add_row(*(Text(escape(cell)) for cell in cells))
    return table
