"""How the memory of two processes is added up."""

import os

from tests.bench.memory import Household, Share


def test_what_both_map_counts_once() -> None:
    """Shared pages are divided between the two; without other users the files are there once."""
    daemon = Share(pss=15, anonymous=10, files=20, peak=40)
    reader = Share(pss=25, anonymous=20, files=22, peak=60)
    household = Household(daemon=daemon, reader=reader)
    assert household.together == 40
    assert household.alone_on_the_node == 10 + 20 + 22


def test_a_process_is_its_anonymous_pages_and_its_files() -> None:
    share = Share.of(os.getpid())
    assert 0 < share.anonymous < share.pss <= share.anonymous + share.files <= share.peak
