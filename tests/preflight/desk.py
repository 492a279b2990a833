"""Owns a node of the lab as its operator has it: the check, and a shell in which remedies run."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.apiserver.client import ROOT as PROJECT
from tests.cluster import Cluster, Tables
from tests.lab import Node
from tests.preflight.printed import Page, run_on_terminal


class Desk:
    """The first node of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.node: Node = cluster.lab.nodes[0]
        self.peer: Node = cluster.lab.nodes[1]
        self.config = cluster.folder / f"{self.node.name}.toml"
        self.socket = cluster.folder / "control" / "control.sock"
        self._programs = cluster.folder / "programs"
        self._programs.mkdir(exist_ok=True)

    def configure(self, tables: Tables | None = None, *, more: str = "") -> None:
        """Write the node's configuration, with text behind it."""
        self.cluster.write_config(self.node, tables)
        with self.config.open("a", encoding="utf-8") as file:
            file.write(f"\n{more}")

    def command(self, *options: str, prefix: Sequence[str] = ()) -> list[str]:
        words = ("--config", str(self.config), "check", "--socket", str(self.socket), *options)
        return self.node.command(*prefix, sys.executable, "-m", "pokepodsd", *words)

    def check(self, *, columns: int = 80, prefix: Sequence[str] = ()) -> Page:
        return run_on_terminal(self.command(prefix=prefix), columns=columns)

    def paste(self, remedy: str) -> None:
        """Run in a shell what was printed, as it was printed."""
        path = f"{self._programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            self.node.command("bash", "-euc", remedy),
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, f"{remedy}: {done.stdout}{done.stderr}"

    def give_kubectl(self) -> None:
        """Put a kubectl with an administrator's rights into the path of the shell."""
        api = self.cluster.api
        certificate = api.directory / "kubectl.pem"
        issued = api.authority.issue("kubernetes-admin", ["system:masters"])
        certificate.touch(mode=0o600)
        certificate.write_bytes(issued.pem)
        words = [sys.executable, "-m", "tests.preflight.kubectl", api.url]
        words += [str(api.authority.certificate_path), str(certificate)]
        script = self._programs / "kubectl"
        script.write_text(f'#!/bin/sh\ncd {PROJECT} && exec {" ".join(words)} "$@"\n')
        script.chmod(0o755)
