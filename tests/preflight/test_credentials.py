"""Certificates near their end, and accounts with few rights."""

import datetime
from dataclasses import replace
from pathlib import Path

import pytest

from pokepodsd.preflight.examination import examine
from pokepodsd.preflight.finding import Finding, Level, Place
from pokepodsd.preflight.world import World
from tests.apiserver.client import ApiServer
from tests.apiserver.kubeconfig import rotate, write_token_kubeconfig

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


def _failed(finding: Finding) -> bool:
    return finding.level is Level.FAILED
