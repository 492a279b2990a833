"""Owns how each fault is made on a node of the lab, and undone.

A plant is entered, and the node has the fault; what a remedy has not mended by its end it undoes.
"""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

from tests.apiserver.kubeconfig import write_token_kubeconfig
from tests.lab import Process
from tests.preflight.desk import Desk

ACCOUNT = "system:serviceaccount:kube-system:pokepodsd"
Plant = Callable[[Desk], AbstractContextManager[None]]


def configured(more: str = "", **tables: dict[str, object]) -> Plant:
    @contextmanager
    def plant(desk: Desk) -> Iterator[None]:
        desk.configure(tables, more=more)
        yield

    return plant


def sysctl(name: str, value: str) -> Plant:
    @contextmanager
    def plant(desk: Desk) -> Iterator[None]:
        before = desk.node.sysctl(name)
        desk.node.set_sysctl(name, value)
        yield
        desk.node.set_sysctl(name, before)

    return plant


@contextmanager
def device_down(desk: Desk) -> Iterator[None]:
    desk.node.run("ip", "link", "set", "tunl0", "down")
    yield


def routes_come_back(desk: Desk) -> None:
    """What the network plugin does when it sees the device again."""
    desk.node.restore_route(desk.peer)


@contextmanager
def unknown_device(desk: Desk) -> Iterator[None]:
    desk.configure()
    text = desk.config.read_text().replace('devices = ["tunl0"]', "")
    desk.config.write_text(text)
    yield


@contextmanager
def unknown_device_without_table(desk: Desk) -> Iterator[None]:
    desk.configure()
    text = desk.config.read_text().replace('[tunnels]\ndevices = ["tunl0"]', "")
    assert "tunnels" not in text
    desk.config.write_text(text)
    yield


@contextmanager
def way_around(desk: Desk) -> Iterator[None]:
    route = f"{desk.peer.tunnel.address} via {desk.peer.address} dev eth0"
    desk.node.run("ip", "route", "add", *route.split())
    yield
    desk.node.run("ip", "route", "del", *route.split(), check=False)


@contextmanager
def datagram_closed(desk: Desk) -> Iterator[None]:
    desk.configure({"poke": {"socket": "datagram"}})
    with sysctl("net.ipv4.ping_group_range", "1 0")(desk):
        yield


@contextmanager
def raw_without_right(desk: Desk) -> Iterator[None]:
    desk.configure({"poke": {"socket": "raw"}})
    with sysctl("net.ipv4.ping_group_range", "0 2147483647")(desk):
        yield


@contextmanager
def right_missing(desk: Desk) -> Iterator[None]:
    desk.give_kubectl()
    desk.cluster.api.control.change_settings(node_selectors=True)
    yield
    desk.cluster.api.control.change_settings(node_selectors=False)
    with desk.cluster.lab.hub.inside():
        desk.cluster.api.admin.revoke()


def report_missing(kind: str) -> Plant:
    """Of an account that may read: a kubelet may write what is asked for, about its own node."""

    @contextmanager
    def plant(desk: Desk) -> Iterator[None]:
        api, folder = desk.cluster.api, desk.cluster.folder / "account"
        api.control.set_token("a-token", ACCOUNT, ["system:serviceaccounts"])
        folder.mkdir(exist_ok=True)
        path = write_token_kubeconfig(api.authority, folder, api.url, "a-token")
        named = {"kubeconfig": str(path), "node_name": desk.node.name}
        desk.configure({"kubernetes": {**named, "report": kind}})
        desk.give_kubectl()
        desk.paste("pokepodsd rbac --for serviceaccount | kubectl apply -f -")
        yield
        with desk.cluster.lab.hub.inside():
            api.admin.revoke("pokepodsd-report")
            api.admin.revoke()

    return plant


@contextmanager
def second_daemon(desk: Desk) -> Iterator[None]:
    words = (sys.executable, "-m", "pokepodsd", "--config", str(desk.config))
    runtime = {**os.environ, "RUNTIME_DIRECTORY": str(desk.socket.parent)}
    other = ("--state-directory", str(desk.cluster.folder / "state-of-another"))
    with (
        Process(desk.node.command(*words, "run"), env=runtime) as first,
        Process(desk.node.command(*words, *other, "run")) as second,
    ):
        for one in (first, second):
            one.wait_for_line("pokes tunnels every")
        yield
    desk.socket.unlink(missing_ok=True)


@contextmanager
def hanging_daemon(desk: Desk) -> Iterator[None]:
    words = (sys.executable, "-m", "pokepodsd", "--config", str(desk.config))
    runtime = {**os.environ, "RUNTIME_DIRECTORY": str(desk.socket.parent)}
    with Process(desk.node.command(*words, "run"), env=runtime) as daemon:
        daemon.wait_for_line("pokes tunnels every")
        # Its socket comes after that line.
        while not _listens(desk.socket):
            time.sleep(0.01)
        os.kill(daemon.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            # Else it would not end where it was not mended.
            with suppress(ProcessLookupError):
                os.kill(daemon.pid, signal.SIGCONT)
    desk.socket.unlink(missing_ok=True)


def _listens(path: "os.PathLike[str]") -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


@contextmanager
def stale_socket(desk: Desk) -> Iterator[None]:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(desk.socket))
    left.close()
    yield
    desk.socket.unlink(missing_ok=True)


@contextmanager
def state_blocked(desk: Desk) -> Iterator[None]:
    place = desk.cluster.folder / "no-folder"
    place.write_text("")
    desk.configure({"state": {"directory": str(place)}})
    yield


@contextmanager
def configuration_open(desk: Desk) -> Iterator[None]:
    desk.configure()
    desk.config.chmod(0o666)
    yield
    desk.config.chmod(0o644)


@contextmanager
def kubeconfig_open(desk: Desk) -> Iterator[None]:
    path = desk.cluster.kubelet_folder(desk.node) / "kubelet.conf"
    path.chmod(0o666)
    yield
    path.chmod(0o600)


@contextmanager
def kubeconfig_elsewhere(desk: Desk) -> Iterator[None]:
    """A kubelet runs with its kubeconfig, and the setting names a file that is not there."""
    right = desk.cluster.kubelet_folder(desk.node) / "kubelet.conf"
    desk.configure({"kubernetes": {"kubeconfig": "/etc/kubernetes/moved.conf"}})
    pause = "import signal, sys; print('runs', flush=True); signal.pause()"
    words = ("bash", "-c", 'exec -a kubelet "$0" "$@"', sys.executable, "-Ic", pause)
    with Process((*words, f"--kubeconfig={right}")) as kubelet:
        kubelet.wait_for_line("runs")
        yield
