"""The program: reads arguments, serves until SIGTERM.

Owns: sockets, signals and the ready line. Refuses: behaviour of the API.
"""

import argparse
import asyncio
import datetime
import ipaddress
import json
import os
import signal
import socket
import sys
from pathlib import Path

from aiohttp import web

from tests.apiserver import saved
from tests.apiserver.control import Control
from tests.apiserver.pki import Authority, server_names
from tests.apiserver.server import make_app

BACKLOG = 1024


def main() -> None:
    arguments = _parse()
    asyncio.run(_serve(arguments))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.apiserver", description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--directory", type=Path, required=True, help="for keys and state")
    parser.add_argument("--control", type=Path, help="unix socket; default DIRECTORY/control")
    parser.add_argument("--name", action="append", default=[], help="more names of the server")
    until = datetime.datetime.fromisoformat
    parser.add_argument("--valid-until", type=until, help="end of the server's certificate")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    authority = Authority(arguments.directory)
    cluster = saved.load(arguments.directory / saved.NAME)
    names = server_names(arguments.listen, arguments.name)
    context = authority.make_server_context(names, not_after=arguments.valid_until)
    control_path: Path = arguments.control or arguments.directory / "control"
    control_path.unlink(missing_ok=True)
    control = Control(cluster, arguments.directory / saved.NAME)
    front = await _start_runner(make_app(cluster))
    back = await _start_runner(control.make_app())
    await web.UnixSite(back, str(control_path)).start()
    listener = _listen(arguments.listen, arguments.port)
    await web.SockSite(front, listener, ssl_context=context, backlog=BACKLOG).start()
    _announce(arguments.listen, listener.getsockname()[1], control_path)
    await stop.wait()
    # At once: open watches are cut, as by a server that is stopped without a grace period.
    for watch in tuple(cluster.watches):
        watch.abort()
    await asyncio.gather(front.cleanup(), back.cleanup())


async def _start_runner(app: web.Application) -> web.AppRunner:
    runner = web.AppRunner(
        app,
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=0.05,
        max_line_size=65536,
    )
    await runner.setup()
    return runner


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    # A restarted server takes its port again while old connections are in TIME_WAIT.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.setblocking(False)
    return listener


def _announce(address: str, port: int, control: Path) -> None:
    parsed = ipaddress.ip_address(address)
    if parsed.is_unspecified:
        host = "[::1]" if parsed.version == 6 else "127.0.0.1"
    else:
        host = f"[{address}]" if parsed.version == 6 else address
    ready = {"url": f"https://{host}:{port}", "control": str(control), "pid": os.getpid()}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
