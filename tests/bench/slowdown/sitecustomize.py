"""A daemon whose send path takes twice the processor time; Python imports it by itself.

Owns that fault, and plants it in `pokepodsd run` alone, where this folder is in PYTHONPATH. No
product code knows of it.
"""

import sys
import time
from collections.abc import Callable


def _twice(real: Callable[..., None]) -> Callable[..., None]:
    def slow(*arguments: object) -> None:
        begin = time.thread_time_ns()
        real(*arguments)
        end = time.thread_time_ns()
        while time.thread_time_ns() < end + (end - begin):
            pass

    return slow


if sys.orig_argv[-1] == "run":
    from pokepodsd import exchange

    exchange.send = _twice(exchange.send)
