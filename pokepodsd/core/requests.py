"""What the API server is asked for, and what that comes to: words for counting.

Owns these two sets alone.
"""

from enum import Enum


class Request(Enum):
    """What the API server is asked for."""

    LIST = "list"
    WATCH = "watch"
    LOOKUP = "lookup"


class Result(Enum):
    """What a request came to; a watch that opened is well, however it ends."""

    OK = "ok"
    REFUSED = "refused"
    FAILED = "failed"
