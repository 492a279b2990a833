"""Checks who else is pokepodsd on this host: other daemons, and the control socket.

Owns how a daemon is told by its command line. Two of them poke twice, and the one that was started
last has the socket.
"""

import shlex
from collections.abc import Iterator
from pathlib import Path

from pokepodsd.edge.control import Client
from pokepodsd.edge.journal import escape
from pokepodsd.edge.processes import Process, own_network, processes
from pokepodsd.errors import ControlError
from pokepodsd.preflight.finding import Finding, Topic
from pokepodsd.preflight.world import World

DAEMONS = Topic(check="daemons", name="daemons")
SOCKET = Topic(check="control-socket", name="control socket")
_ASK = {"status": {"peers": "none", "targets": "none"}}


def check_daemons(world: World) -> Iterator[Finding]:
    """Whether one runs beside the unit's, or several without a unit."""
    found = _daemons(world.root)
    unit = world.unit if world.unit is not None and world.unit.is_loaded else None
    # Without a unit, somebody else's supervisor may run one: the oldest.
    own = unit.main_pid if unit else min((one.pid for one in found), default=0)
    others = [one for one in found if one.pid != own]
    for one in others:
        line = escape(shlex.join(one.arguments))[:160]
        beside = "outside of the unit" if unit else f"beside process {own}"
        if one.network:
            text = f"another pokepodsd runs {beside}, in this network: process {one.pid}, {line}"
            yield DAEMONS.failed(text, f"kill {one.pid}")
        else:
            because = f"this user does not see in which network process {one.pid} runs, {line}"
            yield DAEMONS.skipped(because, world.sudo())
    if not others and any(one.pid == own for one in found):
        yield DAEMONS.ok(f"one runs, process {own}, and no other")
    elif not others:
        yield DAEMONS.ok("no pokepodsd runs in this network")


def _daemons(root: Path) -> list[Process]:
    """Those of this network namespace; the reader has its parent's command line."""
    network = own_network(root)
    found = {one.pid: one for one in processes(root) if _is_daemon(one.arguments)}
    return [
        one for one in found.values() if one.parent not in found and one.network in {network, ""}
    ]


def _is_daemon(arguments: tuple[str, ...]) -> bool:
    """As in ``python3 -IS /usr/share/pokepodsd/lib run`` or ``python -m pokepodsd ... run``."""
    program, *rest = arguments
    if not rest or rest[-1] != "run":
        return False
    name = Path(program).name
    is_own = any(Path(word).name == "pokepodsd" or word.endswith("/pokepodsd/lib") for word in rest)
    return name == "pokepodsd" or (name.startswith("python") and is_own)


def check_socket(world: World) -> Iterator[Finding]:
    """Whether the daemon answers, and a socket is not left over from one that was killed."""
    path = world.control_path
    is_running = bool(_daemons(world.root))
    try:
        path.stat()
    except FileNotFoundError:
        yield _missing(world, is_running=is_running)
        return
    except PermissionError:
        yield SOCKET.skipped(f"{path} is another user's", world.sudo())
        return
    try:
        client = Client(path)
    except ControlError as error:
        yield _refused(world, error, is_running=is_running)
        return
    try:
        client.ask(_ASK)
        yield SOCKET.ok(f"the daemon answers at {path}")
    except ControlError as error:
        # What it refuses, it has understood.
        if isinstance(error.__cause__, Exception):
            text = f"the daemon does not answer at {path}: it hangs"
            yield SOCKET.failed(text, _restart(world))
        else:
            yield SOCKET.ok(f"the daemon answers at {path}")
    finally:
        client.close()


def _missing(world: World, *, is_running: bool) -> Finding:
    path = world.control_path
    if is_running and world.unit is not None and world.unit.is_active:
        return SOCKET.warning(f"the daemon runs, and {path} is not there", _restart(world))
    if is_running:
        return SOCKET.ok(f"none at {path}, of the daemon that runs: pokepodsd status cannot ask it")
    return SOCKET.ok(f"none at {path} while no daemon runs")


def _refused(world: World, error: ControlError, *, is_running: bool) -> Finding:
    path, cause = world.control_path, error.__cause__
    if isinstance(cause, PermissionError):
        return SOCKET.skipped(f"{path} is for root", world.sudo())
    if is_running:
        return SOCKET.failed(f"the daemon takes no connection at {path}", _restart(world))
    text = f"{path} is left over from a daemon that was killed: nobody answers there"
    return SOCKET.warning(text, shlex.join(["rm", str(path)]))


def _restart(world: World) -> str:
    pids = " ".join(str(one.pid) for one in _daemons(world.root))
    if world.unit is not None and world.unit.is_active:
        return "systemctl restart pokepodsd"
    # One that hangs does not take SIGTERM, and whoever is killed leaves its socket.
    return f"kill -KILL {pids} && {shlex.join(['rm', str(world.control_path)])}"
