"""A node that boots while the API server is dead: its tunnels are opened all the same."""

from tests.cluster import Cluster
from tests.daemon.wire import SECOND_NS, wait_request_to
from tests.lab import EchoCapture
from tests.system import package
from tests.system.box import Box
from tests.system.package import UNIT, pods

POKE_SECONDS = 3.0


def test_it_pokes_soon_after_the_boot_with_a_dead_api_server(box: Box, cluster: Cluster) -> None:
    """From the start of the box to the last known targets on the wire, each of them."""
    box.run("systemctl", "enable", UNIT)
    package.start(box)
    cluster.api.kill()
    with EchoCapture(box.node, wrapped=True) as capture:
        box.reboot()
        for pod in pods(cluster):
            poke = wait_request_to(capture, pod, since_ns=box.boot_ns)
            assert poke.monotonic_ns - box.boot_ns < POKE_SECONDS * SECOND_NS
    box.wait_property(UNIT, "ActiveState", "active")
