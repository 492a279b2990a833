"""Room on the control socket for root, whoever else is there: asked as other users, as root can."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pokepodsd.desk import MOST_OF_OTHERS, Desk
from pokepodsd.edge.control import NAME
from tests.core.builders import T0

NOBODY = 65_534
MANY = 40


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk({"hello": lambda _connection, _request, _now: iter([{"said": "hello"}])})
    made.start(tmp_path)
    # The folder of a test is its user's alone.
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    (tmp_path / NAME).chmod(0o666)
    yield made
    made.stop()


def connect(path: Path, uid: int) -> socket.socket:
    """As this user: the kernel notes who connects (unix(7), SO_PEERCRED)."""
    client = socket.socket(socket.AF_UNIX)
    client.setblocking(False)
    os.seteuid(uid)
    try:
        client.connect(str(path))
    finally:
        os.seteuid(0)
    return client


def test_whoever_fills_it_leaves_room_for_root(desk: Desk, tmp_path: Path) -> None:
    """Of many that connect and ask for nothing some stay, and root is answered at once."""
    clients = []
    for _ in range(MANY):
        clients.append(connect(tmp_path / NAME, NOBODY))
        desk.turn(T0)
    listening, *there = desk.sockets()
    assert len(there) == MOST_OF_OTHERS
    with connect(tmp_path / NAME, 0) as root:
        root.send(b'{"hello":1}\n')
        desk.turn(T0)
        assert root.recv(100) == b'{"said":"hello"}\n'
    for one in clients:
        one.close()
    assert listening.fileno() >= 0
