"""Owns starting iproute2 and nft. Knows no topology, and lets no failure of theirs pass."""

import subprocess
from collections.abc import Sequence

from tests.lab.errors import LabError
from tests.lab.namespace import inside

Batch = tuple[str | None, Sequence[str]]


def ip_batch(namespace: str | None, lines: Sequence[str]) -> None:
    ip_batches([(namespace, lines)])


def ip_batches(batches: Sequence[Batch]) -> None:
    """Run one `ip -batch` for each namespace (None is this thread's), all at the same time."""
    _run_batches("ip", batches)


def bridge_batches(batches: Sequence[Batch]) -> None:
    """Run one `bridge -batch` for each namespace, all at the same time."""
    _run_batches("bridge", batches)


def _run_batches(program: str, batches: Sequence[Batch]) -> None:
    running = [_start(program, namespace, lines) for namespace, lines in batches]
    failures = [failure for process in running if (failure := _failure(process))]
    if failures:
        raise LabError("; ".join(failures))


def _start(program: str, namespace: str | None, lines: Sequence[str]) -> subprocess.Popen[str]:
    where = [] if namespace is None else ["-n", namespace]
    process = subprocess.Popen(
        # -force: the lines after a failed one still run, which removal depends on.
        [program, *where, "-force", "-batch", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write("\n".join(lines) + "\n")
    process.stdin.close()
    process.stdin = None
    return process


def _failure(process: subprocess.Popen[str]) -> str:
    _, complaints = process.communicate()
    if process.returncode == 0:
        return ""
    return f"{process.args!r} ended with {process.returncode}: {complaints.strip()}"


def nft(namespace: str, script: str) -> None:
    """Apply the script in the namespace, all of it or nothing."""
    with inside(namespace):
        done = subprocess.run(
            ["nft", "-f", "-"], input=script, capture_output=True, text=True, check=False
        )
    if done.returncode != 0:
        raise LabError(f"nft in {namespace} ended with {done.returncode}: {done.stderr.strip()}")
