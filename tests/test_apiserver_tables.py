"""The test API server's Tables, which are how kubectl asks for pods."""

from pathlib import Path

import pytest

from tests.apiserver.client import ApiServer
from tests.apiserver.pki import MASTERS
from tests.apiserver.rawclient import RawClient
from tests.apiserver.recordings import load_scene
from tests.apiserver.status import Json
from tests.apiserver.tables import ACCEPT


@pytest.fixture
def server(api_server: ApiServer) -> ApiServer:
    api_server.control.reset()
    api_server.control.make_pod(name="web-1", namespace="shop", addresses=["10.0.0.1"])
    return api_server


def ask(server: ApiServer, folder: Path, accept: str) -> Json:
    issued = server.authority.issue("kubernetes-admin", [MASTERS])
    ca = server.authority.certificate_path
    client = RawClient(server.url, ca, folder, certificate=issued)
    return client.get("/api/v1/pods", {"Accept": accept}).parse()


def test_table_has_what_kubectl_shows(server: ApiServer, tmp_path: Path) -> None:
    """The recorded columns, and rows with the metadata that the namespace comes from."""
    answer = ask(server, tmp_path, ACCEPT)
    recorded = load_scene("19")["response"]["body"]
    (row,) = answer["rows"]
    assert [answer[key] for key in ("kind", "apiVersion", "columnDefinitions")] == [
        recorded[key] for key in ("kind", "apiVersion", "columnDefinitions")
    ]
    assert len(row["cells"]) == len(recorded["rows"][0]["cells"])
    assert row["cells"][:4] == ["web-1", "1/1", "Running", "0"]
    assert row["object"]["metadata"]["namespace"] == "shop"


@pytest.mark.parametrize("accept", ["application/json", "*/*"])
def test_who_asks_for_no_table_gets_none(server: ApiServer, tmp_path: Path, accept: str) -> None:
    """The daemon and the typed list ask for objects."""
    assert ask(server, tmp_path, accept)["kind"] == "PodList"
