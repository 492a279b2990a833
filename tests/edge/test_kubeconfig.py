"""Checks the finding of the kubelet's kubeconfig, and every kind of credentials in one."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from kubernetes.client import Configuration

from pokepodsd.core.protocol import Ask, Timings
from pokepodsd.edge.apiserver import ApiServer
from pokepodsd.edge.certificate import node_name
from pokepodsd.edge.kubeconfig import KNOWN_PLACES, Kubeconfig, find
from pokepodsd.errors import CredentialsError
from tests.apiserver.client import ApiServer as ClusterServer
from tests.apiserver.kubeconfig import (
    write_exec_kubeconfig,
    write_inline_kubeconfig,
    write_kubeconfig,
    write_token_file_kubeconfig,
    write_token_kubeconfig,
)
from tests.apiserver.pki import Authority
from tests.edge.support import run_unprivileged

NODE, USER, TOKEN = "node-a", "system:serviceaccount:kube-system:pokepodsd", "abc.def"


def make_file(root: Path, place: str) -> Path:
    path = root / place.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def make_process(
    root: Path, pid: int, *arguments: str, user: int = 0, numbers: Sequence[int] = ()
) -> None:
    """One as proc(5) shows it; ``numbers`` are its own in the PID namespaces that it is in."""
    make_file(root, f"/proc/{pid}/cmdline").write_bytes("\0".join([*arguments, ""]).encode())
    users, pids = "\t".join([str(user)] * 4), "\t".join(map(str, numbers or (pid,)))
    status = (
        f"Name:\t{Path(arguments[0]).name if arguments else ''}\nUid:\t{users}\nNSpid:\t{pids}\n"
    )
    make_file(root, f"/proc/{pid}/status").write_text(status, encoding="ascii")


class TestFind:
    """The kubeconfig is found where a kubelet on this host has it."""

    def test_a_setting_is_taken_as_it_is(self, tmp_path: Path) -> None:
        """A path is not second-guessed."""
        make_file(tmp_path, KNOWN_PLACES[0])
        assert find("/etc/mine.conf", root=tmp_path) == Path("/etc/mine.conf")

    @pytest.mark.parametrize("place", KNOWN_PLACES)
    def test_known_place(self, tmp_path: Path, place: str) -> None:
        """Each distribution's place is tried."""
        path = make_file(tmp_path, place)
        assert find("auto", root=tmp_path) == path

    @pytest.mark.parametrize(
        "arguments",
        [
            ("/usr/bin/kubelet", "--kubeconfig=/opt/kubelet.conf", "--v=2"),
            ("kubelet", "--v=2", "--kubeconfig", "/opt/kubelet.conf"),
        ],
    )
    def test_running_kubelet_comes_first(self, tmp_path: Path, arguments: tuple[str, ...]) -> None:
        """What a running kubelet was told counts more than any known place."""
        for place in KNOWN_PLACES:
            make_file(tmp_path, place)
        make_process(tmp_path, 7, "/usr/bin/kubelet-wrapper", "--kubeconfig=/opt/other.conf")
        make_process(tmp_path, 8)
        make_process(tmp_path, 12, *arguments)
        path = make_file(tmp_path, "/opt/kubelet.conf")
        make_file(tmp_path, "/opt/other.conf")
        assert find("auto", root=tmp_path) == path

    def test_kubelets_file_that_is_not_here(self, tmp_path: Path) -> None:
        """A kubelet of a container names a file that this root has not: the places are next."""
        make_process(tmp_path, 12, "kubelet", "--kubeconfig=/opt/kubelet.conf")
        make_process(tmp_path, 13, "kubelet", "--kubeconfig")
        path = make_file(tmp_path, KNOWN_PLACES[-1])
        assert find("auto", root=tmp_path) == path

    @pytest.mark.parametrize(("user", "numbers"), [(1000, (12,)), (0, (12, 1))])
    def test_who_only_calls_itself_a_kubelet(
        self, tmp_path: Path, user: int, numbers: tuple[int, ...]
    ) -> None:
        """A user's process, or one of a pod, does not choose which credentials are read."""
        make_process(
            tmp_path, 12, "kubelet", "--kubeconfig=/etc/hostname", user=user, numbers=numbers
        )
        make_file(tmp_path, "/etc/hostname")
        path = make_file(tmp_path, KNOWN_PLACES[0])
        assert find("auto", root=tmp_path) == path

    def test_error_lists_what_was_tried(self, tmp_path: Path) -> None:
        """One line names every place, each once, and the setting that helps."""
        make_process(tmp_path, 12, "kubelet", f"--kubeconfig={KNOWN_PLACES[0]}")
        make_process(tmp_path, 13, "kubelet", "--kubeconfig=/opt/kubelet.conf")
        with pytest.raises(CredentialsError) as caught:
            find("auto", root=tmp_path)
        (line,) = str(caught.value).splitlines()
        assert all(line.count(place) == 1 for place in (*KNOWN_PLACES, "/opt/kubelet.conf"))
        assert "kubernetes.kubeconfig" in line

    @pytest.mark.root
    def test_place_that_may_not_be_looked_at(self, tmp_path: Path) -> None:
        """For a user without privilege a closed folder holds no kubeconfig, and is no crash."""
        for folder in (tmp_path, *tmp_path.parents[:2]):
            folder.chmod(0o755)
        make_file(tmp_path, KNOWN_PLACES[0]).parent.chmod(0o700)
        program = f"""
from pathlib import Path
from pokepodsd.edge.kubeconfig import find
from pokepodsd.errors import CredentialsError
try:
    find("auto", root=Path({str(tmp_path)!r}))
except CredentialsError as error:
    print(error)
"""
        done = run_unprivileged([sys.executable, "-c", program])
        assert (done.stderr, KNOWN_PLACES[0] in done.stdout) == ("", True)


Write = Callable[[Authority, Path, str], Path]

CREDENTIALS: dict[str, tuple[Write, str]] = {
    "files": (lambda a, f, u: write_kubeconfig(a, f, u, NODE), f"system:node:{NODE}"),
    "inline": (lambda a, f, u: write_inline_kubeconfig(a, f, u, NODE), f"system:node:{NODE}"),
    "token": (lambda a, f, u: write_token_kubeconfig(a, f, u, TOKEN), USER),
    "token file": (lambda a, f, u: write_token_file_kubeconfig(a, f, u, TOKEN), USER),
    "exec token": (lambda a, f, u: write_exec_kubeconfig(a, f, u, NODE, TOKEN), USER),
    "exec key": (lambda a, f, u: write_exec_kubeconfig(a, f, u, NODE), f"system:node:{NODE}"),
}


def ask_as(configuration: Configuration) -> int:
    api = ApiServer(configuration, Timings(answer=3.0))
    with api.ask(Ask(parameters={"limit": "1"}, is_watch=False)) as answer:
        answer.body()
    api.close()
    return answer.status


@pytest.mark.parametrize(("write", "user"), CREDENTIALS.values(), ids=CREDENTIALS.keys())
def test_credentials_are_used(
    server: ClusterServer, tmp_path: Path, scratch: Path, write: Write, user: str
) -> None:
    """The server knows us by each kind of credentials; relative paths are the folder's."""
    server.control.set_token(TOKEN, USER)
    path = write(server.authority, tmp_path / "files", server.url)
    loaded = Kubeconfig(path, scratch=scratch)
    ask_as(loaded.load())
    assert [one.user for one in server.control.requests()] == [user]
    assert not loaded.is_changed()


def test_inline_keys_are_private(server: ClusterServer, tmp_path: Path, scratch: Path) -> None:
    """The TLS library wants files: they lie in the scratch folder, for their owner alone."""
    path = write_inline_kubeconfig(server.authority, tmp_path / "files", server.url, NODE)
    configuration = Kubeconfig(path, scratch=scratch).load()
    files = [Path(configuration.key_file), Path(configuration.cert_file)]
    assert {file.parent for file in files} == {scratch}
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_relative_kubeconfig_is_found(server: ClusterServer, kubelet: Path, scratch: Path) -> None:
    """A kubeconfig named relative to the working directory resolves its own paths all the same."""
    relative = Path(os.path.relpath(kubelet))
    assert ask_as(Kubeconfig(relative, scratch=scratch).load()) == 200


class TestNodeName:
    """The node's name is the certificate's, else the setting's, else the host's."""

    @pytest.mark.parametrize("setting", ["auto", "other"])
    def test_certificate_knows_best(self, kubelet: Path, scratch: Path, setting: str) -> None:
        """The API server goes by the certificate, whatever else is said."""
        file = Kubeconfig(kubelet, scratch=scratch).load().cert_file
        assert node_name(file, setting=setting, host_name="Host") == (NODE, "certificate")

    @pytest.mark.parametrize(
        ("setting", "expected"), [("auto", ("host.a", "host name")), ("Mine", ("Mine", "setting"))]
    )
    def test_certificate_of_no_node(
        self, server: ClusterServer, tmp_path: Path, scratch: Path, setting: str, expected: object
    ) -> None:
        """A certificate of somebody else, or a token, names no node."""
        issued = server.authority.issue("somebody")
        folder = tmp_path / "files"
        for path in (
            write_inline_kubeconfig(server.authority, folder, server.url, NODE, issued),
            write_token_kubeconfig(server.authority, folder, server.url, TOKEN),
        ):
            file = Kubeconfig(path, scratch=scratch).load().cert_file
            assert node_name(file, setting=setting, host_name="Host.A") == expected

    def test_unreadable_certificate_is_an_error(self, tmp_path: Path) -> None:
        """A certificate of which nothing can be made is named, and not taken for an absent one."""
        damaged = tmp_path / "client.pem"
        damaged.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        with pytest.raises(CredentialsError, match=r"client\.pem holds no certificate"):
            node_name(str(damaged), setting="auto", host_name="h")


def test_plugin_that_expired_is_not_run_without_pause(
    server: ClusterServer, tmp_path: Path, scratch: Path
) -> None:
    """Credentials that are expired as they come are in force until they can be had anew later."""
    path = write_exec_kubeconfig(server.authority, tmp_path / "files", server.url, NODE, TOKEN)
    credential = path.with_name("credential.json")
    document = json.loads(credential.read_text())
    document["status"]["expirationTimestamp"] = "2020-01-01T00:00:00Z"
    credential.write_text(json.dumps(document))
    loaded = Kubeconfig(path, scratch=scratch)
    try:
        loaded.load()
    except CredentialsError:
        return
    assert not loaded.is_changed()
