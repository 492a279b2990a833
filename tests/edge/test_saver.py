"""Checks when the last known targets are written, with real files and a clock of numbers."""

from pathlib import Path

import pytest

from pokepodsd.core.entries import EventKind
from pokepodsd.core.model import MonotonicNs, Target
from pokepodsd.edge import statefile
from pokepodsd.saver import EVERY_NS, PART, Saver
from tests.edge.support import make_target

START = MonotonicNs(50 * EVERY_NS)
TARGETS = [make_target(number) for number in range(1, 1_001)]


@pytest.fixture
def targets() -> list[Target]:
    return list(TARGETS)


@pytest.fixture
def saver(tmp_path: Path, targets: list[Target]) -> Saver:
    return Saver(tmp_path / "state/pokepodsd", lambda: targets)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "state/pokepodsd"


def read(saver: Saver) -> list[Target]:
    """All that was saved, as a start reads it."""
    total, targets = saver.open(), []
    while part := saver.read():
        targets += part
    assert len(targets) == total
    return targets


def run_until_idle(saver: Saver, revision: int, now: MonotonicNs) -> int:
    """Tick while there is something to do at this time; gives the number of ticks."""
    ticks = 0
    while (due := saver.next_due(revision, is_listing=False)) is not None and due <= now:
        saver.tick(revision, now, is_listing=False)
        ticks += 1
        assert ticks < 100
    return ticks


def test_first_read_makes_the_directory(saver: Saver, place: Path) -> None:
    """A new host has no targets, a private directory, and nothing to warn of."""
    assert read(saver) == []
    assert place.stat().st_mode & 0o777 == 0o700
    assert (saver.entries, saver.next_due(0, is_listing=False)) == ([], None)


def test_changes_are_saved_in_small_steps(saver: Saver, place: Path) -> None:
    """A change is written over several turns of the loop, and is whole at the end."""
    read(saver)
    assert run_until_idle(saver, 1, START) > 3
    assert statefile.read(place) == TARGETS
    assert saver.next_due(1, is_listing=False) is None


def test_changes_in_a_row_are_saved_now_and_then(
    saver: Saver, place: Path, targets: list[Target]
) -> None:
    """The next save waits its time, and then holds what there is by then."""
    read(saver)
    run_until_idle(saver, 1, START)
    targets.pop()
    assert saver.next_due(2, is_listing=False) == START + EVERY_NS
    assert run_until_idle(saver, 2, MonotonicNs(START + EVERY_NS - 1)) == 0
    targets.pop()
    run_until_idle(saver, 3, MonotonicNs(START + EVERY_NS))
    assert statefile.read(place) == TARGETS[:-2]


def test_change_during_a_save_is_saved_next(
    saver: Saver, place: Path, targets: list[Target]
) -> None:
    """What changes while a save is under way is not taken for saved."""
    read(saver)
    saver.tick(1, START, is_listing=False)
    targets.clear()
    run_until_idle(saver, 2, START)
    assert statefile.read(place) == TARGETS
    assert saver.next_due(2, is_listing=False) == START + EVERY_NS
    run_until_idle(saver, 2, MonotonicNs(START + EVERY_NS))
    assert statefile.read(place) == []


@pytest.mark.parametrize("is_under_way", [True, False])
def test_stop_saves_what_is_there(
    saver: Saver, place: Path, targets: list[Target], is_under_way: bool
) -> None:
    """The last act leaves the newest targets, whatever was under way."""
    read(saver)
    if is_under_way:
        saver.tick(1, START, is_listing=False)
        targets.pop()
    saver.finish(2)
    assert statefile.read(place) == targets


def test_stop_without_a_change_writes_nothing(saver: Saver, place: Path) -> None:
    """What is saved is not saved again."""
    read(saver)
    run_until_idle(saver, 1, START)
    before = (place / "targets.json").stat().st_ino
    saver.finish(1)
    assert (place / "targets.json").stat().st_ino == before


def test_damaged_file_is_one_warning(saver: Saver, place: Path) -> None:
    """The daemon starts without its targets, says so once, and saves anew."""
    place.mkdir(parents=True)
    (place / "targets.json").write_text("rubbish\n")
    assert (read(saver), read(saver)) == ([], [])
    (entry,) = saver.entries
    assert entry.kind is EventKind.STATE_SET_ASIDE
    assert "targets.damaged" in entry.text
    run_until_idle(saver, 1, START)
    assert read(saver) == TARGETS


def test_unusable_directory_is_one_warning_until_it_works(saver: Saver, tmp_path: Path) -> None:
    """Where nothing can be written the daemon goes on; it says so once, and once more if it
    happens again after it had worked.
    """
    obstacle = tmp_path / "state"
    obstacle.write_text("a file in the way")
    assert read(saver) == []
    now = START
    for _ in range(3):
        run_until_idle(saver, 1, now)
        now = MonotonicNs(now + EVERY_NS)
    (entry,) = saver.entries
    assert entry.kind is EventKind.STATE_NOT_SAVED
    assert "Not a directory" in entry.text
    obstacle.unlink()
    read(saver)
    run_until_idle(saver, 1, now)
    assert saver.next_due(1, is_listing=False) is None
    (obstacle / "pokepodsd/targets.json").unlink()
    (obstacle / "pokepodsd").rmdir()
    saver.finish(2)
    assert [one.kind for one in saver.entries] == [EventKind.STATE_NOT_SAVED] * 2


def test_start_reads_a_part_at_a_time(saver: Saver) -> None:
    """No poke waits for 150,000 targets: each turn takes some, until there are none."""
    read(saver)
    run_until_idle(saver, 1, START)
    assert saver.open() == len(TARGETS)
    assert saver.read(PART) == TARGETS[:PART]
    assert saver.next_due(0, is_listing=True) == 0
    assert saver.read(len(TARGETS)) == TARGETS[PART:]
    assert saver.next_due(1, is_listing=False) is None


def test_what_is_saved_is_not_replaced_by_less(
    saver: Saver, place: Path, targets: list[Target]
) -> None:
    """While the file is read, and while a list comes in, it stays as it is, at a stop too."""
    read(saver)
    run_until_idle(saver, 1, START)
    saver.open()
    del targets[10:]
    saver.tick(2, MonotonicNs(START + EVERY_NS), is_listing=False)
    saver.finish(2)
    assert statefile.read(place) == TARGETS
    while saver.read():
        pass
    assert saver.next_due(2, is_listing=True) is None
    saver.tick(2, MonotonicNs(START + EVERY_NS), is_listing=True)
    assert statefile.read(place) == TARGETS
    run_until_idle(saver, 2, MonotonicNs(START + EVERY_NS))
    assert statefile.read(place) == targets


def test_damage_in_the_middle_costs_what_follows(saver: Saver, place: Path) -> None:
    """What was read before is kept; the file is set aside with one warning, and saved anew."""
    read(saver)
    run_until_idle(saver, 1, START)
    path = place / "targets.json"
    path.write_bytes(path.read_bytes()[:-20])
    assert saver.open() == len(TARGETS)
    assert saver.read(PART) == TARGETS[:PART]
    assert saver.read(len(TARGETS)) == []
    (entry,) = saver.entries
    assert entry.kind is EventKind.STATE_SET_ASIDE
    assert "some of the last known targets" in entry.text
    assert run_until_idle(saver, 2, MonotonicNs(START + EVERY_NS)) > 0


def test_many_targets_are_saved_less_often(place: Path) -> None:
    """A save costs by the target, and so the next one waits: no more than 0.4 % goes into it."""
    many = [make_target(number) for number in range(20_000)]
    saver = Saver(place, lambda: many)
    read(saver)
    run_until_idle(saver, 1, START)
    assert saver.next_due(2, is_listing=False) == START + 2 * EVERY_NS
