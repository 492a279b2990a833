"""A real kube-apiserver with its etcd, from the folder that KUBEBUILDER_ASSETS names.

Owns the two processes. That variable is the convention of controller-runtime's envtest. What it
offers is what the tests marked ``real`` use of the test API server.
"""

import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import urllib3

from tests.apiserver.admin import Admin, UnexpectedAnswerError
from tests.apiserver.kubeconfig import write_kubeconfig
from tests.apiserver.pki import MASTERS, Authority

START_SECONDS = 60.0


class RealServer:
    """A context manager."""

    def __init__(self, assets: Path, folder: Path) -> None:
        self._assets = assets
        self._folder = folder
        self._stack = ExitStack()
        self.authority = Authority(folder / "pki")
        self.url = f"https://127.0.0.1:{_free_port()}"
        self.admin: Admin

    def __enter__(self) -> Self:
        etcd = f"http://127.0.0.1:{_free_port()}"
        self._start(
            "etcd",
            f"--data-dir={self._folder / 'etcd'}",
            f"--listen-client-urls={etcd}",
            f"--advertise-client-urls={etcd}",
            f"--listen-peer-urls=http://127.0.0.1:{_free_port()}",
        )
        certificate, key = self.authority.write_server_files(["127.0.0.1", "localhost"])
        self._start(
            "kube-apiserver",
            f"--etcd-servers={etcd}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.url.rpartition(':')[2]}",
            f"--tls-cert-file={certificate}",
            f"--tls-private-key-file={key}",
            f"--client-ca-file={self.authority.certificate_path}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--disable-admission-plugins=ServiceAccount",
            "--service-account-issuer=https://localhost",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--service-cluster-ip-range=10.96.0.0/16",
        )
        admin = self._folder / "admin.pem"
        admin.write_bytes(self.authority.issue("admin", [MASTERS]).pem)
        self.admin = Admin(self.url, self.authority.certificate_path, admin)
        self._wait_ready()
        self.admin.create_namespace("shop")
        for name in ("node-a", "node-b"):
            self.admin.create_node({"metadata": {"name": name}})
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def kubeconfig(self, node: str, folder: Path) -> Path:
        """The kubelet's kubeconfig of a node."""
        return write_kubeconfig(self.authority, folder, self.url, node)

    def _start(self, program: str, *arguments: str) -> None:
        log = self._stack.enter_context((self._folder / f"{program}.log").open("wb"))
        process = subprocess.Popen([self._assets / program, *arguments], stdout=log, stderr=log)
        self._stack.callback(process.wait)
        self._stack.callback(process.terminate)

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.admin.request("GET", "/api/v1/namespaces/default")
            except (UnexpectedAnswerError, urllib3.exceptions.HTTPError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
