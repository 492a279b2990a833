"""Checks that the lab stands, behaves as a cluster of nodes, and goes away without a trace."""

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.lab import EchoCapture, Lab, LabError, inside
from tests.lab.asking import FAMILIES, is_answered, is_silent, pod
from tests.lab.namespace import DIRECTORY

HOME = os.readlink("/proc/thread-self/ns/net")


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab() as standing:
        yield standing


class TestNetwork:
    """The nodes reach each other's pods, and nothing outlives the lab."""

    @pytest.mark.parametrize("version", FAMILIES)
    def test_every_node_answers_for_all_its_pods(self, lab: Lab, version: int) -> None:
        """Any address of a block is answered, whoever of the lab asks."""
        for asker in lab.places:
            for node in lab.nodes:
                assert is_answered(asker, pod(node, 1, version))
                assert is_answered(asker, pod(node, 254, version))

    def test_hub_and_nodes_have_their_addresses(self, lab: Lab) -> None:
        """Addresses and blocks are where the documentation says."""
        second = lab.node("node-b")
        assert [node.name for node in lab.nodes] == ["node-a", "node-b", "node-c"]
        assert (second.address, second.address6) == ("192.168.10.11", "fd00:192:168:10::11")
        assert str(second.block) == "10.244.11.0/24"
        assert str(second.block6) == "fd00:10:244:11::/64"
        assert is_answered(second, lab.hub.address)
        assert is_answered(second, lab.hub.address6)

    def test_wide_block_holds_thousands_of_pods(self) -> None:
        """With a /20, one node answers for 4,096 addresses."""
        with Lab(nodes=2, pod_prefix=20) as lab:
            first, second = lab.nodes
            assert second.block.num_addresses == 4096
            assert is_answered(first, second.pod_address(4094))

    def test_two_labs_do_not_see_each_other(self, lab: Lab) -> None:
        """The same address in two labs is two pods: one dies, the other lives."""
        with Lab() as other:
            lab.nodes[1].kill_address("10.244.11.7")
            with EchoCapture(other.nodes[1]) as capture:
                assert is_silent(lab.nodes[0], "10.244.11.7")
                assert capture.snapshot() == []
                assert is_answered(other.nodes[0], "10.244.11.7")
        assert is_answered(lab.nodes[0], "10.244.11.8")

    def test_everything_is_removed_when_the_body_raises(self) -> None:
        """An exception leaves neither namespaces nor programs behind."""
        lab = Lab()
        programs = []

        def use_and_raise() -> None:
            with lab:
                programs.append(lab.nodes[0].popen("sleep", "60"))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            use_and_raise()
        assert programs[0].returncode == -signal.SIGKILL
        assert not any((DIRECTORY / place.namespace).exists() for place in lab.places)

    def test_everything_is_removed_when_building_fails(self) -> None:
        """A lab that could not be built raises, and leaves nothing behind."""
        lab = Lab()
        subprocess.run(["ip", "netns", "add", lab.nodes[1].namespace], check=True)
        with pytest.raises(LabError, match="File exists"), lab:
            pass
        assert not any((DIRECTORY / place.namespace).exists() for place in lab.places)

    def test_leftovers_of_dead_processes_are_removed(self, lab: Lab) -> None:
        """A new lab clears away what a killed test run left, and nothing that is in use."""
        with subprocess.Popen(["true"]) as dead:
            dead.wait()
        leftover = f"poke-{dead.pid}-0-hub"
        subprocess.run(["ip", "netns", "add", leftover], check=True)
        with Lab(nodes=1):
            assert not (DIRECTORY / leftover).exists()
            assert is_answered(lab.nodes[0], lab.nodes[1].address)

    def test_impossible_labs_are_refused(self) -> None:
        """What does not fit the address plan is an error, not a broken network."""
        with pytest.raises(LabError, match="1 to 245"):
            Lab(nodes=0)
        with pytest.raises(LabError, match="no room"):
            Lab(nodes=2, pod_prefix=14)

    def test_inside_comes_back(self, lab: Lab) -> None:
        """After the body, also one that raises, the thread is where it was."""

        def look_and_raise() -> None:
            with inside(lab.hub.namespace):
                assert os.readlink("/proc/thread-self/ns/net") != HOME
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            look_and_raise()
        assert os.readlink("/proc/thread-self/ns/net") == HOME
        with pytest.raises(LabError, match="no network namespace"), inside("poke-none"):
            pass

    def test_sysctl_belongs_to_one_node(self, lab: Lab) -> None:
        """A sysctl set in one node holds there only."""
        name = "net.ipv4.ping_group_range"
        before = lab.nodes[1].sysctl(name)
        lab.nodes[0].set_sysctl(name, "0 42")
        assert lab.nodes[0].sysctl(name).split() == ["0", "42"]
        assert lab.nodes[1].sysctl(name) == before

    def test_failed_program_says_why(self, lab: Lab) -> None:
        """A program that fails raises with its own words."""
        with pytest.raises(LabError, match="does not exist"):
            lab.nodes[0].run("ip", "link", "show", "eth9")
