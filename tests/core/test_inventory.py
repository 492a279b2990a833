"""Checks which targets exist, against a model that works everything out anew each time."""

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
WITHDRAWALS = st.sets(st.sampled_from(UIDS))
Put = tuple[Source, Uid, tuple[Target, ...]]


def with_owner(uid: Uid, targets: tuple[Target, ...]) -> tuple[Target, ...]:
    """The same targets, but of this pod."""
    return tuple(
        make_target(uid=uid, address=one.address, name=one.name, created=one.created)
        for one in targets
    )


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


def winners(claims: dict[Uid, tuple[Source, tuple[Target, ...]]]) -> dict[str, Target]:
    """Who has each address: the API's word, then the newer pod, then the greater id."""
    best: dict[str, tuple[int, str, str]] = {}
    holders: dict[str, Target] = {}
    for source, targets in claims.values():
        for target in targets:
            rank = (source.value, target.created, target.id)
            if rank > best.get(target.address, (-1, "", "")):
                best[target.address] = rank
                holders[target.address] = target
    return holders


@given(st.lists(PUTS | WITHDRAWALS, max_size=30))
def test_deltas_add_up_to_what_the_sources_say(steps: list[Put | set[Uid]]) -> None:
    """After any changes: the targets are the winners, and the deltas lead there step by step."""
    inventory = Inventory()
    held: dict[TargetId, Target] = {}
    claims: dict[Uid, tuple[Source, tuple[Target, ...]]] = {}
    for step in steps:
        if isinstance(step, set):
            claims = {uid: claim for uid, claim in claims.items() if uid not in step}
            delta = inventory.withdraw(step)
        else:
            source, uid, targets = step
            targets = with_owner(uid, targets)
            known, _ = claims.get(uid, (Source.SAVED, ()))
            if source >= known:
                claims[uid] = (source, targets)
            if not claims[uid][1]:
                del claims[uid]
            delta = inventory.put(source, uid, targets)
        apply(held, delta)
        assert held == {target.id: target for target in inventory.all()}
        assert held == {target.id: target for target in winners(claims).values()}
        assert len(inventory) == len(held)
        assert inventory.pods == claims.keys()
        assert inventory.saved == {uid for uid, (one, _) in claims.items() if one is Source.SAVED}
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
    assert inventory.withdraw([saved.uid]) == Delta()
    assert list(inventory.all()) == [real]


def test_confirmed_target_goes_on_without_a_word() -> None:
    """A saved target that the API names too is neither withdrawn nor added."""
    inventory = Inventory()
    target = make_target(1)
    inventory.put(Source.SAVED, target.uid, (target,))
    assert inventory.put(Source.API, target.uid, (target,)) == Delta()
    assert not inventory.saved
    renamed = make_target(1, name="other")
    assert inventory.put(Source.API, target.uid, (renamed,)).changed == [renamed]


def test_saved_word_comes_too_late() -> None:
    """What the API has spoken of is not what the file says, whatever is read from it later."""
    inventory = Inventory()
    target, saved = make_target(1, name="now"), make_target(1, name="before")
    inventory.put(Source.API, target.uid, (target,))
    assert inventory.put(Source.SAVED, target.uid, (saved,)) == Delta()
    assert inventory.get(target.id) == target


def test_api_denies_what_was_saved() -> None:
    """A pod that has come to its end meanwhile goes with the first word about it."""
    inventory = Inventory()
    target = make_target(1)
    inventory.put(Source.SAVED, target.uid, (target,))
    assert inventory.put(Source.API, target.uid, ()).withdrawn == [target]
    assert inventory.get(target.id) is None


def test_addresses_that_are_this_hosts_own_are_dropped() -> None:
    """The other addresses of their pods stay, and what nobody claims is nothing."""
    inventory = Inventory()
    both = tuple(make_target(uid="uid-1", address=one) for one in ("10.0.0.1", "10.0.0.2"))
    inventory.put(Source.API, Uid("uid-1"), both)
    delta = inventory.drop_addresses(["10.0.0.1", "10.9.9.9"])
    assert (delta.withdrawn, delta.added, delta.changed) == ([both[0]], [], [])
    assert list(inventory.all()) == [both[1]]
    assert inventory.claims(Uid("uid-1")) == (both[1],)
