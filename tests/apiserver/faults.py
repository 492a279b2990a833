"""Faults that a test orders: what goes wrong, for which requests, how often.

Owns: the book of orders. Refuses: to act; `responses` and `watching` do.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum

from tests.apiserver.status import REASONS, Json, StatusError


class FaultKind(StrEnum):
    """What goes wrong."""

    STATUS = "status"
    DROP = "drop"
    DROP_MIDWAY = "drop_midway"
    TRUNCATED_LINE = "truncated_line"
    GARBAGE_LINE = "garbage_line"
    HTML = "html"
    SILENT = "silent"
    TRICKLE = "trickle"
    ERROR_EVENT = "error_event"
    ENDLESS_LINE = "endless_line"
    HUGE_LINE = "huge_line"
    FLOOD = "flood"
    WRONG_RESOURCE_VERSION = "wrong_resource_version"
    SLOW_HEAD = "slow_head"
    GZIP_CUT = "gzip_cut"
    GZIP_ENDLESS = "gzip_endless"
    GZIP_BOMB = "gzip_bomb"


class FaultMatch(StrEnum):
    """Which requests it concerns; `report` is writing events or a node's status, `any` is all."""

    LIST = "list"
    WATCH = "watch"
    REPORT = "report"
    ANY = "any"


@dataclass(slots=True, kw_only=True)
class Fault:
    """One order. `count` of None lasts until cleared.

    `after`: how many events a watch still writes before the fault. `code`, `retry_after`,
    `location`: for `status` and `error_event`. `interval_seconds`: for `trickle` and `slow_head`.
    `size`: bytes of `huge_line`, and of `gzip_bomb` once it is unpacked; for `flood`, how often a
    watch says that the pod of its next event is gone and there again, a thousand times in each
    `interval_seconds`. `resource_version`: what `wrong_resource_version` says.
    """

    fault: FaultKind
    match: FaultMatch = FaultMatch.ANY
    count: int | None = 1
    after: int = 0
    code: int = 500
    retry_after: int | None = None
    location: str = "https://127.0.0.1:1/elsewhere"
    interval_seconds: float = 0.05
    size: int = 8 * 1024 * 1024
    resource_version: str = "0"

    def describe(self) -> Json:
        return asdict(self)

    def failure(self) -> StatusError:
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        if 300 <= self.code < 400:
            headers["Location"] = self.location
        details = {} if self.retry_after is None else {"retryAfterSeconds": self.retry_after}
        message = f"ordered by a test: {REASONS.get(self.code, 'status')} {self.code}"
        return StatusError(self.code, message, details=details, headers=headers)


def parse_fault(order: Json) -> Fault:
    values = dict(order)
    values["fault"] = FaultKind(values["fault"])
    values["match"] = FaultMatch(values.get("match", FaultMatch.ANY))
    return Fault(**values)


class FaultBook:
    """Orders not used up yet, the oldest first."""

    def __init__(self) -> None:
        self.orders: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self.orders.append(fault)

    def clear(self) -> None:
        self.orders.clear()

    def take(self, kind: FaultMatch) -> Fault | None:
        """The first order that concerns a request of this kind, counted down."""
        for order in self.orders:
            if order.match in (kind, FaultMatch.ANY):
                self._count_down(order)
                return order
        return None

    def _count_down(self, order: Fault) -> None:
        if order.count is None:
            return
        order.count -= 1
        if order.count <= 0:
            self.orders.remove(order)
