"""Shows pokepodsd at work on three nodes made of network namespaces: `python -m tests.demo`.

Owns what is played; the exits are those of `tests.demonstration.exits`.
"""

import sys

from tests.demonstration import story
from tests.demonstration.exits import perform
from tests.demonstration.stage import Stage
from tests.demonstration.teller import Teller


def main() -> int:
    return perform("demo", Stage, _play)


def _play(stage: Stage) -> int:
    story.tell(stage, Teller(sys.stdout))
    return 0


if __name__ == "__main__":
    sys.exit(main())
