"""Credentials of every kind, and their replacement while running."""

from collections.abc import Callable
from pathlib import Path

from pokepodsd.core.model import NodeName
from pokepodsd.core.records import Identified, Lost
from tests.apiserver import kubeconfig
from tests.apiserver.client import ApiServer
from tests.discovery.conftest import NODE, pod
from tests.discovery.follower import Follower

FollowerStart = Callable[..., Follower]
SECRET = "a-token-that-no-log-may-hold"
USER = "system:serviceaccount:kube-system:pokepodsd"


def test_inline_data(api: ApiServer, follow: FollowerStart, tmp_path: Path) -> None:
    """The certificate and the key are in the kubeconfig itself."""
    path = kubeconfig.write_inline_kubeconfig(api.authority, tmp_path / "k", api.url, NODE)
    api.control.make_pod(**pod("web", 1))
    follower = follow(path)
    follower.wait_names("web")
    assert follower.records[0] == Identified(node=NodeName(NODE), source="certificate")


def test_a_token(api: ApiServer, follow: FollowerStart, tmp_path: Path) -> None:
    """A bearer token in the kubeconfig; it names no node, so the setting does."""
    api.control.set_token(SECRET, USER, ["system:masters"])
    path = kubeconfig.write_token_kubeconfig(api.authority, tmp_path / "k", api.url, SECRET)
    api.control.make_pod(**pod("web", 1))
    follower = follow(path, node_name="node-z")
    follower.wait_names("web")
    assert follower.records[0] == Identified(node=NodeName("node-z"), source="setting")


def test_a_token_file_that_is_replaced(
    api: ApiServer, follow: FollowerStart, tmp_path: Path
) -> None:
    """401 makes it read the file again; the new token is used at once."""
    api.control.set_token(SECRET, USER, ["system:masters"])
    path = kubeconfig.write_token_file_kubeconfig(api.authority, tmp_path / "k", api.url, SECRET)
    api.control.make_pod(**pod("web", 1))
    follower = follow(path)
    follower.wait_names("web")
    api.control.set_token("the-next-token", USER, ["system:masters"])
    api.control.delete_token(SECRET)
    (tmp_path / "k" / "token").write_text("the-next-token\n")
    follower.renew()
    api.control.make_pod(**pod("web-2", 2))
    follower.wait_names("web", "web-2")


def test_an_exec_plugin(api: ApiServer, follow: FollowerStart, tmp_path: Path) -> None:
    """A plugin gives the token, and is asked again when the token is refused."""
    api.control.set_token(SECRET, USER, ["system:masters"])
    path = kubeconfig.write_exec_kubeconfig(
        api.authority, tmp_path / "k", api.url, NODE, token=SECRET
    )
    api.control.make_pod(**pod("web", 1))
    follower = follow(path)
    follower.wait_names("web")
    api.control.delete_token(SECRET)
    api.control.break_watches()
    follower.wait_for(lambda: follower.count(Identified) >= 2)
    api.control.set_token(SECRET, USER, ["system:masters"])
    api.control.make_pod(**pod("web-2", 2))
    follower.wait_names("web", "web-2")


def test_a_rotated_certificate(api: ApiServer, follow: FollowerStart, tmp_path: Path) -> None:
    """The certificate is replaced by rename: the open watch ends, the next has the new one."""
    path = api.kubeconfig(NODE, tmp_path / "k")
    api.control.make_pod(**pod("web", 1))
    follower = follow(path)
    follower.wait_names("web")
    follower.wait_watching()
    api.control.wait_watches(1)
    old = {one.serial for one in api.control.requests()}
    kubeconfig.rotate(api.authority, tmp_path / "k", NODE)
    follower.renew()
    follower.wait_watching(2)
    api.control.make_pod(**pod("web-2", 2))
    follower.wait_names("web", "web-2")
    assert follower.count(Lost) == 0
    last = api.control.requests()[-1]
    assert last.serial not in old
    assert all(one.ended_ns is not None for one in api.control.requests() if one.serial in old)


def test_a_missing_kubeconfig_that_appears(
    api: ApiServer, follow: FollowerStart, tmp_path: Path
) -> None:
    """pokepodsd runs before the node has joined: it waits, and goes on by itself."""
    api.control.make_pod(**pod("web", 1))
    path = tmp_path / "k" / "kubelet.conf"
    follower = follow(path)
    follower.wait_for(lambda: follower.count(Lost) >= 1)
    api.kubeconfig(NODE, tmp_path / "k")
    follower.wait_names("web")


def test_a_token_that_no_header_may_hold(
    api: ApiServer, follow: FollowerStart, tmp_path: Path
) -> None:
    """A token with a newline in it cannot be sent: said, without the token."""
    path = kubeconfig.write_token_file_kubeconfig(api.authority, tmp_path / "k", api.url, "")
    (tmp_path / "k" / "token").write_text(f"{SECRET}\n{SECRET}\n")
    follower = follow(path)
    follower.wait_for(lambda: follower.count(Lost) >= 1)
    assert "its token is not one line" in str(follower.records)
    assert SECRET not in str(follower.records)


def test_no_secret_is_said(api: ApiServer, follow: FollowerStart, tmp_path: Path) -> None:
    """A refused token and a broken kubeconfig: nothing that is told holds the token."""
    path = kubeconfig.write_token_kubeconfig(api.authority, tmp_path / "k", api.url, SECRET)
    follower = follow(path)
    follower.wait_for(lambda: follower.count(Lost) >= 2)
    path.write_text(f"users: [{SECRET}: {{{SECRET}\n")
    follower.renew()
    follower.wait_for(lambda: "not YAML" in str(follower.records[-1]))
    assert SECRET not in str(follower.records)
