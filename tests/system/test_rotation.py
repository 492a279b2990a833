"""The kubelet's certificate is rotated under the shipped unit, whose sandbox sees it by a bind."""

from tests.apiserver.kubeconfig import rotate
from tests.cluster import Cluster
from tests.system import package
from tests.system.box import Box
from tests.system.package import OURS, UNIT, WELL
from tests.system.site import KUBELET_ROOT


def test_a_rotated_certificate_is_used_without_a_restart(box: Box, cluster: Cluster) -> None:
    """A new dated file, and the link replaced by rename: the next watch shows the new one."""
    package.start(box)
    pid = package.main_pid(box)
    requests = cluster.api.control.requests()
    before = {request.serial for request in requests}
    rotate(cluster.api.authority, box.path(KUBELET_ROOT), box.node.name)
    watch = package.wait_renewed(cluster, requests)
    cluster.make_pods(cluster.lab.nodes[1], 1, first=4)
    box.wait_property(UNIT, "StatusText", WELL.replace("6", "7"))
    old = [r for r in cluster.api.control.requests() if r.serial in before]
    assert all(request.at_ns <= watch.at_ns for request in old)
    assert all(request.ended_ns is not None for request in old if request.kind == "watch")
    assert package.main_pid(box) == pid
    assert not [e["MESSAGE"] for e in box.journal(*OURS, "--priority", "warning")]
