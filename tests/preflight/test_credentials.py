"""Certificates near their end, and accounts with few rights."""

import datetime
import os
import pwd
from dataclasses import replace
from pathlib import Path

import pytest

from pokepodsd.preflight.examination import examine
from pokepodsd.preflight.finding import Finding, Level, Place
from pokepodsd.preflight.unit import Unit
from pokepodsd.preflight.world import World
from tests.apiserver.client import ApiServer
from tests.apiserver.kubeconfig import rotate, write_exec_kubeconfig, write_token_kubeconfig

YEAR = datetime.timedelta(days=365)
DAY = datetime.timedelta(days=1)
ACCOUNT = "system:serviceaccount:kube-system:pokepodsd"


def found(world: World) -> dict[str, Finding]:
    return {one.check: one for one in examine(world)}


@pytest.mark.parametrize(
    ("left", "level"),
    [(100 * DAY, Level.OK), (5 * DAY, Level.WARNING), (-1 * DAY, Level.FAILED)],
)
def test_a_certificate_that_was_not_renewed_is_told_before_it_expires(
    world: World, api_server: ApiServer, tmp_path: Path, left: datetime.timedelta, level: Level
) -> None:
    """A kubelet renews with a tenth of the life left; a twentieth means that it does not."""
    end = datetime.datetime.now(datetime.UTC) + left
    issued = api_server.authority.issue(
        "system:node:node-a", ["system:nodes"], not_before=end - YEAR, not_after=end
    )
    rotate(api_server.authority, tmp_path / "kubelet", "node-a", issued)
    certificate = found(world)["client-certificate"]
    assert certificate.level is level
    assert f"{end:%Y-%m-%d %H:%M} UTC" in certificate.text
    if level is not Level.OK:
        assert certificate.remedy is not None
        assert certificate.remedy.command == "systemctl restart kubelet"


def test_an_account_with_no_right_is_told_how_to_get_them(
    world: World, api_server: ApiServer, tmp_path: Path
) -> None:
    """By the manifest for an account, as these are no kubelet's credentials; tunnels need none."""
    api_server.control.set_token("a-token-of-an-account", ACCOUNT, ["system:serviceaccounts"])
    url = api_server.url
    path = write_token_kubeconfig(api_server.authority, tmp_path, url, "a-token-of-an-account")
    told = found(replace(world, overrides={"kubernetes": {"kubeconfig": str(path)}}))
    assert told["client-certificate"].text.endswith("these credentials are a token")
    for check in ("right-all-pods", "right-own-pods"):
        assert told[check].level is Level.WARNING
        remedy = told[check].remedy
        assert remedy is not None
        assert remedy.command == "pokepodsd rbac --for serviceaccount | kubectl apply -f -"
        assert remedy.place is Place.CLUSTER
    assert told["right-nodes"].level is Level.OK
    assert not [one for one in told.values() if "a-token" in one.text]


def test_a_kubelet_since_1_32_has_its_own_pods(world: World) -> None:
    """The right to all pods is missing, and that is a warning alone."""
    told = found(world)
    assert told["right-all-pods"].level is Level.WARNING
    assert told["right-own-pods"].level is Level.OK
    assert not [
        check for check in told if check.startswith(("api", "right")) and _failed(told[check])
    ]


def test_a_plugin_that_fails_is_shown_with_its_command(
    world: World, api_server: ApiServer, tmp_path: Path
) -> None:
    """Why it gave nothing, without what it said; the command shows how the kubeconfig calls it."""
    path = write_exec_kubeconfig(api_server.authority, tmp_path / "k", api_server.url, "node-a")
    plugin = path.with_name("credential-plugin.sh")
    plugin.write_text("#!/bin/sh\necho a-secret; exit 4\n")
    told = found(replace(world, overrides={"kubernetes": {"kubeconfig": str(path)}}))
    finding = told["kubeconfig"]
    assert _failed(finding)
    assert "credential-plugin.sh gave no credentials: it ended with status 4" in finding.text
    assert "a-secret" not in finding.text
    assert finding.remedy is not None
    assert finding.remedy.command.startswith("grep -A9 exec: ")
    plugin.chmod(0o777)
    told = found(replace(world, overrides={"kubernetes": {"kubeconfig": str(path)}}))
    remedy = told["kubeconfig"].remedy
    assert remedy is not None
    assert remedy.command == f"chmod go-w {plugin}"


@pytest.mark.root
def test_credentials_that_belong_to_the_units_user(
    world: World, api_server: ApiServer, tmp_path: Path
) -> None:
    """They are the daemon's own, whoever runs the check; those of another user are nobody's."""
    path = api_server.kubeconfig("node-a", tmp_path / "kubelet")
    os.chown(path, pwd.getpwnam("daemon").pw_uid, -1)
    assert _failed(found(world)["kubeconfig"])
    unit = Unit({"User": "daemon"})
    assert not _failed(found(replace(world, unit=unit))["kubeconfig"])


def _failed(finding: Finding) -> bool:
    return finding.level is Level.FAILED
