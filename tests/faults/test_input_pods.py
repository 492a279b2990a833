"""Pods that no API server should send, among good ones."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from pokepodsd.core.entries import EventKind
from pokepodsd.core.escaping import escape
from pokepodsd.core.podrecords import PodRecords
from pokepodsd.core.population import Population
from tests.core.builders import BOTH, rule
from tests.faults.poison import FEW, PARTS, poisoned
from tests.faults.stage import Stage
from tests.fuzz.cluster import pods as read_page
from tests.fuzz.mutations import BAD, Path
from tests.fuzz.shown import check_line

AT_ONCE = 8


def page(items: Sequence[object]) -> bytes:
    metadata = {"resourceVersion": "7"}
    return json.dumps({"kind": "PodList", "metadata": metadata, "items": items}).encode()


@pytest.mark.parametrize("part", PARTS, ids=lambda part: ".".join(map(str, part)))
def test_each_part_of_a_pod_with_each_bad_value(part: Path) -> None:
    """From the bytes of a list to targets: read, or one entry that names the pod and the part."""
    made = [*poisoned(parts=[part])]
    assert len(made) == len(BAD) + 1
    for one in made:
        read_page(page([one]))
    read_page(page(made))


def poison(staged: Stage, values: Sequence[Any]) -> None:
    """Have every poisoned pod come one by one through the watch, and then all in a list.

    A few at a time: a journal that does not run yet takes ten entries at once, as here.
    """
    api, population = staged.cluster.api, Population(rule(), BOTH)
    objects = [*poisoned(values)]
    for first in range(0, len(objects), AT_ONCE):
        part = {str(first + number): one for number, one in enumerate(objects[first:][:AT_ONCE])}
        before = len(population.entries)
        for record in PodRecords(tells_ready=False).listed(
            json.loads(json.dumps([*part.values()]))
        ):
            list(population.take(record))
        api.control.plant_pods(part)
        for entry in population.entries[before:]:
            staged.daemon.wait_message(escape(entry.text))
    assert len(population.entries) > len(PARTS)
    staged.make_pod(21)
    staged.wait_well()
    # The list is read anew: its versions are gone.
    api.control.compact()
    api.control.break_watches()
    staged.make_pod(22)
    staged.wait_well()
    for told in staged.daemon.told():
        check_line(told["MESSAGE"])
        assert len(told["MESSAGE"]) < 600
    staged.survived(*[EventKind.POD_IGNORED] * len(population.entries))


def test_every_poisoned_pod_among_good_ones(staged: Stage) -> None:
    """The good ones are poked on, new ones come in, and each bad one is told once, in one line."""
    poison(staged, FEW)


@pytest.mark.long
def test_every_poisoned_pod_with_every_bad_value(staged: Stage) -> None:
    """The same, with as many values as an hour of thinking brought."""
    poison(staged, BAD[: len(BAD) // 2])
