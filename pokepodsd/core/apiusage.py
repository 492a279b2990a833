"""What the API server was asked for, and what that cost it, over all readers.

Owns the counting; what is believed of the server is `apibelief`'s.
"""

from collections import Counter

from pokepodsd.core.model import MonotonicNs
from pokepodsd.core.records import Alive, Asked, Record
from pokepodsd.core.requests import Request, Result


class ApiUsage:
    """Requests by kind and result, bytes received, and when the last of them came."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[Request, Result]] = Counter()
        self.heard_ns: MonotonicNs | None = None
        self._received = self._received_before = 0

    @property
    def received(self) -> int:
        """Bytes of all answers, after decompression."""
        return self._received_before + self._received

    def take(self, record: Record) -> None:
        """Take one record of the reader."""
        match record:
            case Asked(request=request, result=result):
                self.requests[request, result] += 1
            case Alive(received=received, heard_ns=heard_ns):
                if received < self._received:
                    # Another reader, which counts from the beginning.
                    self._received_before += self._received
                self._received = received
                self.heard_ns = MonotonicNs(heard_ns) if heard_ns else self.heard_ns
            case _:
                pass
