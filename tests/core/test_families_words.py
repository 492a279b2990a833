"""Checks every metric's name, kind, unit, help and labels, word by word.

Dashboards and alerts are made of them: one that changes does so here too, where it is seen.
"""

from pathlib import Path

from pokepodsd.core.families import families
from tests.core.metricsfacts import NOW, metrics_document, unwell

WORDS = Path(__file__).parent / "families" / "words.txt"


def test_every_word_of_every_metric() -> None:
    """As they are listed, and in that order."""
    document = {**metrics_document(), "unwell": [unwell()]}
    said = []
    for one in families(document, python="3.11.2", now=NOW):
        labels = ", ".join(dict.fromkeys(label for row in one.rows for label in row.labels))
        said.append(f"{one.kind.value} {one.name} [{one.unit}] ({labels}): {one.help}")
    assert said == WORDS.read_text().splitlines()
