"""Checks that nodes with tunnels come and go, and that nothing outlives who built them."""

import os
import select
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Encapsulation, Lab, LabError, Process
from tests.lab.asking import greeting, is_answered, is_silent
from tests.lab.namespace import DIRECTORY

PATIENCE_SECONDS = 5.0
BUILDER = (
    "import signal; from tests.lab import Encapsulation, Lab\n"
    "with Lab(2, tunnels=Encapsulation.IPIP): print('stands', flush=True); signal.pause()"
)


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab(tunnels=Encapsulation.IPIP) as standing:
        yield standing


class TestRebuild:
    """A node disappears, and comes back as a new one with the old addresses."""

    @pytest.mark.parametrize("encapsulation", [None, *Encapsulation])
    def test_rebuilt_node_is_reached_again(self, encapsulation: Encapsulation | None) -> None:
        """In between it is not, and the others do not notice."""
        with Lab(tunnels=encapsulation) as lab:
            first, second, third = lab.nodes
            lab.tear_down(second)
            assert not (DIRECTORY / second.namespace).exists()
            assert is_silent(first, second.address)
            assert is_silent(third, second.pod_address(1))
            lab.rebuild(second)
            is_silent(first, second.pod_address(1))
            assert is_answered(second, first.pod_address(1))
            assert is_answered(first, second.pod_address(1))
            assert is_answered(first, second.pod_address6(1))
            is_silent(first, third.pod_address(1))
            assert is_answered(third, first.pod_address(1))

    def test_rebuilt_node_remembers_nobody(self, lab: Lab) -> None:
        """Its peers still may come from their own memory, but it takes nothing unasked."""
        first, second, _ = lab.nodes
        is_silent(first, second.pod_address(1))
        assert is_answered(second, first.pod_address(1))
        lab.tear_down(second)
        lab.rebuild(second)
        assert is_silent(first, second.pod_address(1))
        assert is_answered(second, first.pod_address(1))
        assert is_answered(first, second.pod_address(1))
        assert greeting(first, second.pod_address(2)) == "10.244.11.2 on node-b"

    def test_faults_do_not_survive(self, lab: Lab) -> None:
        """What was broken at a node is whole after it was rebuilt, and can be broken anew."""
        first, second, _ = lab.nodes
        for _ in range(2):
            second.kill_address(second.pod_address(1))
            second.swallow_pings(second.address)
            second.half_open(8080)
            lab.tear_down(second)
            lab.rebuild(second)
            assert is_answered(first, second.address)
            is_silent(first, second.pod_address(1))
            assert is_answered(second, first.pod_address(1))
            assert is_answered(first, second.pod_address(1))
            assert greeting(first, second.pod_address(1)) == "10.244.11.1 on node-b"

    def test_only_what_is_gone_is_rebuilt(self, lab: Lab) -> None:
        """Tearing down what is gone, or building what stands, is an error of the test."""
        second = lab.nodes[1]
        with pytest.raises(LabError, match="File exists"):
            lab.rebuild(second)
        lab.tear_down(second)
        with pytest.raises(LabError):
            lab.tear_down(second)

    def test_deleted_device_stops_one_tunnel_only(self, lab: Lab) -> None:
        """Somebody deletes tunl0 on one node: its tunnels are gone, the others' are not."""
        first, second, third = lab.nodes
        second.run("ip", "link", "delete", "tunl0")
        is_silent(first, third.pod_address(1))
        assert is_answered(third, first.pod_address(1))
        lab.tear_down(second)
        lab.rebuild(second)
        is_silent(first, second.pod_address(1))
        assert is_answered(second, first.pod_address(1))


class TestEnd:
    """The helper ends with the lab, and with the process that built it."""

    def test_helper_ends_with_the_lab(self) -> None:
        """Also when the body raises; no namespace is left, nor a process."""
        lab = Lab(2, tunnels=Encapsulation.IPIP)

        def use_and_raise() -> None:
            with lab:
                assert len(helpers_of(os.getpid())) == 1
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            use_and_raise()
        assert helpers_of(os.getpid()) == []
        assert not any((DIRECTORY / place.namespace).exists() for place in lab.places)

    def test_killed_builder_leaves_nothing(self) -> None:
        """Its helper ends at once, and the next lab removes its namespaces."""
        with Process([sys.executable, "-c", BUILDER]) as builder:
            builder.wait_for_line("^stands$")
            (helper,) = helpers_of(builder.pid)
            descriptor = os.pidfd_open(helper)
            builder.kill()
            assert select.select([descriptor], [], [], PATIENCE_SECONDS)[0]
            os.close(descriptor)
            assert len(list(DIRECTORY.glob(f"poke-{builder.pid}-*"))) == 3
            builder.wait()
        with Lab(1):
            assert list(DIRECTORY.glob(f"poke-{builder.pid}-*")) == []

    def test_dead_helper_is_told(self, lab: Lab) -> None:
        """A lab whose helper was killed does not build a node that would have no tunnel."""
        (helper,) = helpers_of(os.getpid())
        os.kill(helper, signal.SIGKILL)
        with pytest.raises(LabError, match=f"helper {helper}"):
            lab.tear_down(lab.nodes[0])


def helpers_of(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [
        int(child)
        for child in children
        if b"tests.lab.helperprogram" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
