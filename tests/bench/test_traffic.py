"""How bytes are counted, and how an hour is made of what was measured."""

import socket
from pathlib import Path

from tests.apiserver.client import ApiServer
from tests.bench.learn import PODS, full_server
from tests.bench.relay import relay
from tests.bench.traffic import Bytes, bytes_of_loop, bytes_of_reader, settled


def test_an_hour_is_made_of_its_parts() -> None:
    """12 renewals with a last bookmark each, 60 bookmarks, 36,000 changes; the list once."""
    measured = Bytes(first_list=1_000_000, renewal=400, bookmark=100, change=4_000)
    assert measured.quiet_hour() == 12 * 500 + 60 * 100
    assert measured.first_hour() == 1_000_000 + measured.quiet_hour()
    assert measured.busy_hour() == measured.quiet_hour() + 36_000 * 4_000


def test_relay_counts_each_direction() -> None:
    """What passed, and nothing else; the end of one side reaches the other."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        relay(server.getsockname()[1]) as counted,
        socket.create_connection(("127.0.0.1", counted.port)) as client,
    ):
        client.sendall(b"a question")
        client.shutdown(socket.SHUT_WR)
        with server.accept()[0] as peer:
            assert peer.recv(100, socket.MSG_WAITALL) == b"a question"
            peer.sendall(b"x" * 300_000)
        assert len(client.recv(400_000, socket.MSG_WAITALL)) == 300_000
        assert (counted.from_client, settled(counted)) == (10, 300_000)


def test_parts_of_an_hour_are_what_the_server_sends(tmp_path: Path) -> None:
    """Each part is in the range of what it is made of: an object, a bookmark, compressed pages."""
    with ApiServer(tmp_path / "api") as api:
        full_server(api, tmp_path)
        ours = bytes_of_reader(api, tmp_path / "reader", changes=5)
        loop = bytes_of_loop(api, tmp_path / "loop")
    assert 4_000 < ours.change < 5_000
    assert 100 < ours.bookmark < 400
    assert 200 < ours.renewal < 2_000
    assert 100 * PODS < ours.first_list < 200 * PODS
    assert 0.5 * ours.first_list < loop < ours.first_list
