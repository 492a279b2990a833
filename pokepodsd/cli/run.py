"""``pokepodsd run``: the daemon."""

import contextlib
import faulthandler
import os
import socket
import tempfile
from pathlib import Path

import click

from pokepodsd.cli.invocation import Invocation
from pokepodsd.core.config import Config, MetricsConfig
from pokepodsd.core.protocol import Timings
from pokepodsd.daemon import Daemon
from pokepodsd.edge import capabilities, journal
from pokepodsd.edge.capabilities import Capability
from pokepodsd.edge.child import Child
from pokepodsd.edge.icmp import open_sockets
from pokepodsd.edge.notify import ServiceManager
from pokepodsd.saver import state_directory


@click.command(short_help="Run the daemon in the foreground.")
@click.pass_obj
def run(invocation: Invocation) -> None:
    """Run the daemon in the foreground, as the systemd unit does.

    SIGHUP reloads the configuration, SIGTERM stops.
    """
    # When the watchdog fires, systemd sends SIGABRT: the stack in the journal says where it hung.
    faulthandler.enable()
    config = invocation.load()
    journal.install(os.environ)
    journal.set_level(config.log.level)
    manager = ServiceManager(os.environ, pid=os.getpid())
    sockets = open_sockets(config.poke.socket)
    # What cannot be removed, without a descriptor for one, is no reason to end with an error.
    with tempfile.TemporaryDirectory(prefix="pokepodsd-", ignore_cleanup_errors=True) as scratch:
        Daemon(
            config,
            load=invocation.load,
            sockets=sockets,
            manager=manager,
            start_reader=lambda current: _start_reader(current, Path(scratch)),
            start_exporter=_start_exporter,
            state_directory=state_directory(config.state.directory),
        ).run()


def _start_reader(config: Config, scratch: Path) -> Child:
    def body(channel: socket.socket) -> None:
        # For the kubelet's key. An exec plugin inherits it.
        _give_up_rights_but(Capability.DAC_READ_SEARCH)
        # In the child alone: the daemon never pays for the kubernetes package.
        from pokepodsd.asker import Orders  # noqa: PLC0415
        from pokepodsd.reader import run as read  # noqa: PLC0415

        read(channel, Orders(config=config.kubernetes, timings=Timings(), scratch=scratch))

    return Child(body)


def _start_exporter(config: MetricsConfig) -> Child:
    def body(channel: socket.socket) -> None:
        # Which the unit does not give: for a low port, and for a folder of node_exporter's.
        _give_up_rights_but(Capability.NET_BIND_SERVICE, Capability.DAC_OVERRIDE)
        # In the child alone: the daemon never pays for an HTTP server.
        from pokepodsd.exporter import Orders  # noqa: PLC0415
        from pokepodsd.exporter import run as export  # noqa: PLC0415

        export(channel, Orders(listen=config.listen, textfile=config.textfile))

    return Child(body)


def _give_up_rights_but(*wanted: Capability) -> None:
    # A filter of system calls that is narrower than the unit's forbids it: no reason not to work.
    with contextlib.suppress(OSError):
        capabilities.keep_only(*wanted)
