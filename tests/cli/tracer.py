"""Owns running `pokepodsd trace` on a node of a lab, and checking its document by the schema."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tests.cluster import Cluster
from tests.lab import Node

SCHEMA = Path(__file__).resolve().parents[2] / "packaging" / "schema" / "trace-1.json"
PATIENCE_SECONDS = 60.0
TABLES = {"poke": {"timeout": "400ms"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracer:
    """Runs it on ``node``, with whatever daemon is at the control socket."""

    cluster: Cluster
    node: Node
    config: Path
    socket: Path

    def run(
        self, *arguments: str, prefix: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """As an operator does, into a pipe."""
        program = (sys.executable, "-m", "pokepodsd", "--config", str(self.config), "trace")
        return subprocess.run(
            self.node.command(*prefix, *program, "--socket", str(self.socket), *arguments),
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def document(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """The exit status, and the document, which is as the schema says."""
        done = self.run("-o", "json", *arguments)
        assert done.stderr == ""
        document: dict[str, Any] = json.loads(done.stdout)
        Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(document)
        assert (done.returncode == 0) == document["answers"]
        return done.returncode, document


def tracer(cluster: Cluster, node: Node, socket: Path | None = None) -> Tracer:
    """Without a daemon, unless one is at the socket."""
    there = socket or cluster.runtime_folder(node) / "control.sock"
    config = cluster.write_config(node, TABLES)
    return Tracer(cluster=cluster, node=node, config=config, socket=there)


def outcomes(document: dict[str, Any], layer: str) -> list[list[str]]:
    """How the pokes of each step of a layer ended."""
    return [
        [poke["outcome"] for poke in step["pokes"]]
        for step in document["steps"]
        if step["layer"] == layer
    ]
