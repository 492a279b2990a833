"""What no command on this host mends is found, told as such, and in bounded time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.apiserver.kubeconfig import write_kubeconfig, write_token_kubeconfig
from tests.apiserver.pki import Authority
from tests.preflight.desk import Desk

# Ten seconds for the API, and what it takes to start and to look at the rest.
BOUND_SECONDS = 10.0 + 10.0
AFTER_KUBECONFIG: tuple[str, ...] = (
    *("API server's port:", "API server's TLS:", "API server's answer:", "API server's clock:"),
    *("right to the pods of all nodes:", "right to this node's pods:", "right to read nodes:"),
)


@contextmanager
def _killed(desk: Desk) -> Iterator[None]:
    desk.cluster.api.kill(save=True)
    try:
        yield
    finally:
        desk.cluster.api.start()


@contextmanager
def _frozen(desk: Desk) -> Iterator[None]:
    desk.cluster.api.freeze()
    try:
        yield
    finally:
        desk.cluster.api.thaw()


@contextmanager
def _silent(desk: Desk) -> Iterator[None]:
    control = desk.cluster.api.control
    control.add_fault("silent", count=None)
    try:
        yield
    finally:
        control.clear_faults()


def _kubeconfig(write: Callable[[Desk, Path], Path]) -> object:
    @contextmanager
    def use(desk: Desk) -> Iterator[None]:
        folder = desk.cluster.folder / "other-kubeconfig"
        path = write(desk, folder)
        desk.configure({"kubernetes": {"kubeconfig": str(path)}})
        yield

    return use


def _of_another_authority(desk: Desk, folder: Path) -> Path:
    api = desk.cluster.api
    return write_kubeconfig(Authority(folder / "authority"), folder, api.url, desk.node.name)


def _of_nowhere(desk: Desk, folder: Path) -> Path:
    url = "https://nowhere.invalid:6443"
    return write_kubeconfig(desk.cluster.api.authority, folder, url, desk.node.name)


def _of_nobody(desk: Desk, folder: Path) -> Path:
    api = desk.cluster.api
    return write_token_kubeconfig(api.authority, folder, api.url, "a-token-that-nobody-gave")


def _of_no_kind(_: Desk, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "garbage.conf"
    path.write_text("token: a-token-that-nobody-gave\n- [")
    return path


SCENES = {
    "down": (_killed, "API server's port:", "curl -vk --max-time 5 https://"),
    "frozen": (_frozen, "API server's TLS:", "openssl s_client -connect"),
    "silent": (_silent, "API server's answer:", "curl -vk"),
    "of another authority": (
        _kubeconfig(_of_another_authority),
        "API server's TLS:",
        "openssl s_client -connect",
    ),
    "without an address": (
        _kubeconfig(_of_nowhere),
        "API server's name:",
        "getent ahosts nowhere.invalid",
    ),
    "that knows nobody": (_kubeconfig(_of_nobody), "API server's answer:", "journalctl -u kubelet"),
    "of which there is no sense": (_kubeconfig(_of_no_kind), "kubeconfig:", "ls -lL"),
}


@pytest.mark.parametrize(("make", "name", "command"), SCENES.values(), ids=SCENES.keys())
def test_an_api_server_out_of_reach_is_told_where_it_breaks(
    desk: Desk, make: object, name: str, command: str
) -> None:
    """The first step that fails has the words; the later ones are left out because of it.

    No token is shown, and the checks that have to do with the host alone go on.
    """
    assert callable(make)
    with make(desk):
        begun = time.monotonic()
        page = desk.check()
        took = time.monotonic() - begun
    assert took < BOUND_SECONDS
    (finding,) = page.named(name)
    assert (finding.level, page.status) == ("failed", 1), page.text
    assert finding.label == "no command on this host mends it; this shows more:"
    assert command in finding.remedy
    assert "a-token-that-nobody-gave" not in page.text
    because = f"because {name.rstrip(':')} failed"
    later = AFTER_KUBECONFIG
    if name in later:
        later = later[later.index(name) + 1 :]
    for one in later:
        (left_out,) = page.named(one)
        assert (left_out.level, left_out.head.endswith(because)) == ("skipped", True), page.text
    assert page.named("tunnel devices:")[0].level == "ok"
