"""Checks how much of an answer is held, whatever is sent."""

from pathlib import Path

import pytest

from pokepodsd.core.protocol import Ask, Timings
from pokepodsd.edge.apiserver import LONGEST_BODY, ApiServer
from pokepodsd.edge.kubeconfig import Kubeconfig
from pokepodsd.errors import TooLargeError
from tests.apiserver.client import ApiServer as ClusterServer
from tests.edge.rawserver import RawServer

LIST = Ask(parameters={"limit": "500"}, is_watch=False)
PATIENT = Timings(answer=60.0)
PIECE = 64 * 1024


@pytest.mark.parametrize("fault", ["endless_line", "huge_line", "gzip_bomb", "gzip_endless"])
def test_body_is_given_up_at_its_bound(
    server: ClusterServer, kubelet: Path, scratch: Path, fault: str
) -> None:
    """It comes in small pieces, unpacked ones too, and is not held beyond what is the largest."""
    server.control.add_fault(fault, "list", size=2 * LONGEST_BODY)
    api = ApiServer(Kubeconfig(kubelet, scratch=scratch).load(), PATIENT)
    with api.ask(LIST) as answer, pytest.raises(TooLargeError):
        answer.body()
    server.control.add_fault(fault, "list", size=2 * LONGEST_BODY)
    with api.ask(LIST) as answer:
        received = 0
        for piece in answer.chunks():
            assert len(piece) <= PIECE
            received += len(piece)
            if received > LONGEST_BODY:
                break
    api.close()


def test_refusal_without_an_end_is_a_refusal(tmp_path: Path) -> None:
    """The status counts, and no more is read than a Status could be."""
    head = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 1000000000\r\n\r\n"
    with RawServer(tmp_path, head + b"x" * 3 * PIECE) as raw:
        api = ApiServer(raw.configuration, PATIENT)
        with api.ask(LIST) as answer:
            assert answer.status == 403
            assert 0 < len(answer.body()) <= PIECE
        api.close()
