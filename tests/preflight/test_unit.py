"""What the unit's properties mean: what it sees, what it may write, which settings it is given."""

from pathlib import Path

import pytest

from pokepodsd.preflight.unit import Unit

# As systemd 252 tells them of the shipped unit.
SHOWN = {
    "LoadState": "loaded",
    "DynamicUser": "yes",
    "AmbientCapabilities": "cap_dac_read_search cap_net_raw",
    "CapabilityBoundingSet": "cap_dac_read_search cap_net_raw",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "ProtectSystem": "strict",
    "TemporaryFileSystem": "/var:ro /run:ro",
    "InaccessiblePaths": "-/opt -/etc/kubernetes/pki -/etc/shadow",
    "BindReadOnlyPaths": "-/var/lib/kubelet/pki:/var/lib/kubelet/pki:rbind /run/systemd/notify",
    "StateDirectory": "pokepodsd",
    "RuntimeDirectory": "pokepodsd",
    "WatchdogUSec": "30s",
    "ExecStart": "{ path=/usr/bin/pokepodsd ; argv[]=/usr/bin/pokepodsd --poke-socket datagram "
    "--tunnels-devices tunl*,wg9 --poke-interval nonsense run ; ignore_errors=no ; pid=0 }",
}
UNIT = Unit(SHOWN)


@pytest.mark.parametrize(
    ("place", "is_seen"),
    [
        ("/etc/kubernetes/kubelet.conf", True),
        ("/etc/kubernetes/pki/ca.crt", False),
        ("/etc/shadow", False),
        ("/etc/shadow.d/a", True),
        ("/var/lib/kubelet/pki/kubelet-client-current.pem", True),
        ("/var/lib/kubelet/kubeconfig", False),
        ("/root/.kube/config", False),
        ("/opt/a", False),
        ("/tmp/a", False),
        ("/run/systemd/notify", True),
        ("/usr/bin/pokepodsd", True),
    ],
)
def test_what_it_sees(place: str, is_seen: bool) -> None:
    """The deepest of what is hidden and what is shown decides."""
    assert UNIT.sees(Path(place)) is is_seen


def test_what_it_writes() -> None:
    """Its own folders, and what it is given."""
    assert UNIT.writes(Path("/var/lib/pokepodsd"))
    assert not UNIT.writes(Path("/srv/state"))
    assert Unit({**SHOWN, "ReadWritePaths": "/srv/state"}).writes(Path("/srv/state/deeper"))


def test_its_rights() -> None:
    """A user that is not root needs them ambient and not bounded away."""
    assert UNIT.may("cap_net_raw")
    assert not Unit({**SHOWN, "AmbientCapabilities": ""}).may("cap_net_raw")
    assert not Unit({**SHOWN, "CapabilityBoundingSet": ""}).may("cap_net_raw")
    root = {**SHOWN, "AmbientCapabilities": "", "DynamicUser": "no"}
    assert Unit(root).may("cap_net_raw")


@pytest.mark.parametrize("text", ["0", "infinity", ""])
def test_without_a_watchdog(text: str) -> None:
    """Off is written in several ways."""
    assert UNIT.has_watchdog
    assert not Unit({**SHOWN, "WatchdogUSec": text}).has_watchdog


def test_the_settings_of_its_command_line() -> None:
    """As the command line reads them; one that is not valid is the service's own to tell."""
    assert UNIT.overrides() == {
        "poke": {"socket": "datagram"},
        "tunnels": {"devices": ("tunl*", "wg9")},
    }
    assert UNIT.config_path is None
    named = {"ExecStart": "{ argv[]=/usr/bin/pokepodsd --config /etc/a.toml run ; }"}
    assert Unit(named).config_path == Path("/etc/a.toml")
