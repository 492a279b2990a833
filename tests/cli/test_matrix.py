"""Checks `pokepodsd matrix` as an operator runs it: its sources, outputs and exit statuses."""

import json
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import COMMAND, Run
from tests.cli.fakedaemon import FakeDaemon
from tests.matrixworld import World, large, small
from tests.prometheusserver import PrometheusServer
from tests.statuspage import StatusPage

WELL = World(names=("node-a", "node-b"))


def pairs(text: str) -> dict[tuple[str, str], str]:
    return {(pair["from"], pair["to"]): pair["state"] for pair in json.loads(text)["pairs"]}


def save(path: Path, content: Any) -> str:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


@pytest.fixture
def broken(tmp_path: Path) -> str:
    """The statuses of three nodes, of which one pair fails."""
    return save(tmp_path / "broken.json", small().documents())


@pytest.fixture
def well(tmp_path: Path) -> str:
    return save(tmp_path / "well.json", WELL.documents())


def test_statuses_say_whether_a_pair_fails(run: Run, broken: str, well: str) -> None:
    """0 if none does, 1 if one does; nothing is told on stderr."""
    for source, status in ((well, 0), (broken, 1)):
        done = run("matrix", source, "-o", "json")
        assert (done.returncode, done.stderr) == (status, "")


def test_a_file_holds_one_document_an_array_or_one_a_line(run: Run, tmp_path: Path) -> None:
    """All of them make the same matrix."""
    documents = small().documents()
    array = save(tmp_path / "array.json", documents)
    lines = save(tmp_path / "lines.json", "".join(f"{json.dumps(one)}\n" for one in documents))
    single = [
        save(tmp_path / f"node-{number}.json", json.dumps(one, indent=2))
        for number, one in enumerate(documents)
    ]
    shown = [run("matrix", *sources, "-o", "json") for sources in ([array], [lines], single)]
    assert {done.returncode for done in shown} == {1}
    assert len({done.stdout for done in shown}) == 1


def test_standard_input_is_a_source() -> None:
    """`-` reads a document a line."""
    text = "".join(f"{json.dumps(one)}\n" for one in small().documents())
    done = subprocess.run(
        [*COMMAND, "matrix", "-", "-o", "json"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert pairs(done.stdout)["node-a", "node-b"] == "tunnel broken"


def test_sockets_and_pages_are_sources(run: Run, tmp_path: Path) -> None:
    """A node's own socket, another's page, a third one's file: one matrix."""
    first, second, third = small().documents()
    saved = save(tmp_path / "third.json", third)
    control = tmp_path / "control.sock"
    with FakeDaemon.telling(control, first) as daemon, StatusPage(second) as page:
        done = run("matrix", str(control), page.url, saved, "-o", "json")
    assert (done.returncode, done.stderr) == (1, "")
    assert set(pairs(done.stdout).values()) == {"ok", "tunnel broken"}
    assert daemon.requests == [{"status": {"peers": "all", "targets": "none"}}]
    assert page.asked == ["/status?peers=all&targets=none"]


def test_a_source_that_cannot_be_read_is_a_row_without_report(run: Run, tmp_path: Path) -> None:
    """One line each says what to try, the rest is drawn, and the status is 69."""
    first, second, _ = small().documents()
    saved = save(tmp_path / "two.json", [first, second])
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://name:secret@127.0.0.1:{silent.getsockname()[1]}/status"
        missing = str(tmp_path / "node-x.json")
        done = run("matrix", saved, url, missing, "--timeout", "0.2", "-o", "json")
    assert done.returncode == 69
    complaints = done.stderr.splitlines()
    assert len(complaints) == 2
    assert "metrics.listen" in complaints[0]
    assert "secret" not in done.stderr
    assert complaints[1].startswith(f"pokepodsd: {missing} cannot be read (No such file")
    shown = pairs(done.stdout)
    assert shown["node-a", "node-b"] == "tunnel broken"
    assert {state for (poker, _), state in shown.items() if poker == "node-x"} == {"not reporting"}
    assert {state for (poker, _), state in shown.items() if poker == "127.0.0.1"} == {
        "not reporting"
    }


@pytest.mark.parametrize("place", ["[bad", "h:port"])
@pytest.mark.parametrize("password", ["secret", "secret/more"])
def test_a_url_that_is_none_is_told_without_its_password(
    run: Run, tmp_path: Path, place: str, password: str
) -> None:
    """Neither in the complaint, nor as the name of a node in what is drawn."""
    saved = save(tmp_path / "two.json", small().documents()[:2])
    done = run("matrix", saved, f"http://name:{password}@{place}/status", "-o", "json")
    assert done.returncode == 69
    assert "it is no URL" in done.stderr
    assert "secret" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "Expecting value"),
        ("not\njson", "Expecting value"),
        ("[]", "holds no status document"),
        ('{"version": 1}', "no 'node'"),
        ("[" * 100_000, "recursion"),
    ],
)
def test_a_damaged_source_is_one_line(run: Run, tmp_path: Path, content: str, reason: str) -> None:
    """Whatever it is, no traceback comes of it."""
    done = run("matrix", save(tmp_path / "damaged.json", content), "-o", "text")
    assert done.returncode == 69
    assert len(done.stderr.splitlines()) == 1
    assert reason in done.stderr


def test_a_refusal_of_the_daemon_is_told(run: Run, tmp_path: Path) -> None:
    """What it says is shown with its control characters escaped."""
    control = tmp_path / "control.sock"
    with FakeDaemon(control, lambda _: [{"error": "not \x1b[31myou"}]):
        done = run("matrix", str(control), "-o", "json")
    assert done.returncode == 69
    assert done.stderr == f"pokepodsd: {control} cannot be asked: not \\x1b[31myou\n"


def test_prometheus_makes_the_same_matrix(run: Run, tmp_path: Path) -> None:
    """States of all pairs are those of the documents."""
    world = large(40)
    saved = save(tmp_path / "all.json", world.documents())
    with PrometheusServer(world) as server:
        measured = run("matrix", "--prometheus", server.url, "-o", "json")
    assert (measured.returncode, measured.stderr) == (1, "")
    assert pairs(measured.stdout) == pairs(run("matrix", saved, "-o", "json").stdout)
    assert json.loads(measured.stdout)["source"] == f"Prometheus at {server.url}"


def test_prometheus_that_cannot_be_asked_is_one_line(run: Run) -> None:
    """With what to try, and status 69."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    done = run("matrix", "--prometheus", f"http://127.0.0.1:{port}")
    assert (done.returncode, done.stdout) == (69, "")
    assert len(done.stderr.splitlines()) == 1
    assert "cannot be asked (Connection refused)" in done.stderr


@pytest.mark.parametrize("arguments", [(), ("file.json", "--prometheus", "http://localhost")])
def test_one_kind_of_source_is_named(run: Run, arguments: tuple[str, ...]) -> None:
    """Neither none nor both: that is wrong usage."""
    done = run("matrix", *arguments)
    assert done.returncode == 2
    assert "name either SOURCES or --prometheus URL" in done.stderr


@pytest.mark.parametrize("form", ["html", "svg", "text", "json"])
def test_the_file_is_what_standard_output_is(
    run: Run, tmp_path: Path, broken: str, form: str
) -> None:
    """--output-file replaces the file as a whole, with the mode that the umask leaves."""
    path = tmp_path / "out"
    path.write_text("old")
    shown = run("matrix", broken, "-o", form)
    done = run("matrix", broken, "-o", form, "--output-file", str(path))
    assert (done.returncode, done.stdout) == (1, "")
    assert path.read_text() == shown.stdout
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [one.name for one in tmp_path.iterdir() if "out" in one.name] == ["out"]


def test_a_file_that_cannot_be_written_leaves_the_old_one(
    run: Run, tmp_path: Path, broken: str
) -> None:
    """The error says why, in one line."""
    done = run("matrix", broken, "--output-file", str(tmp_path / "none" / "out"))
    assert done.returncode == 73
    assert done.stderr.endswith("none/out cannot be written: No such file or directory\n")


def test_the_order_is_by_trouble_or_by_name(run: Run, tmp_path: Path) -> None:
    """--sort name puts node-2 before node-10, whatever is wrong."""
    names = tuple(f"node-{number}" for number in range(12))
    world = World(names=names, verdicts={(10, 11): "tunnel broken"})
    saved = save(tmp_path / "all.json", world.documents())
    orders = [
        [node["name"] for node in json.loads(run("matrix", saved, *more).stdout)["nodes"]]
        for more in (["-o", "json"], ["-o", "json", "--sort", "name"])
    ]
    assert orders[0][:3] == ["node-10", "node-11", "node-0"]
    assert orders[1] == list(names)


def test_the_terminal_sets_the_width(broken: str) -> None:
    """On a terminal that is too narrow, the text says what to use instead."""
    script = f"stty cols 12; exec {sys.executable} -m pokepodsd matrix {broken} -o text"
    done = subprocess.run(
        ["script", "--quiet", "--return", "--command", script, "/dev/null"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env={"TERM": "xterm", "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 1
    assert "there are 12: use -o html" in done.stdout
    assert "\x1b[1;31m" in done.stdout
