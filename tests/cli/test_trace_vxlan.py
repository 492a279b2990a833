"""`pokepodsd trace` where the tunnels are VXLAN: what differs from IP-in-IP."""

from pathlib import Path

from tests.cli.tracer import tracer
from tests.cluster import Cluster
from tests.lab import Encapsulation, TunnelFilter


def test_a_broken_vxlan_is_promised_no_repair(tmp_path: Path) -> None:
    """The UDP port to allow, that pokes cannot open it, and nothing of protocol 4."""
    with Cluster(tmp_path, nodes=2, tunnels=Encapsulation.VXLAN) as cluster:
        here, there = cluster.lab.nodes
        trace = tracer(cluster, here)
        assert trace.run("--count", "2", there.address).returncode == 0
        there.tunnel.set_filter(TunnelFilter.CLOSED)
        done = trace.run("--count", "2", there.pod_address(3))
    assert done.returncode == 1
    assert f"vxlan.calico (vxlan) via {there.tunnel.address}" in done.stdout
    assert "verdict         tunnel broken" in done.stdout
    assert "allow VXLAN's UDP port" in done.stdout
    assert "they cannot open it" in done.stdout
    assert "protocol 4" not in done.stdout
