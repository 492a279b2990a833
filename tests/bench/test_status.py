"""Checks that the benchmark of the status times whole runs of the program."""

from tests.bench import status


def test_program_is_timed_to_its_end() -> None:
    """Into a pipe and on a terminal alike: starting Python alone takes some milliseconds."""
    for timed in (status.into_a_pipe("--version"), status.on_a_terminal("--version")):
        assert 5 < timed < 60_000
