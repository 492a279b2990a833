"""Sequence to probe, expiry, and matching; the only maker of Outcomes.

Owns what is in flight on one socket. A reply passes ordered guards (identifier, payload, live
sequence, source, duplicate, late) before anything is counted, and each probe ends in one Outcome.
What decides is a cookie that is drawn for each probe: a target that reads its own knows none of
another's, nor of its own next one.
"""

from collections import Counter, OrderedDict, deque

from pokepodsd.core.model import (
    OVERRUN,
    Channel,
    Closed,
    Datagram,
    Draw,
    IcmpError,
    MonotonicNs,
    Outcome,
    OutcomeKind,
    Probe,
    Send,
    Target,
)
from pokepodsd.core.packets import (
    MARK,
    REPLY_STARTS,
    SEQUENCE,
    cookie_of,
    echo_request,
    error_name,
    parse_quoted_request,
    parse_reply,
    without_ip_header,
)

_SEQUENCES = 65_536
# Ended probes that a duplicate or late reply is still recognised for: some seconds' worth at the
# usual rates. An older one is counted as a sequence that is not in flight.
_REMEMBERED = 4_096


class Stray(Closed):
    """Why a packet was no answer to anything; counted, and never a reason to change a belief."""

    NOT_ECHO = "no echo reply"
    IDENTIFIER = "identifier of another process"
    PAYLOAD = "payload is not ours"
    SEQUENCE = "sequence not in flight"
    SOURCE = "source is not the target"
    DUPLICATE = "duplicate"
    LATE = "late"
    OVERRUN = OVERRUN


class _End(Closed):
    """How the last probe of a sequence ended, to tell a duplicate from a late reply."""

    REPLIED = 1
    OTHER = 2


class InFlight:
    """The probes in flight on the socket of one family."""

    def __init__(self, channel: Channel, *, draw: Draw, timeout_ns: int) -> None:
        self.family = channel.family
        self._has_ip_header = channel.has_ip_header
        self._reply_start = REPLY_STARTS[channel.family]
        self._identifier = channel.identifier
        self.strays: Counter[Stray] = Counter()
        self.sent = 0
        self.received = 0
        self.timeout_ns = timeout_ns
        self._draw = draw
        self._live: dict[int, Probe] = {}
        self._ended: OrderedDict[int, tuple[int, int, _End]] = OrderedDict()
        self._order: deque[Probe] = deque()
        self._overrun_ns = MonotonicNs(0)

    def open(self, target: Target, now: MonotonicNs, *, opening: bool) -> Send | None:
        """A new probe and its packet; None when every sequence is in flight."""
        if len(self._live) >= _SEQUENCES:
            return None
        sequence = self.sent % _SEQUENCES
        while sequence in self._live:
            sequence = (sequence + 1) % _SEQUENCES
        serial = self.sent
        packet = echo_request(
            self.family,
            identifier=self._identifier,
            sequence=sequence,
            serial=serial,
            cookie=self._draw(),
        )
        probe = Probe(
            target=target,
            sequence=sequence,
            serial=serial,
            opening=opening,
            sent_ns=now,
            mark=packet[MARK],
        )
        self.sent += 1
        self._live[sequence] = probe
        self._order.append(probe)
        return Send(probe, packet)

    def match_reply(self, datagram: Datagram, now: MonotonicNs) -> Outcome | None:
        """The Outcome of a reply, or None for a stray, which is counted."""
        _, data, source, stamp_ns, _ = datagram
        if self._has_ip_header:
            data = without_ip_header(data)
        probe = self._live.get(int.from_bytes(data[SEQUENCE], "big"))
        # All the guards at once; where it does not pass, `_why` asks them in their order.
        if (
            probe is None
            or data[MARK] != probe.mark
            or source != probe.target.address
            or data[:2] != self._reply_start
        ):
            self.strays[self._why(data)] += 1
            return None
        rtt_ns = stamp_ns - probe.sent_wall_ns
        if not 0 <= rtt_ns <= now - probe.sent_ns:
            # The wall clock was set meanwhile: the loop's own time is less exact, but true.
            rtt_ns = now - probe.sent_ns
        elif rtt_ns > self.timeout_ns:
            # It came too late, before anybody looked: `expire` gives the probe up right after.
            self.strays[Stray.LATE] += 1
            return None
        self.received += 1
        self._end(probe, _End.REPLIED)
        return Outcome(probe, OutcomeKind.REPLIED, now, rtt_ns)

    def match_error(self, error: IcmpError, now: MonotonicNs) -> Outcome | None:
        """The Outcome of an ICMP error about one of our requests, or None for a stray."""
        echo = parse_quoted_request(self.family, error.quoted)
        if echo is None or echo.identifier != self._identifier:
            self.strays[Stray.IDENTIFIER if echo else Stray.NOT_ECHO] += 1
            return None
        probe = self._live.get(echo.sequence)
        # Anybody may send an error, and a target knows the identifier and which sequence is next.
        # So one that quotes no more than the header (RFC 792 promises 64 bits) is not believed.
        if probe is None or (echo.serial is not None and echo.serial != probe.serial):
            self.strays[Stray.SEQUENCE] += 1
            return None
        is_ours = echo.cookie == cookie_of(probe.mark)
        if not is_ours or error.destination != probe.target.address:
            self.strays[Stray.SOURCE if is_ours else Stray.PAYLOAD] += 1
            return None
        self._end(probe, _End.OTHER)
        return Outcome(
            probe=probe,
            kind=OutcomeKind.REJECTED,
            at_ns=now,
            detail=error_name(self.family, error.type, error.code),
            reporter=error.reporter,
        )

    def overrun(self, packets: int, now: MonotonicNs) -> None:
        """So many packets found no room in the socket: the reply of any probe may be one."""
        self.strays[Stray.OVERRUN] += packets
        self._overrun_ns = now

    def fail_send(self, probe: Probe, errno_name: str, now: MonotonicNs) -> Outcome:
        """The Outcome of a packet that the kernel did not take."""
        self._end(probe, _End.OTHER)
        return Outcome(probe=probe, kind=OutcomeKind.SEND_FAILED, at_ns=now, detail=errno_name)

    def expire(self, now: MonotonicNs) -> list[Outcome]:
        """The Outcomes of every probe whose time is over."""
        outcomes = []
        while self._order:
            probe = self._order[0]
            is_live = self._live.get(probe.sequence) is probe
            if is_live and probe.sent_ns + self.timeout_ns > now:
                break
            self._order.popleft()
            if is_live:
                self._end(probe, _End.OTHER)
                detail = OVERRUN if probe.sent_ns < self._overrun_ns else ""
                outcomes.append(Outcome(probe, OutcomeKind.TIMED_OUT, now, detail=detail))
        return outcomes

    def next_expiry(self) -> MonotonicNs | None:
        """When `expire` has something; None when nothing is in flight."""
        while self._order and self._live.get(self._order[0].sequence) is not self._order[0]:
            self._order.popleft()
        return MonotonicNs(self._order[0].sent_ns + self.timeout_ns) if self._order else None

    def _why(self, data: bytes) -> Stray:
        """Why a packet answers no probe."""
        echo = parse_reply(self.family, data, has_ip_header=False)
        if echo is None:
            return Stray.NOT_ECHO
        if echo.identifier != self._identifier:
            return Stray.IDENTIFIER
        if echo.serial is None:
            return Stray.PAYLOAD
        probe = self._live.get(echo.sequence)
        if probe is not None and probe.serial == echo.serial:
            is_ours = echo.cookie == cookie_of(probe.mark)
            return Stray.SOURCE if is_ours else Stray.PAYLOAD
        serial, cookie, end = self._ended.get(echo.sequence, (-1, 0, _End.OTHER))
        if (serial, cookie) != (echo.serial, echo.cookie):
            return Stray.SEQUENCE if serial != echo.serial else Stray.PAYLOAD
        return Stray.DUPLICATE if end is _End.REPLIED else Stray.LATE

    def _end(self, probe: Probe, end: _End) -> None:
        del self._live[probe.sequence]
        self._ended.pop(probe.sequence, None)
        self._ended[probe.sequence] = (probe.serial, cookie_of(probe.mark), end)
        if len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)
