"""Checks that a program under test is watched without polling and never left behind."""

import os
import select
import signal

import pytest

from tests.lab import Lab, LabError, LabTimeoutError, Process
from tests.lab.asking import memory_file


class TestProcess:
    """A program under test is watched without polling and never left behind."""

    def test_output_is_collected_by_stream(self) -> None:
        """Lines of both streams are kept apart; the exit status comes back."""
        with Process(
            ["sh", "-c", "echo one; echo two >&2; echo $WORD; exit 3"], env={"WORD": "x"}
        ) as p:
            assert p.wait() == 3
            assert p.lines("stdout") == ["one", "x"]
            assert p.lines("stderr") == ["two"]
            assert p.wait_for_line("^(t)wo$", stream="stderr").group(1) == "t"
            assert (p.returncode, p.is_running) == (3, False)

    def test_waiting_for_a_line_of_the_dead_fails_at_once(self) -> None:
        """A program that ended cannot say more; the error shows what it did say."""
        with Process(["echo", "farewell"]) as process, pytest.raises(LabError, match="farewell"):
            process.wait_for_line("never", timeout_seconds=60)

    def test_waiting_gives_up_in_time(self) -> None:
        """A line or an end that does not come in time is an error."""
        with Process(["sh", "-c", "echo up; exec sleep 60"]) as process:
            process.wait_for_line("up")
            with pytest.raises(LabTimeoutError, match="up"):
                process.wait_for_line("never", timeout_seconds=0.05)
            with pytest.raises(LabTimeoutError, match="still runs"):
                process.wait(0.05)

    def test_nothing_outlives_the_block(self) -> None:
        """Also a stopped program dies, with the children that it started."""
        with Process(["sh", "-c", "sleep 60 & echo child $!; wait"]) as process:
            child = int(process.wait_for_line(r"child (\d+)").group(1))
            descriptor = os.pidfd_open(child)
            process.stop()
        assert process.returncode == -signal.SIGKILL
        # A descriptor of a process becomes readable when the process ends.
        assert select.select([descriptor], [], [], 5)[0] == [descriptor]
        os.close(descriptor)

    def test_signals_reach_the_program(self) -> None:
        """SIGTERM can be handled, and a stopped program handles it once it continues."""
        script = "trap 'echo bye; exit 5' TERM; echo up; sleep 60 & wait"
        with Process(["sh", "-c", script]) as process:
            process.wait_for_line("up")
            process.stop()
            process.terminate()
            assert process.is_running
            process.cont()
            assert process.wait() == 5
            assert process.lines() == ["up", "bye"]

    def test_stopping_the_dead_is_refused(self) -> None:
        """A program that has ended cannot be stopped, and the test hears of it."""
        with Process(["true"]) as process:
            with pytest.raises(LabError, match="ended"):
                process.wait_for_line("never")
            with pytest.raises(LabError, match="ended instead of stopping"):
                process.stop()

    def test_descriptors_are_handed_over(self) -> None:
        """A descriptor that is passed is open in the program under its number."""
        with memory_file(b"handed over") as descriptor:
            argv = ["cat", f"/proc/self/fd/{descriptor}"]
            with Process(argv, pass_fds=[descriptor]) as process:
                process.wait_for_line("^handed over$")

    def test_program_in_a_node_has_the_process_id(self, lab: Lab) -> None:
        """What runs in a node is the program itself, so that signals and pid files fit."""
        node = lab.nodes[0]
        script = "echo $$ in $(readlink /proc/self/ns/net); exec sleep 60"
        with Process(node.command("sh", "-c", script)) as process:
            said = process.wait_for_line(r"^(\d+) in (.+)$")
            assert int(said.group(1)) == process.pid
            with node.inside():
                assert said.group(2) == os.readlink("/proc/thread-self/ns/net")
