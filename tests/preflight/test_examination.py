"""The whole examination, in this process: documents, other times, checks that raise."""

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from pokepodsd.edge.clock import wall_ns
from pokepodsd.preflight.examination import examine
from pokepodsd.preflight.finding import Finding, Level, Place, Topic
from pokepodsd.preflight.sequence import Sequence
from pokepodsd.preflight.world import World
from tests.cli.conftest import COMMAND
from tests.preflight.printed import run_on_terminal

SCHEMA = Path(__file__).resolve().parents[2] / "packaging" / "schema" / "check-1.json"
HOUR_NS = 3600 * 10**9
SECRET = "a-secret-that-nobody-may-see"


def found(world: World) -> dict[str, Finding]:
    return {one.check: one for one in examine(world)}


def test_the_document_is_as_its_schema_says(world: World, tmp_path: Path) -> None:
    """With faults and without: valid by the schema that is shipped, which allows nothing else."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    for text in ("", "[poke]\nfail_after = 0\n", "this is no TOML"):
        world.config_path.write_text(text)
        words = ["--config", str(world.config_path), "check", "-o", "json"]
        done = subprocess.run(
            [*COMMAND, *words], capture_output=True, text=True, timeout=60, check=False
        )
        told = json.loads(done.stdout)
        jsonschema.Draft202012Validator(schema).validate(told)
        assert done.stderr == ""
        assert done.returncode == (1 if told["has_failed"] else 0)
        assert sum(told["counts"].values()) == len(told["findings"])


def described(schema: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Every property of the schema, by its path."""
    if isinstance(schema, dict):
        for name, value in schema.get("properties", {}).items():
            if "description" in schema:
                yield f"{path}/{name}", value
        for name, value in schema.items():
            yield from described(value, f"{path}/{name}")


def test_every_member_of_the_document_is_described() -> None:
    """The schema says what each means, and objects are closed."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    for path, value in described(schema):
        assert isinstance(value, dict), path
        assert value.get("description"), path
        if value.get("type") == "object":
            assert value["additionalProperties"] is False, path


@pytest.mark.parametrize(("shift_ns", "word"), [(HOUR_NS, "ahead of"), (-HOUR_NS, "behind")])
def test_a_clock_that_differs_from_the_servers_is_told(
    world: World, shift_ns: int, word: str
) -> None:
    """By the Date header of its answer, with the command that has the clock set."""
    shifted = found(replace(world, wall_ns=lambda: wall_ns() + shift_ns))
    clock = shifted["api-clock"]
    assert (clock.level, word in clock.text) == (Level.WARNING, True)
    assert clock.remedy is not None
    assert clock.remedy.command == "timedatectl set-ntp true"
    assert found(world)["api-clock"].level is Level.OK


def test_a_clock_in_the_past_fails(world: World) -> None:
    """It is no clock at all, and what it says of certificates is told as its fault."""
    past = found(replace(world, wall_ns=lambda: 10**9))
    assert (past["clock"].level, "1970-01-01" in past["clock"].text) == (Level.FAILED, True)
    certificate = past["client-certificate"]
    assert (certificate.level, "clock is behind" in certificate.text) == (Level.FAILED, True)
    assert past["api-answer"].text == "because client certificate failed"


@pytest.mark.parametrize("key", ["kubernetes.kubeconfig", "poke.socket", "tunnels.devices"])
def test_what_goes_by_a_wrong_setting_is_left_out(world: World, key: str) -> None:
    """And only that; the others go on with what is right."""
    section, _, name = key.partition(".")
    world.config_path.write_text(f"[{section}]\n{name} = 5\n")
    told = found(replace(world, overrides={}))
    by_key = {
        "kubernetes.kubeconfig": "kubeconfig",
        "poke.socket": "icmp-sockets",
        "tunnels.devices": "tunnel-devices",
    }
    because = f"because setting {key} failed"
    left_out = {check for check in by_key.values() if told[check].text == because}
    assert left_out == {by_key[key]}
    assert told[f"configuration.{key}"].level is Level.FAILED


def test_an_unreadable_configuration_leaves_out_what_goes_by_it(world: World) -> None:
    """What is not TOML says nothing of any setting."""
    world.config_path.write_text("interval: 5\nscope: all\n")
    told = found(world)
    assert told["configuration"].level is Level.FAILED
    for check in ("state-directory", "kubeconfig", "icmp-sockets", "tunnel-devices", "conntrack"):
        assert told[check].text == "because configuration failed"
    assert told["clock"].level in {Level.OK, Level.WARNING}


def _raise_at_once() -> Iterator[Finding]:
    raise KeyError(SECRET)


def _raise_late() -> Iterator[Finding]:
    yield Topic(check="a", name="a").ok("fine")
    raise RuntimeError(SECRET)


@pytest.mark.parametrize("check", [_raise_at_once, _raise_late])
def test_a_check_that_raises_is_a_failed_finding(check: Callable[[], Iterator[Finding]]) -> None:
    """With the kind of the exception and its place, without its text; others go on."""
    topic, sequence = Topic(check="a", name="a"), Sequence()
    finding = list(sequence.step(topic, check))[-1]
    assert finding.level is Level.FAILED
    assert "test_examination.py:" in finding.text
    assert SECRET not in finding.text
    assert finding.remedy is not None
    assert finding.remedy.place is Place.ELSEWHERE
    other = Topic(check="b", name="b")
    (left_out,) = sequence.step(other, lambda: [other.ok("fine")], needs=("a",))
    assert (left_out.level, left_out.text) == (Level.SKIPPED, "because a failed")
    (gone_on,) = sequence.step(other, lambda: [other.ok("fine")])
    assert gone_on.level is Level.OK


def test_a_chain_is_left_out_because_of_its_first_link() -> None:
    """Not because of another that was left out itself."""
    sequence = Sequence()
    first, second, third = (Topic(check=name, name=name) for name in "abc")
    list(sequence.step(first, lambda: [first.failed("broken", "true")]))
    list(sequence.step(second, list, needs=("a",)))
    (finding,) = sequence.step(third, list, needs=("b",))
    assert finding.text == "because a failed"


def test_the_help_fits_a_page(tmp_path: Path) -> None:
    """80 columns and 50 lines, with examples."""
    page = run_on_terminal([*COMMAND, "check", "--help"])
    lines = page.text.splitlines()
    assert page.status == 0
    assert len(lines) <= 50
    assert max(map(len, lines)) <= 80
    assert "Examples:" in page.text
