"""What the benchmark of routes takes for an import that a node without an API has no use for."""

from tests.bench.routes import unwanted

LOG = """
import time:       100 |        200 |   pokepodsd.edge.kubeconfig
import time:       100 |        200 |   kubernetes
import time:       100 |        200 |       kubernetes.client.api_client
import time:       100 |        200 | asyncio.events
import time:       100 |        200 |   pyroute2.netlink
import time:       100 |        200 |   pyroute2.ndb.main
12:00:00.000 info: kubernetes | ssl
"""


def test_modules_are_told_by_their_whole_names() -> None:
    """What only sounds alike is none, nor is an entry of the journal."""
    found = ["kubernetes", "kubernetes.client.api_client", "asyncio.events", "pyroute2.ndb.main"]
    assert unwanted(LOG.splitlines()) == found
