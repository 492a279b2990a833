"""What these credentials may see: refusals, grants, revocations, and older servers."""

from collections.abc import Callable

from pokepodsd.core.model import Scope
from pokepodsd.core.records import Lost, PodsListed, Refused, Watching
from tests.apiserver.client import ApiServer
from tests.discovery.conftest import NODE, pod
from tests.discovery.follower import Follower

FollowerStart = Callable[..., Follower]


def make_two_pods(api: ApiServer) -> None:
    api.control.make_pods([pod("own", 1, NODE), pod("other", 2)])


def test_a_node_without_a_grant_follows_its_own_pods(api: ApiServer, follow: FollowerStart) -> None:
    """403 for the cluster: the node's own pods, with changes as they happen."""
    api.control.change_settings(node_selectors=True)
    make_two_pods(api)
    follower = follow()
    follower.wait_names("own")
    refusal = next(one for one in follower.records if isinstance(one, Refused))
    assert "can only list/watch pods with spec.nodeName field selector" in refusal.message
    api.control.make_pod(**pod("own-too", 3, NODE))
    follower.wait_names("own", "own-too")


def test_a_grant_is_noticed_while_running(api: ApiServer, follow: FollowerStart) -> None:
    """The right is given: all pods follow, without a restart."""
    api.control.change_settings(node_selectors=True)
    make_two_pods(api)
    follower = follow()
    follower.wait_names("own")
    api.admin.grant()
    follower.wait_names("own", "other")
    follower.wait_for(lambda: Watching(scope=Scope.CLUSTER) in follower.records)


def test_asking_for_a_grant_costs_no_list_of_the_own_pods(
    api: ApiServer, follow: FollowerStart
) -> None:
    """The watch of the own pods goes on from where it was after each refused question."""
    api.control.change_settings(node_selectors=True)
    make_two_pods(api)
    follower = follow()
    follower.wait_for(lambda: follower.count(Refused) >= 3)
    own = [one for one in api.control.requests() if "spec.nodeName%3Dnode-a" in one.path]
    full = [one for one in own if one.kind == "list" or "sendInitialEvents" in one.path]
    assert len(full) == 1


def test_a_revoked_grant_narrows_to_the_own_pods(api: ApiServer, follow: FollowerStart) -> None:
    """The right is taken: asked for again a few times, then only the node's own pods are left."""
    api.control.change_settings(node_selectors=True)
    make_two_pods(api)
    api.admin.grant()
    follower = follow()
    follower.wait_names("own", "other")
    api.admin.revoke()
    api.control.break_watches()
    follower.wait_names("own")
    assert follower.count(Refused) >= 1
    assert follower.count(Lost) >= 2


def test_an_api_server_that_restarts_refuses_for_a_moment(
    api: ApiServer, follow: FollowerStart
) -> None:
    """403 while the server still reads its RBAC rules: no target is withdrawn for it."""
    api.control.change_settings(node_selectors=True)
    make_two_pods(api)
    api.admin.grant()
    follower = follow()
    follower.wait_names("own", "other")
    api.control.add_fault("status", "any", 2, code=403)
    api.control.break_watches()
    follower.wait_watching(2)
    assert follower.names == {"own", "other"}
    assert follower.count(Refused) == 0


def test_a_server_that_does_not_know_host_network_as_a_field(
    api: ApiServer, follow: FollowerStart
) -> None:
    """Before Kubernetes 1.28: asked again without that field, and filtered here."""
    api.control.change_settings(host_network_field=False)
    make_two_pods(api)
    api.control.make_pod(**pod("host", 9, host_network=True))
    follower = follow()
    follower.wait_names("own", "other")
    assert follower.count(Lost) == 0


def test_the_server_leaves_out_what_no_setting_asks_for(
    api: ApiServer, follow: FollowerStart
) -> None:
    """Finished, host-network and excluded pods do not come over the wire at all."""
    make_two_pods(api)
    api.control.make_pods(
        [
            pod("done", 5, phase="Succeeded"),
            pod("host", 6, host_network=True),
            pod("dns", 7, namespace="kube-system"),
        ]
    )
    follower = follow()
    follower.wait_names("own", "other")
    follower.wait_watching()
    lists = [one for one in follower.records if isinstance(one, PodsListed)]
    assert {one.name for part in lists for one in part.pods} == {"own", "other"}


def test_a_label_selector_is_the_servers_work(api: ApiServer, follow: FollowerStart) -> None:
    """Only what matches; a pod that stops matching is withdrawn."""
    api.control.make_pods([pod("web", 1, labels={"app": "web"}), pod("db", 2)])
    follower = follow(label_selector="app=web")
    follower.wait_names("web")
    api.control.patch_pod("shop", "web", {"metadata": {"labels": {"app": "old"}}})
    follower.wait_names()


def test_a_bad_label_selector_is_said(api: ApiServer, follow: FollowerStart) -> None:
    """400: the reason names what the server said, and the setting to look at."""
    follower = follow(label_selector="app in (")
    follower.wait_for(lambda: follower.count(Lost) >= 1)
    lost = next(one for one in follower.records if isinstance(one, Lost))
    assert "HTTP 400" in lost.reason
    assert "kubernetes.label_selector" in lost.reason
