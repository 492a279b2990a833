"""Checks that a kubeconfig that is of no use is one error of ours, and tells no secret."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pokepodsd.edge.kubeconfig import Kubeconfig
from pokepodsd.errors import CredentialsError
from tests.apiserver.client import ApiServer as ClusterServer
from tests.apiserver.kubeconfig import write_exec_kubeconfig
from tests.edge.support import printed

PLUGIN = "client.authentication.k8s.io/v1"


def document(user: str, cluster: str = "", context: str = "x") -> str:
    return f"""
clusters: [{{name: c, cluster: {{server: "https://127.0.0.1:1"{cluster}}}}}]
users: [{{name: u, user: {user}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
current-context: {context}
"""


MALFORMED: dict[str, str | bytes] = {
    "not YAML": "users: [{token: SECRET\n  - x: SECRET",
    "a control character": b"token: SECRET\x00\n",
    "not UTF-8": b"token: SECRET\xff\n",
    "a date that is none": "token: SECRET\nat: 2020-99-99\n",
    "a tag": "token: !!int SECRET\n",
    "a tag of Python": "token: !!python/object:SECRET x\n",
    "nested without end": "[" * 5_000 + "SECRET",
    "a text": "SECRET\n",
    "a list": "- SECRET\n",
    "empty": "",
    "no context": "clusters: []\nusers: []\ncontexts: []\n",
    "unknown context": document("{token: SECRET}", context="SECRET"),
    "contexts that are a text": "contexts: SECRET\ncurrent-context: SECRET\n",
    "users that are a text": document("{}").replace("[{name: u, user: {}}]", "SECRET"),
    "a user that is a text": document("SECRET"),
    "users without names": document("{}").replace("name: u, ", ""),
    "a plugin that is a text": document("{exec: SECRET}"),
    "key that is no base64": document("{client-key-data: SECRET!, client-certificate-data: S}"),
    "authority that is no base64": document(
        "{token: SECRET}", ", certificate-authority-data: SECRETa"
    ),
    "password that is a number": document("{username: SECRET, password: 5}"),
    "expiry that is none": document(
        "{auth-provider: {name: gcp, config: {access-token: SECRET, expiry: SECRET}}}"
    ),
    "a command of old": document(
        "{auth-provider: {name: gcp, config: {cmd-path: /bin/echo, cmd-args: SECRET}}}"
    ),
    "a plugin without a version": document("{exec: {command: SECRET}}"),
    "a plugin whose variables are a text": document(
        f"{{exec: {{apiVersion: {PLUGIN}, command: x, env: SECRET}}}}"
    ),
    "token that is a list": document("{token: [SECRET]}"),
    "token of two lines": document('{token: "one\\nSECRET"}'),
    "missing certificate": document("{client-certificate: no.pem, client-key: no.pem}"),
    "missing token file": document("{tokenFile: nowhere}"),
    "missing plugin": document(f"{{exec: {{apiVersion: {PLUGIN}, command: ./SECRETless}}}}"),
}


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED.keys())
def test_useless_kubeconfig_is_one_line_without_secrets(
    tmp_path: Path, scratch: Path, content: str | bytes
) -> None:
    """Whatever is wrong is a CredentialsError that names the file, and quotes nothing of it."""
    path = tmp_path / "kubelet.conf"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(CredentialsError) as caught:
        Kubeconfig(path, scratch=scratch).load()
    assert str(path) in str(caught.value) or "nowhere" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert "SECRET" not in printed(caught.value).replace("SECRETless", "")


def test_missing_file_is_named(tmp_path: Path, scratch: Path) -> None:
    """A path that leads nowhere is said as such."""
    path = tmp_path / "kubelet.conf"
    with pytest.raises(CredentialsError, match=r"kubelet\.conf cannot be read: No such file"):
        Kubeconfig(path, scratch=scratch).load()


@pytest.mark.parametrize("name", ["kubelet.conf", "token"])
def test_what_has_no_end_is_not_read(tmp_path: Path, scratch: Path, name: str) -> None:
    """A pipe that nobody writes to would be waited for, and a huge file be held in memory."""
    (tmp_path / "kubelet.conf").write_text(document("{tokenFile: token}"))
    path = tmp_path / name
    path.unlink(missing_ok=True)
    os.mkfifo(path, 0o600)
    with pytest.raises(CredentialsError, match=f"{name} is no file"):
        Kubeconfig(tmp_path / "kubelet.conf", scratch=scratch).load()
    path.unlink()
    with path.open("wb") as file:
        file.truncate(2 * 1024 * 1024)
    with pytest.raises(CredentialsError, match=f"{name} is larger than 1024 kB"):
        Kubeconfig(tmp_path / "kubelet.conf", scratch=scratch).load()


SCRIPTS = {
    "fails": "echo SECRET >&2; exit 3",
    "says nothing": "true",
    "says no JSON": "echo SECRET",
    "says no status": f'echo \'{{"apiVersion": "{PLUGIN}", "kind": "SECRET"}}\'',
    "says an unknown version": 'echo \'{"apiVersion": "SECRET", "kind": "", "status": {}}\'',
    "has no key": "echo '"
    + json.dumps({"apiVersion": PLUGIN, "kind": "", "status": {"clientCertificateData": "SECRET"}})
    + "'",
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_failing_plugin_is_named_and_not_quoted(
    server: ClusterServer, tmp_path: Path, script: str
) -> None:
    """What a plugin says goes nowhere: not into the error, not into a log, not to stderr."""
    path = write_exec_kubeconfig(server.authority, tmp_path / "files", server.url, "node-a")
    path.with_name("credential-plugin.sh").write_text(f"#!/bin/sh\n{script}\n")
    program = f"""
import traceback
from pathlib import Path
from pokepodsd.edge.kubeconfig import Kubeconfig
from pokepodsd.errors import CredentialsError
try:
    Kubeconfig(Path({str(path)!r}), scratch=Path({str(tmp_path / "scratch")!r})).load()
except CredentialsError:
    traceback.print_exc()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "the exec plugin ./credential-plugin.sh gave no credentials" in done.stderr
    assert "SECRET" not in done.stdout + done.stderr
