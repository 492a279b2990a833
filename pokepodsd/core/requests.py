"""What the API server is asked for, and what that comes to: words for counting.

Owns these two sets, and which answer is which.
"""

from enum import Enum
from http import HTTPStatus


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


def result_of(status: int) -> Result:
    """What an answer's status says of its request."""
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return Result.REFUSED
    # That a Node does not exist is an answer.
    is_answer = status in {HTTPStatus.OK, HTTPStatus.NOT_FOUND}
    return Result.OK if is_answer else Result.FAILED
