"""How each fault is made and undone, with what it makes untrue: a context manager by its name.

Owns those of the API server, the credentials and the daemons; `netmakers` has those of the network.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from tests.apiserver.faults import FaultKind, FaultMatch
from tests.bench.accounting import children
from tests.lab import Node
from tests.soak.schedule import Planned
from tests.soak.unit import Unit
from tests.soak.world import Making, World

Maker = Callable[[World, Making, Planned], contextlib.AbstractContextManager[None]]
_STATE: Final = "targets.json"


@contextmanager
def api_killed(world: World, making: Making, planned: Planned) -> Iterator[None]:
    """The API server is gone, with its history; it comes back on the same port."""
    making.deafens(*world.units)
    world.control.acquire()
    try:
        world.cluster.api.kill(save=True)
        making.made()
        yield
        making.undoing()
        world.cluster.api.start()
    finally:
        world.control.release()


@contextmanager
def api_frozen(world: World, making: Making, planned: Planned) -> Iterator[None]:
    """The kernel goes on accepting, and nobody answers."""
    making.deafens(*world.units)
    world.control.acquire()
    try:
        world.cluster.api.freeze()
        yield
        world.cluster.api.thaw()
    finally:
        world.control.release()


def answering(kind: FaultKind, *, tells: bool = False, **details: Any) -> Maker:
    """The API server answers everything so, and what was open is broken off."""

    @contextmanager
    def make(world: World, making: Making, planned: Planned) -> Iterator[None]:
        making.deafens(*world.units)
        control = world.cluster.api.control
        with world.control:
            control.add_fault(kind, FaultMatch.ANY, None, **details)
            control.break_watches()
        making.made(tells=tells)
        yield
        making.undoing()
        with world.control:
            control.clear_faults()

    return make


@contextmanager
def api_gone(world: World, making: Making, planned: Planned) -> Iterator[None]:
    """410 for all: what the watches want to go on from is too old."""
    making.deafens(*world.units)
    with world.control:
        world.cluster.api.control.bump(10)
        world.cluster.api.control.compact()
        world.cluster.api.control.break_watches()
    yield


@contextmanager
def watches_broken(world: World, making: Making, planned: Planned) -> Iterator[None]:
    """All watches are reset."""
    making.deafens(*world.units)
    with world.control:
        world.cluster.api.control.break_watches()
    yield


@contextmanager
def api_half_open(world: World, making: Making, planned: Planned) -> Iterator[None]:
    """A node's packets to the API server are lost, and nobody is told."""
    node = _node(world, planned)
    making.deafens(node.name)
    node.half_open(world.cluster.api.port)
    yield
    node.heal(world.cluster.api.port)


@contextmanager
def kubeconfig_rotated(world: World, making: Making, planned: Planned) -> Iterator[None]:
    """New credentials, first written over the old ones and then renamed into their place."""
    node = _node(world, planned)
    making.deafens(node.name)
    folder = world.cluster.kubelet_folder(node)
    path = world.cluster.api.kubeconfig(node.name, folder)
    new = folder / "kubelet.conf.new"
    new.touch(mode=0o600)
    new.write_bytes(path.read_bytes())
    new.rename(path)
    yield


@contextmanager
def kubeconfig_half(world: World, making: Making, planned: Planned) -> Iterator[None]:
    """Half of it is written for a while."""
    node = _node(world, planned)
    making.deafens(node.name)
    path = world.cluster.kubelet_folder(node) / "kubelet.conf"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    yield
    path.write_bytes(whole)


@contextmanager
def kubeconfig_gone(world: World, making: Making, planned: Planned) -> Iterator[None]:
    """It is away for a while."""
    node = _node(world, planned)
    making.deafens(node.name)
    path = world.cluster.kubelet_folder(node) / "kubelet.conf"
    away = path.with_suffix(".away")
    path.rename(away)
    yield
    away.rename(path)


@contextmanager
def daemon_killed(world: World, making: Making, planned: Planned) -> Iterator[None]:
    """SIGKILL; it is started again."""
    making.deafens(_unit(world, planned).name)
    with world.lock:
        _unit(world, planned).end(making.what)
    yield


@contextmanager
def daemon_stopped(world: World, making: Making, planned: Planned) -> Iterator[None]:
    """SIGSTOP for less than the watchdog bears, or until it ends the daemon and it starts again."""
    unit = _unit(world, planned)
    making.stops(unit.name)
    making.deafens(unit.name)
    unit.send(signal.SIGSTOP)
    yield
    # If the watchdog should have ended it and did not, a start is missing.
    unit.send(signal.SIGCONT)


@contextmanager
def reader_killed(world: World, making: Making, planned: Planned) -> Iterator[None]:
    """The process that reads the API is killed."""
    unit = _unit(world, planned)
    making.deafens(unit.name)
    if unit.pid is not None:
        for child in children(unit.pid):
            os.kill(child, signal.SIGKILL)
    yield


@contextmanager
def state_read_only(world: World, making: Making, planned: Planned) -> Iterator[None]:
    """The daemon's state folder cannot be written, for it alone."""
    unit = _unit(world, planned)
    _remount(unit, "ro")
    yield
    _remount(unit, "rw")


@contextmanager
def state_rubbish(world: World, making: Making, planned: Planned) -> Iterator[None]:
    """The saved targets are rubbish when the daemon is killed and started again."""
    unit = _unit(world, planned)
    making.deafens(unit.name)
    with world.lock:
        unit.end(making.what)
        (unit.state / _STATE).write_bytes(b"\x00rubbish\n" * 1000)
    yield


@contextmanager
def reloaded(world: World, making: Making, planned: Planned) -> Iterator[None]:
    """Twice as often for a while, by SIGHUP each time."""
    node, unit = _node(world, planned), _unit(world, planned)
    tables = world.size.tables()
    faster = f"{round(world.size.interval_seconds * 500)}ms"
    world.cluster.write_config(node, {**tables, "poke": {**tables["poke"], "interval": faster}})
    unit.send(signal.SIGHUP)
    yield
    world.cluster.write_config(node, tables)
    unit.send(signal.SIGHUP)


@contextmanager
def client_hangs(world: World, making: Making, planned: Planned) -> Iterator[None]:
    """Somebody asks for the whole status, and reads none of it."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5.0)
        with contextlib.suppress(OSError):
            client.connect(str(_unit(world, planned).runtime / "control.sock"))
            client.sendall(json.dumps({"status": {"targets": "all"}}).encode() + b"\n")
        yield


@contextmanager
def load(world: World, making: Making, planned: Planned) -> Iterator[None]:
    """As many busy processes as there are processors."""
    busy = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True)
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        yield
    finally:
        for one in busy:
            one.kill()
            one.wait()


def _remount(unit: Unit, how: str) -> None:
    if unit.pid is not None:
        order = ["mount", "-o", f"remount,bind,{how}", str(unit.state)]
        subprocess.run(["nsenter", "-t", str(unit.pid), "-m", *order], check=False)


def _node(world: World, planned: Planned) -> Node:
    return world.nodes[planned.nodes[0]]


def _unit(world: World, planned: Planned) -> Unit:
    return world.units[_node(world, planned).name]


MAKERS: Final[Mapping[str, Maker]] = {
    "api-killed": api_killed,
    "api-frozen": api_frozen,
    "api-gone": api_gone,
    "api-errors": answering(FaultKind.STATUS, tells=True, code=500),
    "api-busy": answering(FaultKind.STATUS, code=429, retry_after=2),
    "api-slow": answering(FaultKind.TRICKLE, interval_seconds=0.05),
    "api-proxy": answering(FaultKind.HTML),
    "watches-broken": watches_broken,
    "api-half-open": api_half_open,
    "kubeconfig-rotated": kubeconfig_rotated,
    "kubeconfig-half": kubeconfig_half,
    "kubeconfig-gone": kubeconfig_gone,
    "daemon-killed": daemon_killed,
    "daemon-stopped": daemon_stopped,
    "daemon-hung": daemon_stopped,
    "reader-killed": reader_killed,
    "state-read-only": state_read_only,
    "state-rubbish": state_rubbish,
    "reloaded": reloaded,
    "client-hangs": client_hangs,
    "load": load,
}
