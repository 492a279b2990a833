"""How much leaves at most, whoever asks for how much: counted on the wire."""

import os
import signal
import sys
from collections import defaultdict
from typing import Final

from tests.cluster import Cluster
from tests.daemon.wire import SECOND_NS, requests
from tests.faults.attacker import metrics, wait_rounds
from tests.faults.stage import stage
from tests.lab import Process, largest_window

RATE: Final = 40
# What is due within the next tick may leave with it (90 ms of the rate), and one more.
MOST_A_SECOND: Final = 1.1 * RATE + 1
# 0.2 s apart.
MOST_OF_TRACE: Final = 6
MANY: Final = 180


def test_nothing_makes_it_send_more_than_max_rate(cluster: Cluster) -> None:
    """A poisoned list of far more pods than the rate carries, a storm of reloads, root's questions,
    `once` and `trace` at the same time: the daemon keeps to its rate, `once` to the same by itself,
    and `trace` to five a second.
    """
    poke = {"interval": "1s", "timeout": "500ms", "max_rate": RATE}
    with stage(cluster, {"poke": poke, "pods": {"scope": "all"}}) as staged:
        here, there, pid = staged.here, staged.there, staged.daemon.process.pid
        config = str(cluster.folder / f"{here.name}.toml")
        program = (sys.executable, "-m", "pokepodsd", "--config", config)
        tracing = (*program, "trace", "--count", "20", there.pod_address(1))
        cluster.make_pods(there, MANY, first=21)
        with (
            Process(here.command(*program, "once")) as once,
            Process(here.command(*tracing)) as trace,
        ):
            for _ in range(4):
                os.kill(pid, signal.SIGHUP)
                wait_rounds(staged, 1, 1)
                metrics(staged)
            assert once.wait() == trace.wait() == 0
        by_sender = defaultdict(list)
        for one in requests(staged.capture):
            by_sender[one.identifier].append(one.monotonic_ns)
        most = sorted(largest_window(times, SECOND_NS) for times in by_sender.values())
        print(f"  most in a second, by sender: {most}")
        assert len(most) == 3
        assert most[0] <= MOST_OF_TRACE
        assert most[-1] <= MOST_A_SECOND
        # It was asked for more.
        assert most[-1] >= RATE / 2
