"""Checks that an exec plugin is bounded, told what it needs, and that nothing of it stays."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from pokepodsd.edge.child import Child
from pokepodsd.edge.kubeconfig import Kubeconfig
from pokepodsd.errors import CredentialsError, PluginFailedError
from tests.apiserver.client import ApiServer as ClusterServer
from tests.apiserver.kubeconfig import write_exec_kubeconfig
from tests.edge.support import printed

SECRET = "eyJhbGciOi-SECRET"
# It says where it runs, and stays: in its own group, and out of it, with the output open or not.
STAYS = """
echo $$ >>"$here/pids"
sleep 1000 & echo $! >>"$here/pids"
setsid sh -c 'echo $$ >>"$0/pids"; sleep 1000 >/dev/null 2>&1 & echo $! >>"$0/pids"; wait' "$here" &
(setsid sleep 1000 >/dev/null & echo $! >>"$here/pids")
while [ "$(wc -l <"$here/pids")" -lt 5 ]; do sleep 0.01; done
touch "$here/ready"
"""
PIDS = 5


@pytest.fixture
def path(server: ClusterServer, tmp_path: Path) -> Path:
    return write_exec_kubeconfig(server.authority, tmp_path / "files", server.url, "node-a", SECRET)


def say(path: Path, script: str) -> None:
    """What the plugin does."""
    plugin = path.with_name("credential-plugin.sh")
    plugin.write_text(f'#!/bin/sh\nhere=$(dirname "$0")\n{script}\n')


def load(path: Path, scratch: Path, seconds: float = 20.0) -> dict[str, str]:
    return dict(Kubeconfig(path, scratch=scratch, plugin_seconds=seconds).load().api_key)


def failure(path: Path, scratch: Path, seconds: float = 20.0) -> str:
    """What is told of a plugin that gave nothing; no secret, one line."""
    with pytest.raises(PluginFailedError) as caught:
        load(path, scratch, seconds)
    assert SECRET not in printed(caught.value)
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    begin = f"{path}: the exec plugin ./credential-plugin.sh gave no credentials: "
    assert text.startswith(begin)
    return text.removeprefix(begin).removesuffix("; run it by hand to see why")


def credential(**status: object) -> str:
    version = "client.authentication.k8s.io/v1"
    document = {"apiVersion": version, "kind": "ExecCredential", "status": status}
    return f"cat <<'END'\n{json.dumps(document)}\nEND"


FAILURES = {
    "fails": (f"echo {SECRET}; echo {SECRET} >&2; exit 3", "it ended with status 3"),
    "is killed": ("kill -KILL $$", "it was ended by SIGKILL"),
    "rubbish": ("head -c 2000 /dev/urandom", "what it says is not JSON"),
    "half a credential": (f'cut -c 1-60 "$here/credential.json" # {SECRET}', "is not JSON"),
    "nested without end": ("head -c 900000 /dev/zero | tr '\\0' '['", "what it says is not JSON"),
    "megabytes": (f"yes {SECRET} | head -c 20000000", "it says more than 1024 kB"),
    "no end": (f"yes {SECRET}", "it says more than 1024 kB"),
    "no end on stderr": (f"yes {SECRET} >&2", "it did not end within 2 s"),
    "a byte at a time": ("while :; do printf x; sleep 0.1; done", "it did not end within 2 s"),
    "a list": ("echo []", "no ExecCredential"),
    "no token": (credential(), "neither a token nor a certificate"),
    "an empty token": (credential(token=""), "neither a token nor a certificate"),
    "a number": (credential(token=5), "its credential is no text"),
    "a certificate alone": (credential(clientCertificateData=SECRET), "neither a token nor"),
    "a key alone": (credential(token="t", clientKeyData=SECRET), "neither a token nor"),
    "no time": (credential(token=SECRET, expirationTimestamp=SECRET), "is no time"),
}


@pytest.mark.parametrize(("script", "told"), FAILURES.values(), ids=FAILURES.keys())
def test_a_plugin_that_gives_nothing(path: Path, scratch: Path, script: str, told: str) -> None:
    """Each is one line that says why, and nothing of what was said."""
    say(path, script)
    assert told in failure(path, scratch, 2.0)


@pytest.mark.parametrize(
    "beside", ['token: ""', 'tokenFile: ""', "auth-provider: {name: azure}", "auth-provider: {}"]
)
def test_a_plugin_beside_what_is_empty(path: Path, scratch: Path, beside: str) -> None:
    """What says nothing goes before no plugin, and no plugin runs without bounds for its sake."""
    path.write_text(path.read_text().replace("exec:", f"{beside}\n    exec:", 1))
    assert beside in path.read_text()
    assert SECRET in str(load(path, scratch))
    say(path, "sleep 1000")
    assert "did not end within 0.5 s" in failure(path, scratch, 0.5)


def test_a_plugin_beside_a_token(path: Path, scratch: Path) -> None:
    """The token goes first, and the plugin is not run, also where a token file is empty."""
    ran = path.with_name("ran")
    say(path, f"touch {ran}")
    plain = path.read_text()
    path.write_text(plain.replace("exec:", "token: first\n    exec:", 1))
    assert "first" in str(load(path, scratch))
    empty = path.with_name("empty")
    empty.touch()
    path.write_text(plain.replace("exec:", f"tokenFile: {empty}\n    exec:", 1))
    assert load(path, scratch) == {}
    assert not ran.exists()


def test_a_credential_with_a_newline(path: Path, scratch: Path) -> None:
    """No header may hold it: refused without being quoted."""
    say(path, credential(token=f"{SECRET}\r\n{SECRET}"))
    with pytest.raises(CredentialsError, match="not one line of ASCII") as caught:
        load(path, scratch)
    assert SECRET not in printed(caught.value)


@pytest.mark.parametrize("how", ["", "#!/no/such/interpreter"])
def test_a_plugin_that_is_gone(path: Path, scratch: Path, how: str) -> None:
    """It is said which; once it is back, it is used."""
    plugin = path.with_name("credential-plugin.sh")
    well = plugin.read_text()
    plugin.unlink()
    if how:
        plugin.write_text(how)
        plugin.chmod(0o755)
    assert failure(path, scratch) == "it cannot be started: No such file or directory"
    plugin.write_text(well)
    plugin.chmod(0o755)
    assert load(path, scratch)


def test_a_name_that_nothing_in_the_path_has(path: Path, scratch: Path) -> None:
    """A cloud's program that was not installed is named."""
    path.write_text(path.read_text().replace("./credential-plugin.sh", "no-such-cloud"))
    with pytest.raises(PluginFailedError, match=r"no-such-cloud gave .* no such program in PATH"):
        load(path, scratch)


def test_what_it_is_told(path: Path, scratch: Path, server: ClusterServer) -> None:
    """Its arguments and variables, the cluster where it is wanted, and no terminal."""
    plugin = (
        'printf "%s\\n" "$KUBERNETES_EXEC_INFO" "$MORE" "$@" >"$here/told"; [ ! -t 0 ] && cat -'
    )
    say(path, f'{plugin} "$here/credential.json"')
    more = "args: [one two, '3']\n      env: [{name: MORE, value: some}]\n      "
    wanted = "provideClusterInfo: true\n      interactiveMode"
    path.write_text(path.read_text().replace("interactiveMode", more + wanted))
    assert load(path, scratch)
    info, *rest = path.with_name("told").read_text().splitlines()
    assert rest == ["some", "one two", "3"]
    spec = json.loads(info)["spec"]
    assert spec["interactive"] is False
    assert spec["cluster"]["server"] == server.url
    assert "certificate-authority-data" in spec["cluster"]


_BOMB = ", ".join(f"&l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 8))


@pytest.mark.parametrize(
    ("extension", "reason"),
    [
        ("{2020-01-01: one}", "has what cannot be told to it"),
        ("&a [*a]", "an alias makes it endless, or too large"),
        (f"[&l0 [one], {_BOMB}, *l7]", "an alias makes it endless, or too large"),
    ],
)
def test_what_it_cannot_be_told(path: Path, scratch: Path, extension: str, reason: str) -> None:
    """Valid YAML that no JSON can say, or that would be endless where it is written out."""
    document = yaml.safe_load(path.read_text())
    document["users"][0]["user"]["exec"]["provideClusterInfo"] = True
    extensions = f"[{{name: client.authentication.k8s.io/exec, extension: {extension}}}]"
    document["clusters"][0]["cluster"]["extensions"] = "EXTENSIONS"
    path.write_text(yaml.safe_dump(document).replace("EXTENSIONS", extensions))
    say(path, 'cat "$here/credential.json"')
    with pytest.raises(CredentialsError, match=reason) as caught:
        load(path, scratch)
    assert str(path) in str(caught.value)


def wait_ended(path: Path) -> None:
    """Wait until none of what the plugin started is left."""
    pids = [int(line) for line in path.with_name("pids").read_text().split()]
    assert len(pids) == PIDS
    deadline = time.monotonic() + 20
    while left := [pid for pid in pids if is_alive(pid)]:
        assert time.monotonic() < deadline, f"{left} are left"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether there is such a process, but a zombie that nobody waits for."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.parametrize("end", ["exit 3", "wait", 'cat "$here/credential.json"'])
def test_nothing_stays_of_a_plugin(path: Path, scratch: Path, end: str) -> None:
    """Whether it fails, hangs or is well: what it started ends with it, in any session.

    One that leaves its output open to what it started is not waited for.
    """
    others = subprocess.Popen(["sleep", "1000"])
    say(path, STAYS + end)
    began = time.monotonic()
    if end.startswith("cat"):
        assert load(path, scratch, 60.0)
        assert time.monotonic() - began < 50
    else:
        failure(path, scratch, 60.0 if end.startswith("exit") else 3.0)
    wait_ended(path)
    assert others.poll() is None
    others.kill()
    others.wait()


def test_nothing_stays_when_the_process_is_ended(path: Path, scratch: Path) -> None:
    """The daemon ends the process that reads the API, whatever that is in the middle of."""
    say(path, STAYS + "wait")

    def body(channel: socket.socket) -> None:
        load(path, scratch, 1000.0)
        channel.close()

    child = Child(body)
    wait_ready(path)
    assert child.kill() == "killed by SIGKILL"
    wait_ended(path)


def test_the_plugin_does_not_survive_a_killed_process(path: Path, scratch: Path) -> None:
    """Out of memory, say: nobody is left to end it, so the kernel does."""
    say(path, STAYS + "wait")
    program = f"""
from pathlib import Path
from pokepodsd.edge.kubeconfig import Kubeconfig
Kubeconfig(Path({str(path)!r}), scratch=Path({str(scratch)!r}), plugin_seconds=1000).load()
"""
    process = subprocess.Popen([sys.executable, "-c", program])
    wait_ready(path)
    plugin, *others = [int(line) for line in path.with_name("pids").read_text().split()]
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while is_alive(plugin):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    for pid in others:
        os.kill(pid, signal.SIGKILL)


def wait_ready(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.with_name("ready").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_inline_keys_do_not_pile_up(path: Path, scratch: Path) -> None:
    """A plugin that gives a new key every hour leaves one pair of files, not a year's."""
    for number in range(3):
        say(path, credential(clientCertificateData=f"c{number}", clientKeyData=f"k{number}"))
        configuration = Kubeconfig(path, scratch=scratch).load()
    kept = {Path(configuration.cert_file), Path(configuration.key_file)}
    assert {*scratch.iterdir()} == {*kept, Path(configuration.ssl_ca_cert)}
    assert Path(configuration.key_file).read_text() == "k2"
