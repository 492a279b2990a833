"""What the kernel says that processes used."""

import subprocess
import sys

import pytest

from tests.bench.accounting import (
    cpu_ns,
    cpu_ns_of,
    family,
    peak_bytes,
    pss_bytes,
    run_command,
    switches,
)

# Uses 50 ms of the processor itself and in a child, says so, and waits for its input to end.
BUSY = """
import subprocess, sys, time
def spin():
    begin = time.process_time()
    while time.process_time() - begin < 0.05: pass
spin()
if len(sys.argv) > 1:
    child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
    child.stdout.readline()
print("used", flush=True)
sys.stdin.read()
if len(sys.argv) > 1: child.communicate()
"""


def test_a_command_is_told_by_what_it_and_its_children_used() -> None:
    ended = run_command([sys.executable, "-c", BUSY, BUSY])
    assert ended.output == "used\n"
    assert ended.status == 0
    assert ended.wall_ns >= ended.cpu_ns / 2 >= 50_000_000
    assert ended.peak_bytes > 4_000_000


def test_living_processes_are_counted_with_their_descendants() -> None:
    command = [sys.executable, "-c", BUSY, BUSY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        assert len(list(family(process.pid))) == 2
        assert cpu_ns(process.pid) >= cpu_ns_of(process.pid) + 50_000_000
        assert cpu_ns_of(process.pid) >= 50_000_000
        assert 0 < pss_bytes(process.pid) <= peak_bytes(process.pid)
        process.stdin.close()


def test_each_sleep_is_one_switch() -> None:
    script = "import sys, time\nfor line in sys.stdin: time.sleep(0.001); print(flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"\n")
        process.stdout.readline()
        before = switches(process.pid)
        for _ in range(20):
            process.stdin.write(b"\n")
            process.stdout.readline()
        after = switches(process.pid)
        process.stdin.close()
    # One for each time.sleep, and one for each wait for input that was not there already.
    assert 20 <= after - before <= 60


def test_an_ended_process_is_no_error_to_ask_for_children_of() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert list(family(process.pid)) == [process.pid]
    with pytest.raises(FileNotFoundError):
        cpu_ns_of(process.pid)
