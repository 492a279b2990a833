"""Checks the asker against a real API server: what it asks for, and the records that it makes."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pokepodsd.asker import Asker, Orders
from pokepodsd.core.config import KubernetesConfig, validate
from pokepodsd.core.model import NodeName, Scope
from pokepodsd.core.protocol import Pause, Timings
from pokepodsd.core.records import (
    Asked,
    Identified,
    ListBegun,
    ListEnded,
    Lost,
    PodChanged,
    PodIgnored,
    PodRemoved,
    PodsListed,
    Record,
    Refused,
    Watching,
)
from pokepodsd.core.requests import Request, Result
from pokepodsd.edge.clock import monotonic_ns
from pokepodsd.errors import CredentialsError
from tests.apiserver.client import ApiServer as ClusterServer
from tests.apiserver.kubeconfig import rotate, write_token_kubeconfig

NODE = Identified(node=NodeName("node-a"), source="certificate")
NAMES = {f"app-{number:06d}" for number in range(3)}
FAST = Timings(silence=3.0, answer=3.0, first_delay=0.01, longest_delay=0.02)


@pytest.fixture
def config(kubelet: Path) -> KubernetesConfig:
    return validate({"kubernetes": {"kubeconfig": str(kubelet)}}, source="test").kubernetes


@pytest.fixture
def make_asker(config: KubernetesConfig, scratch: Path) -> Callable[..., Asker]:
    def make(*, allow: Callable[[float], None] = lambda _: None, **changes: object) -> Asker:
        changed = replace(config, **changes)  # type: ignore[arg-type]
        return Asker(Orders(config=changed, timings=FAST, scratch=scratch), allow=allow)

    return make


def records(asker: Asker) -> Iterator[Record]:
    """What the reader's main thread would write of pods, for as long as it is asked."""
    return (one for one in all_records(asker) if not isinstance(one, Asked))


def all_records(asker: Asker) -> Iterator[Record]:
    """All that it would write."""
    while True:
        if not asker.is_connected:
            yield asker.connect()
            continue
        step = asker.feed.next_step()
        if isinstance(step, Pause):
            asker.wait(step.seconds)
            continue
        yield from asker.ask(step)


def take_until(stream: Iterator[Record], kind: type[Record]) -> list[Record]:
    """The records up to the first of a kind."""
    taken: list[Record] = []
    for record in stream:
        taken.append(record)
        if isinstance(record, kind):
            break
    return taken


def listed(taken: list[Record]) -> set[str]:
    return {pod.name for one in taken if isinstance(one, PodsListed) for pod in one.pods}


def test_list_then_watch(server: ClusterServer, make_asker: Callable[..., Asker]) -> None:
    """The node is named, the pods are listed, and changes follow."""
    stream = records(make_asker())
    taken = take_until(stream, Watching)
    assert (taken[0], taken[1]) == (NODE, ListBegun())
    assert taken[-2:] == [ListEnded(scope=Scope.CLUSTER), Watching(scope=Scope.CLUSTER)]
    assert listed(taken) == NAMES
    server.control.make_pod(name="new", namespace="fleet", addresses=["10.64.9.9"])
    changed = next(stream)
    assert isinstance(changed, PodChanged)
    assert (changed.pod.name, changed.pod.addresses) == ("new", ("10.64.9.9",))
    server.control.delete_pod("fleet", "new")
    assert next(stream) == PodRemoved(uid=changed.pod.uid)


def test_each_request_is_counted_with_what_came_of_it(make_asker: Callable[..., Asker]) -> None:
    """Before what it brought; the bytes are those of the bodies, and when they came is known."""
    asker = make_asker()
    before = monotonic_ns()
    taken = take_until(all_records(asker), Watching)
    asked = [(one.request, one.result) for one in taken if isinstance(one, Asked)]
    assert asked == [(Request.LIST, Result.OK), (Request.WATCH, Result.OK)]
    alive = asker.alive()
    assert alive.received > 1_000
    assert before < alive.heard_ns <= monotonic_ns()


def test_server_leaves_out_what_is_not_wanted(
    server: ClusterServer, make_asker: Callable[..., Asker]
) -> None:
    """Excluded namespaces, host-network pods and other labels never cross the wire."""
    server.control.make_pod(name="dns", namespace="kube-system")
    server.control.make_pod(name="host", namespace="fleet", host_network=True)
    server.control.make_pod(name="other", namespace="fleet", labels={"tier": "cache"})
    assert listed(take_until(records(make_asker()), Watching)) == {*NAMES, "other"}
    chosen = make_asker(label_selector="tier=cache", exclude_namespaces=())
    assert listed(take_until(records(chosen), Watching)) == {"other"}


def test_refusal_narrows_to_the_nodes_own_pods(
    server: ClusterServer, make_asker: Callable[..., Asker]
) -> None:
    """Without the right the message is handed on, and what may be read is read."""
    server.admin.revoke()
    server.control.make_pod(name="mine", namespace="fleet", node="node-a")
    server.control.make_pod(name="theirs", namespace="fleet", node="node-b")
    taken = take_until(records(make_asker()), Watching)
    (refused,) = [one for one in taken if isinstance(one, Refused)]
    assert 'User "system:node:node-a" cannot' in refused.message
    assert taken[-1] == Watching(scope=Scope.NODE)
    assert listed(taken) == {*NAMES, "mine"}


def test_pod_that_cannot_be_read_is_left_out(
    server: ClusterServer, make_asker: Callable[..., Asker]
) -> None:
    """One pod of the wrong shape costs itself alone."""
    server.control.patch_pod("fleet", "app-000000", {"status": {"podIPs": "10.64.0.1"}})
    taken = take_until(records(make_asker()), Watching)
    assert len([one for one in taken if isinstance(one, PodIgnored)]) == 1
    assert listed(taken) == NAMES - {"app-000000"}


@pytest.mark.parametrize("fault", ["drop", "html", "truncated_line", "garbage_line"])
def test_trouble_is_told_and_overcome(
    server: ClusterServer, make_asker: Callable[..., Asker], fault: str
) -> None:
    """After a fault there is one record of it, and then the whole list."""
    server.control.add_fault(fault)
    stream = records(make_asker())
    (lost,) = [one for one in take_until(stream, Lost) if isinstance(one, Lost)]
    assert len(lost.reason.splitlines()) == 1
    assert listed(take_until(stream, Watching)) == NAMES


def test_bad_retry_after_is_no_crash(
    server: ClusterServer, make_asker: Callable[..., Asker]
) -> None:
    """A throttled asker waits and comes again."""
    server.control.add_fault("status", code=429, retry_after=0)
    stream = records(make_asker())
    assert isinstance(take_until(stream, Lost)[-1], Lost)
    assert listed(take_until(stream, Watching)) == NAMES


def test_rotated_certificate_is_used_at_once(
    server: ClusterServer, kubelet: Path, make_asker: Callable[..., Asker]
) -> None:
    """A quiet watch ends when the certificate is replaced; the next has the new one, and the old
    one is used no more.
    """
    asker = make_asker()
    stream = records(asker)
    take_until(stream, Watching)
    old = {one.serial for one in server.control.requests()}
    server.control.clear_log()
    issued = server.authority.issue_node("node-a")
    rotate(server.authority, kubelet.parent, "node-a", issued)
    other = threading.Thread(target=asker.renew_if_changed)
    other.start()
    taken = take_until(stream, Watching)
    other.join()
    assert taken[0] == NODE
    assert not any(isinstance(one, Lost) for one in taken)
    assert {one.serial for one in server.control.requests()} == {issued.serial}
    assert old.isdisjoint({issued.serial})


def test_rejected_token_is_read_again(
    server: ClusterServer, tmp_path: Path, make_asker: Callable[..., Asker]
) -> None:
    """401 is told, the credentials are read anew, and the new ones are used."""
    user = "system:node:node-a"
    server.control.set_token("good", user, ["system:nodes"])
    folder = tmp_path / "files"
    path = write_token_kubeconfig(server.authority, folder, server.url, "bad")
    asker = make_asker(kubeconfig=str(path), node_name="node-a")
    stream = records(asker)
    assert "401" in str(take_until(stream, Lost)[-1])
    write_token_kubeconfig(server.authority, folder, server.url, "good")
    taken = take_until(stream, Watching)
    assert taken[0] == Identified(node=NodeName("node-a"), source="setting")
    assert listed(taken) == NAMES


def test_missing_credentials_are_an_error(make_asker: Callable[..., Asker]) -> None:
    """Without a kubeconfig there is nobody to ask."""
    asker = make_asker(kubeconfig="/nowhere/kubelet.conf")
    with pytest.raises(CredentialsError, match=r"/nowhere/kubelet\.conf"):
        asker.connect()
    assert not asker.is_connected


def test_every_wait_is_allowed_for(server: ClusterServer, make_asker: Callable[..., Asker]) -> None:
    """Before whatever may last, the guard is told for how long it may."""
    allowed: list[float] = []
    asker = make_asker(allow=allowed.append)
    stream = records(asker)
    take_until(stream, Watching)
    assert allowed[0] == FAST.connect + FAST.answer
    server.control.make_pod(name="new", namespace="fleet", addresses=["10.64.9.9"])
    next(stream)
    assert FAST.silence in allowed
    asker.wait(0.01)
    assert allowed[-1] == 0.01
