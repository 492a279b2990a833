"""What the daemon answers, on its own clocks."""

from datetime import datetime

from pokepodsd.answering import Answering, Facts
from pokepodsd.edge.clock import monotonic_ns, wall_ns
from tests.core.world import make_world


def test_a_start_is_told_at_the_same_time_always() -> None:
    """Else `changes(pokepodsd_start_time_seconds[1h])` counts scrapes, and not starts."""
    facts = Facts(node=lambda: None, reader_starts=lambda: 1)
    answering = Answering(make_world().engine.stages, facts)
    numbers = [one["metrics"] for _ in range(50) for one in answering.metrics(monotonic_ns())]
    assert len({one["started_seconds"] for one in numbers}) == 1


def test_now_is_now() -> None:
    """By the wall clock, to the second."""
    facts = Facts(node=lambda: None, reader_starts=lambda: 1)
    answering = Answering(make_world().engine.stages, facts)
    before = wall_ns()
    header, *_ = answering.answer({"status": {"peers": "none", "targets": "none"}})
    after = wall_ns()
    at = datetime.fromisoformat(header["status"]["at"]).timestamp()
    assert before / 1e9 - 1 < at < after / 1e9 + 1
