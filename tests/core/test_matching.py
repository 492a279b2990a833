"""Checks which node is meant by a name or an address."""

from pokepodsd.core.matching import Register


def test_a_name_goes_before_an_address() -> None:
    """An address that moved to another node does not make it the other one."""
    register = Register()
    first = register.add("node-a", ["192.168.0.1"])
    second = register.add("node-b", ["192.168.0.2"])
    assert register.find("node-a", "192.168.0.2") == first
    assert register.find(None, "192.168.0.2") == second
    assert register.find("node-c", "192.168.0.1") == first
    assert register.find("node-c", "192.168.0.3") is None


def test_an_address_of_two_nodes_says_nothing() -> None:
    """The address of a bridge for containers, which every node has, is nobody's."""
    register = Register()
    register.add("node-a", ["172.17.0.1", "192.168.0.1"])
    register.add("node-b", ["172.17.0.1"])
    assert register.find(None, "172.17.0.1") is None
    assert register.find(None, "192.168.0.1") == 0


def test_a_host_stands_for_its_node() -> None:
    """What is called by the host's name is the node, unless a node has that name itself."""
    register = Register()
    register.add("node-a", other_name="metal-7")
    assert register.find("metal-7", None) == 0
    assert register.add("metal-7") == 1
    assert register.find("metal-7", None) == 1
    assert register.find("node-a", None) == 0


def test_what_is_met_is_known_from_then_on() -> None:
    """A peer that no node is known for becomes a node, once, by its name, address or identity."""
    register = Register()
    assert register.meet("node-a", "192.168.0.1", "node-a") == 0
    assert register.meet(None, "192.168.0.1", "192.168.0.1") == 0
    assert register.meet(None, "192.168.0.2", "192.168.0.2") == 1
    assert register.meet(None, None, "10.244.3.0/26") == 2
    assert register.meet(None, None, "10.244.3.0/26") == 2
    assert [one.name for one in register.nodes] == ["node-a", "192.168.0.2", "10.244.3.0/26"]


def test_a_peer_with_a_shared_address_is_one_node() -> None:
    """It is met again as what it was met as, however often."""
    register = Register()
    register.add("node-a", ["172.17.0.1"])
    register.add("node-b", ["172.17.0.1"])
    met = {register.meet(None, "172.17.0.1", "peer-1") for _ in range(3)}
    assert met == {2}
