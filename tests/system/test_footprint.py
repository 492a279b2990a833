"""What pokepodsd costs a node: disk and memory."""

import re
from pathlib import Path

from tests.cluster import Cluster
from tests.system import package
from tests.system.box import Box
from tests.system.package import UNIT

MEGABYTE = 1_000_000
PODS = 1_000


def proportional_bytes(box: Box, pid: int) -> int:
    found = re.search(r"^Pss: +(\d+) kB$", box.sh(f"cat /proc/{pid}/smaps_rollup"), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def test_a_thousand_pods_fit_into_the_memory(box: Box, cluster: Cluster) -> None:
    """Both processes together, after the first list of 1,000 pods: under 80 MB.

    As proportional set size (proc(5), smaps_rollup): pages that are shared count once.
    """
    other = cluster.lab.nodes[1]
    cluster.api.control.make_pods(
        {
            "name": f"many-{number}",
            "namespace": "shop",
            "node": other.name,
            # Nobody answers there; what is kept of each pod is the same.
            "addresses": [f"10.245.{number // 250}.{number % 250 + 1}"],
            "host_address": other.address,
        }
        for number in range(PODS)
    )
    box.run("systemctl", "start", UNIT)
    wanted = re.compile(f"{PODS + 6} targets: .*API: watching")
    box.wait_until(lambda: wanted.search(package.status(box)) is not None, 60.0)
    daemon = package.main_pid(box)
    reader = int(box.sh(f"cat /proc/{daemon}/task/{daemon}/children"))
    used = proportional_bytes(box, daemon) + proportional_bytes(box, reader)
    assert used < 80 * MEGABYTE, used


def test_it_takes_little_disk(box: Box) -> None:
    """All files of the package, with the byte-code that is made of them: under 45 MB."""
    listed = [Path(line) for line in box.run("dpkg", "--listfiles", "pokepodsd").stdout.split("\n")]
    files = {one for one in listed if box.path(str(one)).is_file()}
    size = sum(box.path(str(one)).stat().st_size for one in files)
    lib = box.path("/usr/share/pokepodsd/lib")
    compiled = sum(one.stat().st_size for one in lib.rglob("*.pyc"))
    assert compiled > MEGABYTE
    assert size + compiled < 45 * MEGABYTE
