"""`python -m tests.bench.learner WAY KUBECONFIG FOLDER`: learns all pods, and prints what it cost.

Owns the two ways: "reader" is the daemon's reader, "typed" the `kubernetes` package's typed list.
Both are measured from where the imports are done and the credentials read, to the end of the list:
processor time, and the peak of the resident set above what it was before.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from pokepodsd.core.records import Identified, PodsListed, Watching
from tests.bench.accounting import cpu_ns_of, peak_bytes, resident_bytes
from tests.bench.reading import reading


def by_reader(kubeconfig: Path, folder: Path) -> dict[str, int]:
    with reading(kubeconfig, folder) as reader:
        reader.wait_for(Identified)
        cost = _Cost(reader.pid)
        heard = reader.wait_for(Watching)
        pods = sum(len(one.pods) for one in heard if isinstance(one, PodsListed))
        return cost.so_far(pods)


def by_typed_list(kubeconfig: Path, folder: Path) -> dict[str, int]:
    from kubernetes import client, config  # noqa: PLC0415 - only where it is measured

    del folder
    config.load_kube_config(str(kubeconfig))
    api = client.CoreV1Api()
    cost = _Cost(os.getpid())
    # Held until the peak is read, as whoever wants the pods does.
    listed = api.list_pod_for_all_namespaces()
    return cost.so_far(len(listed.items))


class _Cost:
    def __init__(self, pid: int) -> None:
        self._pid = pid
        # proc(5): 5 sets the peak to what is resident now.
        Path(f"/proc/{pid}/clear_refs").write_text("5")
        self._resident = resident_bytes(pid)
        self._cpu_ns = cpu_ns_of(pid)

    def so_far(self, pods: int) -> dict[str, int]:
        return {
            "pods": pods,
            "cpu_ns": cpu_ns_of(self._pid) - self._cpu_ns,
            "peak_bytes": peak_bytes(self._pid) - self._resident,
            "kept_bytes": resident_bytes(self._pid) - self._resident,
        }


WAYS: dict[str, Callable[[Path, Path], dict[str, int]]] = {
    "reader": by_reader,
    "typed": by_typed_list,
}


def main() -> None:
    way, kubeconfig, folder = sys.argv[1:]
    print(json.dumps(WAYS[way](Path(kubeconfig), Path(folder))))


if __name__ == "__main__":
    main()
