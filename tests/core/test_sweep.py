"""Checks one sweep: each target has exactly one result, after its tries and no more."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.model import (
    MILLISECOND_NS,
    SECOND_NS,
    Family,
    IcmpError,
    MonotonicNs,
    OutcomeKind,
    TargetId,
)
from pokepodsd.core.sweep import Sweep
from tests.core.builders import T0, V4, V6, at, draw_cookie, make_config, make_target, reply_to

REPLY, SILENCE, ERROR, REFUSED = range(4)


def sweep_of(count: int, *, tries: int = 1, max_rate: int = 200) -> Sweep:
    targets = [make_target(number) for number in range(1, count + 1)]
    poke = make_config(poke={"max_rate": max_rate}).poke
    return Sweep(targets, (V4, V6), poke, tries=tries, draw=draw_cookie, now=T0)


def finish(sweep: Sweep, behaviours: dict[str, list[int]]) -> tuple[Counter[str], list[int]]:
    """Sweep to the end; how often each address was poked, and when each packet left."""
    poked: Counter[str] = Counter()
    left: list[int] = []
    now = int(T0)
    while not sweep.is_done:
        sweep.tick(MonotonicNs(now))
        for send in sweep.due(MonotonicNs(now)):
            target = send.probe.target
            plan = behaviours.get(target.address, [])
            behaviour = plan[poked[target.address]] if poked[target.address] < len(plan) else REPLY
            poked[target.address] += 1
            left.append(now)
            if behaviour == REPLY:
                sweep.receive(reply_to(send.probe, after_ns=MILLISECOND_NS), MonotonicNs(now))
            elif behaviour == ERROR:
                error = IcmpError(
                    family=target.family,
                    quoted=send.packet,
                    destination=target.address,
                    type=3,
                    code=1,
                    reporter="r",
                )
                sweep.receive_error(error, MonotonicNs(now))
            elif behaviour == REFUSED:
                sweep.send_failed(send, "EPERM", MonotonicNs(now))
        sweep.sent(MonotonicNs(now))
        if not sweep.is_done:
            due = sweep.next_wake()
            assert due is not None
            assert due > now or sweep.is_done
            now = due
    return poked, left


def result(sweep: Sweep, number: int) -> OutcomeKind:
    return sweep.results[make_target(number).id].kind


def test_all_that_answer_are_poked_once() -> None:
    """The quick pokes of the daemon's newcomers are not wanted here."""
    sweep = sweep_of(30, tries=3)
    poked, _ = finish(sweep, {})
    assert set(poked.values()) == {1}
    assert {outcome.kind for outcome in sweep.results.values()} == {OutcomeKind.REPLIED}


def test_no_targets_are_done_at_once() -> None:
    """An empty cluster is swept already."""
    sweep = sweep_of(0)
    assert sweep.is_done
    assert sweep.next_wake() is None
    assert list(sweep.due(at(1))) == []


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        (SILENCE, OutcomeKind.TIMED_OUT),
        (ERROR, OutcomeKind.REJECTED),
        (REFUSED, OutcomeKind.SEND_FAILED),
    ],
)
def test_failure_is_the_result_after_the_last_try(behaviour: int, kind: OutcomeKind) -> None:
    """Each failure but the last is followed by another try; an answer ends the tries."""
    sweep = sweep_of(2, tries=3)
    poked, _ = finish(sweep, {"10.0.0.1": [behaviour] * 9, "10.0.0.2": [behaviour] * 2})
    assert poked == {"10.0.0.1": 3, "10.0.0.2": 3}
    assert result(sweep, 1) is kind
    assert result(sweep, 2) is OutcomeKind.REPLIED


def test_sweep_waits_for_the_last_answer() -> None:
    """It is not done while a poke may still be answered, and ends with its timeout."""
    sweep = sweep_of(1)
    (send,) = sweep.due(T0)
    sweep.tick(at(0.999))
    assert not sweep.is_done
    assert sweep.next_wake() == at(1)
    sweep.tick(at(1))
    assert sweep.is_done
    assert sweep.next_wake() is None
    sweep.receive(reply_to(send.probe, after_ns=MILLISECOND_NS), at(1.1))
    assert result(sweep, 1) is OutcomeKind.TIMED_OUT


def test_sweep_keeps_to_the_cap() -> None:
    """A thousand targets at 200 a second take their five seconds, evenly."""
    sweep = sweep_of(1000)
    _, left = finish(sweep, {})
    assert left[-1] - left[0] == pytest.approx(5 * SECOND_NS, rel=0.03)
    assert max(Counter(when // (100 * MILLISECOND_NS) for when in left).values()) <= 2 * 20


@given(
    st.dictionaries(
        st.integers(1, 12).map(lambda number: f"10.0.0.{number}"),
        st.lists(st.sampled_from([REPLY, SILENCE, ERROR, REFUSED]), max_size=4),
    ),
    st.integers(1, 4),
    st.sampled_from([1, 30, 10_000]),
)
def test_each_target_has_one_result_within_its_tries(
    behaviours: dict[str, list[int]], tries: int, max_rate: int
) -> None:
    """Whatever the network does: tries until the first answer, and no try more."""
    sweep = sweep_of(12, tries=tries, max_rate=max_rate)
    poked, _ = finish(sweep, behaviours)
    assert set(sweep.results) == {TargetId(make_target(n).id) for n in range(1, 13)}
    for number in range(1, 13):
        address = f"10.0.0.{number}"
        plan = [*behaviours.get(address, []), REPLY][:tries]
        needed = plan.index(REPLY) + 1 if REPLY in plan else len(plan)
        assert poked[address] == needed
        assert (result(sweep, number) is OutcomeKind.REPLIED) == (REPLY in plan)


def test_a_target_for_which_there_is_no_sequence_waits() -> None:
    """It keeps its tries, and its turn comes again."""
    sweep = sweep_of(1, max_rate=10_000)
    flight = sweep._flights._by_family[Family.V4]
    taken = []
    while (send := flight.open(make_target(2), T0, opening=False)) is not None:
        taken.append(send)
    assert list(sweep.due(T0)) == []
    later = at(2)
    for _ in flight.expire(later):
        pass
    (sent,) = sweep.due(later)
    assert sent.probe.target == make_target(1)


def test_a_reply_that_found_no_room_is_not_put_to_its_target() -> None:
    """The kernel dropped it here, while its probe was on its way."""
    sweep = sweep_of(1)
    assert len(list(sweep.due(T0))) == 1
    sweep.sent(T0)
    sweep.overrun(Family.V4, 1, at(0.1))
    sweep.tick(at(10))
    (outcome,) = sweep.results.values()
    assert outcome.kind is OutcomeKind.TIMED_OUT
    assert outcome.is_for_want_of_room
