"""The layers' turns under one cap: tunnels first, then the underlay, then pods.

Owns the order of the layers and what each leaves to the next. A tunnel is never late because of
pods: it is poked for all pods behind it.
"""

from collections.abc import Iterator, Mapping

from pokepodsd.core.bucket import Bucket
from pokepodsd.core.model import SECOND_NS, Layer, MonotonicNs
from pokepodsd.core.pacing import Pacing, Turn

# The order of precedence.
ORDER = (Layer.TUNNEL, Layer.UNDERLAY, Layer.POD)


class Lanes:
    """One `Pacing` a layer, all on one bucket."""

    def __init__(
        self, intervals_ns: Mapping[Layer, int], *, max_rate: int, now: MonotonicNs
    ) -> None:
        self._bucket = Bucket(max_rate=max_rate, now=now)
        self._intervals_ns = dict(intervals_ns)
        self._lanes = {
            layer: Pacing(self._bucket, interval_ns=intervals_ns[layer], now=now) for layer in ORDER
        }

    def __getitem__(self, layer: Layer) -> Pacing:
        return self._lanes[layer]

    def set_limits(self, intervals_ns: Mapping[Layer, int], *, max_rate: int) -> None:
        """Take new settings; nobody loses the turn."""
        self._bucket.set_rate(max_rate)
        self._intervals_ns = dict(intervals_ns)
        self.share()

    def share(self) -> None:
        """Give each layer the rate that those before it leave; to be called when sizes changed."""
        left = float(self._bucket.max_rate)
        for layer in ORDER:
            lane, interval_ns = self._lanes[layer], self._intervals_ns[layer]
            lane.set_limits(interval_ns=interval_ns, rate=max(1.0, left))
            left -= len(lane) * SECOND_NS / lane.interval_ns

    def take(self, now: MonotonicNs) -> Iterator[tuple[Layer, Turn]]:
        """Every turn that is due and allowed at ``now``, in the order of precedence."""
        self._bucket.open(now)
        for layer, lane in self._lanes.items():
            for turn in lane.take(now):
                yield layer, turn

    def sent(self, now: MonotonicNs) -> None:
        """All that was taken has left by ``now``."""
        self._bucket.sent(now)
        for lane in self._lanes.values():
            lane.sent(now)

    def next_due(self) -> MonotonicNs | None:
        """When somebody has a turn."""
        times = (lane.next_due() for lane in self._lanes.values())
        return min((time for time in times if time is not None), default=None)
