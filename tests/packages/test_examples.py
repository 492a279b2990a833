"""The examples that are installed: what they are for would take them."""

import json
import os
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from pokepodsd.core.config import validate
from tests.packages import cloudinit
from tests.packages.sources import ROOT

EXAMPLES = ROOT / "packaging" / "examples"
PLAY = EXAMPLES / "ansible" / "pokepodsd.yaml"
USER_DATA = EXAMPLES / "cloud-init" / "pokepodsd.yaml"


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment in which ansible keeps nothing on this host."""
    return {**os.environ, "HOME": str(tmp_path), "ANSIBLE_LOCAL_TEMP": str(tmp_path / "ansible")}


def run(*command: str | Path, environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def task(name: str) -> dict[str, Any]:
    (play,) = yaml.safe_load(PLAY.read_text(encoding="utf-8"))
    (found,) = (one for one in play["tasks"] if one["name"] == name)
    return {**found, "settings": play["vars"]["pokepodsd_settings"]}


def test_ansible_takes_the_play(home: dict[str, str], tmp_path: Path) -> None:
    """`ansible-playbook --syntax-check`, with nothing but ansible-core, and without a warning."""
    inventory = tmp_path / "inventory"
    inventory.write_text("[kubernetes_nodes]\nnode-a\nnode-b\n", encoding="utf-8")
    command = ("ansible-playbook", "-i", inventory, PLAY)
    said = run(*command, "--syntax-check", environment=home)
    assert "WARNING" not in said
    assert "Enable and start it" in run(*command, "--list-tasks", environment=home)


def test_the_settings_of_the_play_are_valid(home: dict[str, str], tmp_path: Path) -> None:
    """What its template makes is a configuration, with the values that the play has."""
    found = task("Write the settings")
    settings = {**found["settings"], "kubernetes": {"exclude_namespaces": ["a", "b"]}}
    settings["poke"] = {"max_rate": 100, "interval": "10s"}
    made = tmp_path / "pokepodsd.toml"
    arguments = {"content": found["ansible.builtin.copy"]["content"], "dest": str(made)}
    command = ("ansible", "localhost", "-c", "local", "-m", "ansible.builtin.copy")
    variables = json.dumps({"pokepodsd_settings": settings})
    run(*command, "-e", variables, "-a", json.dumps(arguments), environment=home)
    raw = tomllib.loads(made.read_text(encoding="utf-8"))
    assert raw == settings
    validate(raw, source=str(made))


def test_cloud_init_takes_the_user_data() -> None:
    """It fits the schema of Debian's cloud-init, and the settings in it are valid."""
    text = USER_DATA.read_text(encoding="utf-8")
    assert text.startswith("#cloud-config\n")
    data = yaml.safe_load(text)
    judge = jsonschema.Draft4Validator(cloudinit.schema())
    assert [str(error) for error in judge.iter_errors(data)] == []
    # The judge is awake.
    assert list(judge.iter_errors({**data, "runcmd": 5}))
    files = {one["path"]: one["content"] for one in data["write_files"]}
    validate(tomllib.loads(files["/etc/pokepodsd.toml"]), source="the user data")


def test_the_commands_of_the_user_data_are_shell() -> None:
    """cloud-init hands each line to sh, which understands it."""
    for line in yaml.safe_load(USER_DATA.read_text(encoding="utf-8"))["runcmd"]:
        done = subprocess.run(["sh", "-n", "-c", line], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
