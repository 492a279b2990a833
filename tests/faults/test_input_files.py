"""Files of which one part is missing, of the wrong type, enormous or hostile."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from pokepodsd.core.entries import EventKind
from pokepodsd.core.settings import BY_KEY
from tests.apiserver.status import Json
from tests.daemon.journalled import daemon_under_a_journal, kinds
from tests.faults.poison import FEW
from tests.faults.stage import Stage
from tests.fuzz import files
from tests.fuzz.corpus import kubeconfigs
from tests.fuzz.mutations import BAD, paths, removed, replaced
from tests.fuzz.mutations import Path as Place
from tests.fuzz.shown import check_line

HEADER: Final[Json] = {"format": "pokepodsd targets", "version": 2, "targets": 2}
ROW: Final = ["uid-1", "shop", "web", "node-b", "10.64.0.1", "2026-11-23T01:33:57Z", "10.9.0.2"]
# What is bad for one file is bad for all of its kind: the certificate and the tokens are there.
KUBECONFIGS: Final = [yaml.safe_load(one) for one in [*kubeconfigs()][:6]]
PLACES: Final = sorted({place for document in KUBECONFIGS for place in paths(document)}, key=str)


@pytest.mark.parametrize("values", [FEW, pytest.param(BAD, marks=pytest.mark.long)], ids=len)
@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
def test_each_part_of_a_kubeconfig_with_each_bad_value(place: Place, values: Sequence[Any]) -> None:
    """It is read all the same, or refused in one line that quotes nothing of it."""
    documents = [one for one in KUBECONFIGS if place in paths(one)]
    assert documents
    for value in values:
        # JSON is YAML, but for what no JSON has.
        files.kubeconfig(json.dumps(replaced(documents[0], place, value)).encode())
    for document in documents:
        files.kubeconfig(json.dumps(removed(document, place)).encode())


@pytest.mark.parametrize("command", ["./a\0b", "a\0b", "/\ud800", None, [], ""])
@pytest.mark.parametrize("value", ["a\0b", "\ud800", None, {}])
def test_an_exec_plugin_that_no_program_can_be(command: object, value: object) -> None:
    """Its name, an argument and its environment: one line, and nothing is started."""
    env = [{"name": "A", "value": value}]
    wanted = {"apiVersion": "client.authentication.k8s.io/v1", "command": command}
    plugin = {**wanted, "args": [value], "env": env, "provideClusterInfo": True}
    document = replaced(KUBECONFIGS[0], ("users", 0, "user"), {"exec": plugin})
    text = json.dumps(document)
    files.kubeconfig(text.encode())
    files.kubeconfig(text.replace('"https://127.0.0.1:6443"', "2026-11-23").encode())


def toml(value: Any) -> str:
    """The value as TOML, which has no null."""
    match value:
        case None:
            return '""'
        case bool() | str() | int():
            return json.dumps(value)
        case float():
            return str(value)
        case list():
            return f"[{', '.join(map(toml, value))}]"
        case _:
            inner = ", ".join(f"{json.dumps(key)} = {toml(one)}" for key, one in value.items())
            return f"{{{inner}}}"


@pytest.mark.parametrize("key", BY_KEY)
def test_each_setting_with_each_bad_value(key: str) -> None:
    """It is valid, or refused in a line of a length that a person reads."""
    section, _, name = key.partition(".")
    for value in BAD:
        files.configuration(f"[{section}]\n{name} = {toml(value)}\n".encode())
        files.configuration(f"{section} = {toml(value)}\n".encode())
        files.configuration(f"[{section}]\n{toml(str(value))} = 1\n".encode())


@pytest.mark.parametrize("part", [*HEADER, *range(len(ROW))], ids=str)
def test_each_part_of_the_state_file_with_each_bad_value(part: str | int) -> None:
    """All of it is read, or none and it is set aside."""
    for value in BAD:
        header, row = {**HEADER}, [*ROW]
        if isinstance(part, str):
            header[part] = value
        else:
            row[part] = value
        files.state("\n".join(map(json.dumps, (header, ROW, row))).encode())
    shorter = [one for index, one in enumerate(ROW) if index != part]
    header = {name: value for name, value in HEADER.items() if name != part}
    files.state("\n".join(map(json.dumps, (header, ROW, shorter))).encode())


def test_a_state_file_with_a_bad_target_is_told_once(staged: Stage) -> None:
    """The daemon starts without it: what was well is poked as soon as the API server says it."""
    folder = staged.cluster.folder / f"state-{staged.here.name}"
    staged.survived()
    row = [*ROW]
    row[2] = "\ud800\x1b[2J"
    saved = folder / "targets.json"
    saved.write_text("\n".join(map(json.dumps, (HEADER, ROW, row))) + "\n")
    with daemon_under_a_journal(staged.cluster, staged.here) as daemon:
        entry = daemon.wait_entry(EventKind.STATE_SET_ASIDE)
        check_line(entry["MESSAGE"])
        daemon.settle(r".*20 targets: 20 up, 0 down.* API: watching")
        assert kinds(daemon.finish()) == []
    assert json.loads(saved.read_text().partition("\n")[0])["targets"] == 20
    assert (folder / "targets.damaged").exists()


def test_a_configuration_that_is_endless_is_refused(tmp_path: Path) -> None:
    """And is not read to its end, which it may not have."""
    files.configuration(b"# " + b"x" * 3_000_000)
