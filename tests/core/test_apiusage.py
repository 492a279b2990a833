"""Checks what is counted of the API server's answers."""

from pokepodsd.core.apiusage import ApiUsage
from pokepodsd.core.records import Alive, Asked, ListBegun
from pokepodsd.core.requests import Request, Result
from tests.core.builders import at


def test_bytes_of_readers_one_after_the_other_add_up() -> None:
    """Each counts from the beginning, and when an answer was heard last stays known."""
    usage = ApiUsage()
    for received, heard_ns in ((0, 0), (100, at(1)), (250, at(2)), (30, 0), (40, 0)):
        usage.take(Alive(received=received, heard_ns=heard_ns))
    assert usage.received == 290
    assert usage.heard_ns == at(2)


def test_each_request_is_counted_with_its_result() -> None:
    """And nothing else is a request."""
    usage = ApiUsage()
    for record in (
        Asked(request=Request.LIST, result=Result.OK),
        ListBegun(),
        Asked(request=Request.LIST, result=Result.OK),
    ):
        usage.take(record)
    assert {key: number for key, number in usage.requests.items() if number} == {
        (Request.LIST, Result.OK): 2
    }
