"""Owns how a daemon is started with something of its own: a variable, a control group."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

_START: Final = """
import json, os, sys
group, variables = json.loads(sys.argv[1])
if group:
    with open(group, "w") as file:
        file.write("0")
os.environ.update(variables)
os.execv(sys.executable, [sys.executable, "-m", "pokepodsd", *sys.argv[2:]])
"""


def started_with(
    variables: Mapping[str, str] | None = None, *, group: Path | None = None
) -> Sequence[str]:
    """What Python is to be started with, for `tests.cluster.Cluster.program`.

    ``group`` is the file of a control group that takes its members, cgroup.procs.
    """
    return ("-c", _START, json.dumps([str(group) if group else "", dict(variables or {})]))
