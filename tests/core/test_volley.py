"""Checks a volley: how many pokes leave, when, and that each has its end in the result."""

from pokepodsd.core.model import MILLISECOND_NS, SECOND_NS, MonotonicNs, OutcomeKind
from pokepodsd.core.volley import GAP_NS, Volley
from tests.core.builders import T0, V4, V6, draw_cookie, make_target, reply_to

TIMEOUT_NS = SECOND_NS


def volley_of(count: int) -> Volley:
    return Volley(
        make_target(1),
        (V4, V6),
        count=count,
        timeout_ns=TIMEOUT_NS,
        draw=draw_cookie,
        now=T0,
    )


def finish(volley: Volley, *, answered: bool, refused: bool = False) -> list[int]:
    """To the end; when each packet left, since the beginning."""
    left = []
    now = T0
    while not volley.is_done:
        volley.tick(now)
        for send in volley.due(now):
            left.append(now - T0)
            if refused:
                volley.send_failed(send, "EPERM", now)
            elif answered:
                volley.receive(reply_to(send.probe, after_ns=MILLISECOND_NS), now)
        volley.sent(now)
        due = volley.next_wake()
        assert volley.is_done or (due is not None and due > now)
        now = MonotonicNs(due or now)
    return left


def test_three_replies_are_enough() -> None:
    """The pokes leave a gap apart, and end with the third reply."""
    volley = volley_of(5)
    assert finish(volley, answered=True) == [0, GAP_NS, 2 * GAP_NS]
    assert [poke.number for poke in volley.pokes] == [1, 2, 3]
    assert all(poke.is_answered for poke in volley.pokes)


def test_fewer_may_be_asked_for() -> None:
    """The count is the most that leave."""
    volley = volley_of(1)
    assert finish(volley, answered=True) == [0]


def test_silence_takes_all_of_them() -> None:
    """Each poke that is lost is told, after its own timeout."""
    volley = volley_of(4)
    assert finish(volley, answered=False) == [number * GAP_NS for number in range(4)]
    assert [poke.outcome.kind for poke in volley.pokes] == [OutcomeKind.TIMED_OUT] * 4
    assert [poke.outcome.at_ns - poke.outcome.probe.sent_ns for poke in volley.pokes] == [
        TIMEOUT_NS
    ] * 4


def test_what_the_kernel_does_not_take_is_told() -> None:
    """A failed send is the end of its poke, by the errno."""
    volley = volley_of(2)
    finish(volley, answered=False, refused=True)
    assert [poke.outcome.detail for poke in volley.pokes] == ["EPERM", "EPERM"]


def test_a_reply_shows_its_hop_limit() -> None:
    """It is that of the datagram, where the socket tells it."""
    volley = volley_of(1)
    (send,) = volley.due(T0)
    reply = reply_to(send.probe, after_ns=MILLISECOND_NS)._replace(ttl=63)
    volley.receive(reply, MonotonicNs(T0 + MILLISECOND_NS))
    assert [poke.ttl for poke in volley.pokes] == [63]


def test_a_poke_for_which_there_is_no_sequence_is_passed_over() -> None:
    """The volley goes on, and ends, without it."""
    volley = volley_of(1)
    for _ in range(2**16):
        if volley._flights.open(make_target(2), T0, opening=False) is None:
            break
    assert list(volley.due(T0)) == []
    assert volley._left == 0
