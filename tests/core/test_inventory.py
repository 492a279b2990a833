"""Checks which targets exist, against a model that works everything out anew each time."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.inventory import Delta, Inventory, Source
from pokepodsd.core.model import Target, TargetId, Uid
from tests.core.builders import make_target

UIDS = [Uid(f"uid-{number}") for number in range(4)]
# Few uids, addresses and times, so that they meet often.
TARGETS = st.builds(
    make_target,
    st.integers(1, 3),
    uid=st.sampled_from(UIDS),
    name=st.sampled_from(["a", "b"]),
    created=st.sampled_from(["2026-01-01", "2026-01-02"]),
)
SOURCES = st.sampled_from(Source)
PUTS = st.tuples(
    SOURCES,
    st.sampled_from(UIDS),
    st.lists(TARGETS, max_size=2, unique_by=lambda target: target.address).map(tuple),
)
RETAINS = st.tuples(SOURCES, st.sets(st.sampled_from(UIDS)))
Put = tuple[Source, Uid, tuple[Target, ...]]
Retain = tuple[Source, set[Uid]]


def with_owner(uid: Uid, targets: tuple[Target, ...]) -> tuple[Target, ...]:
    """The same targets, but of this pod."""
    return tuple(
        make_target(uid=uid, address=one.address, name=one.name, created=one.created)
        for one in targets
    )


def named(*uids: Uid) -> Callable[[Target], bool]:
    return lambda target: target.uid in uids


def apply(held: dict[TargetId, Target], delta: Delta) -> None:
    """Carry a delta over to a dict, as strictly as its words are meant."""
    for target in delta.withdrawn:
        assert held.pop(target.id) == target
    for target in delta.changed:
        assert held[target.id] != target
        held[target.id] = target
    for target in delta.added:
        assert target.id not in held
        held[target.id] = target


def winners(claims: dict[tuple[Source, Uid], tuple[Target, ...]]) -> dict[str, Target]:
    """Who has each address: the API's word, then the newer pod, then the greater id."""
    best: dict[str, tuple[int, str, str]] = {}
    holders: dict[str, Target] = {}
    for (source, _), targets in claims.items():
        for target in targets:
            rank = (source.value, target.created, target.id)
            if rank > best.get(target.address, (-1, "", "")):
                best[target.address] = rank
                holders[target.address] = target
    return holders


@given(st.lists(PUTS | RETAINS, max_size=30))
def test_deltas_add_up_to_what_the_sources_say(steps: list[Put | Retain]) -> None:
    """After any changes: the targets are the winners, and the deltas lead there step by step."""
    inventory = Inventory()
    held: dict[TargetId, Target] = {}
    claims: dict[tuple[Source, Uid], tuple[Target, ...]] = {}
    for step in steps:
        if len(step) == 3:
            source, uid, targets = step
            targets = with_owner(uid, targets)
            claims[source, uid] = targets
            delta = inventory.put(source, uid, targets)
        else:
            source, uids = step
            claims = {key: one for key, one in claims.items() if key[0] != source or key[1] in uids}
            delta = inventory.retain(source, named(*uids))
        apply(held, delta)
        assert held == {target.id: target for target in inventory.all()}
        assert held == {target.id: target for target in winners(claims).values()}
        assert len(inventory) == len(held)
    for target_id, target in held.items():
        assert target_id in inventory
        assert inventory.get(target_id) == target


@given(PUTS)
def test_same_again_changes_nothing(put: Put) -> None:
    """A list that repeats what is known stirs nobody."""
    source, uid, targets = put
    inventory = Inventory()
    inventory.put(source, uid, with_owner(uid, targets))
    assert inventory.put(source, uid, with_owner(uid, targets)) == Delta()
    assert inventory.retain(source, named(uid)) == Delta()


def test_successor_takes_the_address_and_gives_it_back() -> None:
    """The newer pod has an address that two claim; when it goes, the older has it again."""
    inventory = Inventory()
    old = make_target(1, uid="uid-old", created="2026-01-01")
    new = make_target(1, uid="uid-new", created="2026-01-02")
    inventory.put(Source.API, old.uid, (old,))
    taken = inventory.put(Source.API, new.uid, (new,))
    assert (taken.withdrawn, taken.added, taken.changed) == ([old], [new], [])
    returned = inventory.put(Source.API, new.uid, ())
    assert (returned.withdrawn, returned.added, returned.changed) == ([new], [old], [])


def test_api_is_believed_before_what_was_saved() -> None:
    """A saved claim that looks newer does not beat what the API says now."""
    inventory = Inventory()
    saved = make_target(1, uid="uid-gone", created="2026-12-31")
    real = make_target(1, uid="uid-here", created="2026-01-01")
    inventory.put(Source.SAVED, saved.uid, (saved,))
    assert inventory.put(Source.API, real.uid, (real,)).added == [real]
    assert inventory.retain(Source.SAVED, named()) == Delta()
    assert list(inventory.all()) == [real]


def test_confirmed_target_goes_on_without_a_word() -> None:
    """A saved target that the API names too is neither withdrawn nor added."""
    inventory = Inventory()
    target = make_target(1)
    inventory.put(Source.SAVED, target.uid, (target,))
    assert inventory.put(Source.API, target.uid, (target,)) == Delta()
    assert inventory.retain(Source.SAVED, named()) == Delta()
    renamed = make_target(1, name="other")
    assert inventory.put(Source.API, target.uid, (renamed,)).changed == [renamed]


def test_unconfirmed_saved_target_is_dropped() -> None:
    """What the first full list does not name is withdrawn."""
    inventory = Inventory()
    target = make_target(1)
    inventory.put(Source.SAVED, target.uid, (target,))
    assert inventory.retain(Source.API, named()) == Delta()
    assert inventory.retain(Source.SAVED, named()).withdrawn == [target]
    assert inventory.get(target.id) is None
