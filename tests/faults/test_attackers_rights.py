"""Which rights of root each process has, by what the kernel says of it."""

from pathlib import Path
from typing import Final

from tests.bench.accounting import family
from tests.cluster import Cluster
from tests.faults.stage import stage

NET_BIND_SERVICE, DAC_OVERRIDE, DAC_READ_SEARCH, NET_RAW = 1 << 10, 1 << 1, 1 << 2, 1 << 13
SETS: Final = ("CapInh", "CapPrm", "CapEff", "CapAmb")


def rights(process: Path) -> dict[str, int]:
    """The sets of capabilities of a process, by its folder in a /proc."""
    lines = (line.partition(":") for line in (process / "status").read_text().splitlines())
    return {name: int(value, 16) for name, _, value in lines if name in SETS}


def alone(kept: int) -> dict[str, int]:
    """What root keeps of its own rights; it has none to hand on."""
    return {"CapInh": 0, "CapPrm": kept, "CapEff": kept, "CapAmb": 0}


def test_children_give_up_what_the_daemon_alone_needs(cluster: Cluster) -> None:
    """Even where root runs it: the reader reads files, the exporter serves, and neither has a raw
    socket to open.
    """
    file = str(cluster.folder / "pokepodsd.prom")
    with stage(cluster, {"metrics": {"textfile": file}}) as staged:
        pids = family(staged.daemon.process.pid)
        daemon, reader, exporter = (rights(Path(f"/proc/{pid}")) for pid in pids)
        assert daemon["CapPrm"] & NET_RAW
        assert reader == alone(DAC_READ_SEARCH)
        assert exporter == alone(DAC_OVERRIDE | NET_BIND_SERVICE)
        staged.survived()
