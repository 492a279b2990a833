"""A local user at the control socket: who is not in the group is refused by the kernel, and who is
may look, and neither hold pokes nor make them late.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from pokepodsd.core.entries import EventKind
from tests.faults.attacker import metrics, wait_rounds
from tests.faults.stage import Stage

ROOT: Final = Path(__file__).parents[2]
# In the lab the daemon is root's, and so is the group of its socket.
MEMBER, STRANGER = ("--groups", "0"), ("--clear-groups",)
FEW_ROUNDS: Final = 4
# Longer than whoever wants nothing is let be.
ROUNDS: Final = 12
# So many connections of others than root there may be at a time.
ROOM: Final = 12
# More than the buffers of the socket take.
TAKEN_BYTES: Final = 2 * 2**20


def start(stage: Stage, deed: str, groups: tuple[str, ...]) -> subprocess.Popen[str]:
    """Have nobody do this, where the socket is."""
    return subprocess.Popen(
        [
            *("setpriv", "--reuid=65534", "--regid=65534", *groups),
            *("--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"),
            *(sys.executable, "-m", "tests.faults.localuser", deed),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=stage.cluster.runtime_folder(stage.here),
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )


def end(process: subprocess.Popen[str]) -> Any:
    """Have it stop, and say what came of it."""
    said, _ = process.communicate(timeout=30.0)
    assert process.returncode == 0
    return json.loads(said)


@contextmanager
def doing(stage: Stage, *deeds: str) -> Iterator[dict[str, Any]]:
    """Have a member of the group do these at once; what came of them is there after the block."""
    came: dict[str, Any] = {}
    with ExitStack() as stack:
        processes = {deed: stack.enter_context(start(stage, deed, MEMBER)) for deed in deeds}
        yield came
        came.update({deed: end(process) for deed, process in processes.items()})


def test_a_stranger_is_refused_by_the_kernel(staged: Stage) -> None:
    """The daemon never hears of it."""
    with start(staged, "ask", STRANGER) as process:
        assert end(process) == "Permission denied"
    staged.survived()


def test_a_member_of_the_group_may_not_hold_pokes(staged: Stage) -> None:
    """That is root's alone, by what the kernel says of who asks."""
    with start(staged, "hold", MEMBER) as process:
        assert "root" in end(process)["error"]
    wait_rounds(staged, 1, 2)
    staged.survived()


def attend(stage: Stage, rounds: int) -> None:
    """For so many rounds of pokes root asks, and is answered."""
    for _ in range(rounds):
        wait_rounds(stage, 1, 1)
        assert metrics(stage)["max_rate"] > 0


def test_a_thousand_connections_and_endless_requests_make_no_poke_late(staged: Stage) -> None:
    """A thousand connections at a time, renewed as they are ended, beside a request of 100 MB: each
    poke leaves in its turn, and root is answered all the while.
    """
    with doing(staged, "huge") as huge:
        # Later the crowd may leave it no room to be heard in.
        staged.daemon.wait_entry(EventKind.CONTROL_REFUSED)
        with doing(staged, "crowd") as crowd:
            attend(staged, FEW_ROUNDS)
    print(f"  {crowd} {huge}")
    assert crowd["crowd"] > ROOM
    assert huge["huge"] < TAKEN_BYTES
    staged.survived(EventKind.CONTROL_REFUSED)


def test_requests_without_an_end_on_one_connection_take_no_room(staged: Stage) -> None:
    """Of each connection one request is taken at a time: what came with it ends the connection."""
    with doing(staged, "flood") as came:
        attend(staged, FEW_ROUNDS)
    print(f"  {came}")
    assert came["flood"] < TAKEN_BYTES
    staged.survived(EventKind.CONTROL_REFUSED)


def test_who_does_not_read_and_who_drips_make_no_poke_late(staged: Stage) -> None:
    """One asks for everything and reads nothing; one sends a byte a second, and is let go."""
    with doing(staged, "mute", "drip") as came:
        attend(staged, ROUNDS)
    print(f"  {came}")
    assert came["mute"] >= 1
    assert came["drip"] >= 1
    staged.survived()
