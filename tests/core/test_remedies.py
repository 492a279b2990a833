"""Checks why a tunnel is said to be broken, and that the advice fits what the kernel says."""

import pytest

from pokepodsd.core.kernel import ConntrackEntry, Counters, Findings, RouteAnswer
from pokepodsd.core.remedies import reason

NODE, ADDRESS = "10.9.0.2", "10.244.2.0"
THROUGH = RouteAnswer(device="tunl0", kind="ipip", gateway=NODE)


def said(kind: str, device: str, *findings: Findings) -> str:
    return reason(kind, device, NODE, ADDRESS, findings)


def sample(sent: int, received: int, **more: ConntrackEntry) -> Findings:
    counters = Counters(sent=sent, received=received)
    return Findings(route=THROUGH, counters=counters, conntrack=more.get("conntrack"))


@pytest.mark.parametrize(
    ("kind", "device", "words"),
    [
        ("ipip", "tunl0", "IP protocol 4: allow protocol 4, not 94"),
        ("tun", "tunl0", "IP protocol 4: allow protocol 4, not 94"),
        ("sit", "sit0", "IP protocol 41"),
        ("gre", "gre1", "IP protocol 47"),
        ("vxlan", "vxlan.calico", "UDP port (Calico 4789, flannel 8472)"),
        ("geneve", "gen0", "UDP port 6081"),
        ("wireguard", "wireguard.cali", "compare the keys (wg show)"),
        ("tun", "tun3", "look at the firewall between the nodes"),
        ("", "", "look at the firewall between the nodes"),
    ],
)
def test_each_kind_has_its_own_advice(kind: str, device: str, words: str) -> None:
    """The protocol or port to allow, and the node from which nothing comes."""
    text = said(kind, device)
    assert words in text
    assert text.startswith(f"no answer comes back from {NODE}")


@pytest.mark.parametrize("kind", ["vxlan", "geneve"])
def test_no_repair_is_promised_where_pokes_cannot(kind: str) -> None:
    """The source port is a hash of the inner flow: what is sent opens nothing."""
    assert "cannot open it" in said(kind, "any")


def test_only_ipip_is_told_to_be_dropped_by_azure() -> None:
    """And its number is not 94, which some call IPIP."""
    assert "Azure drops it always" in said("ipip", "tunl0")
    assert "Azure" not in said("vxlan", "vxlan.calico")
    assert "94" not in said("gre", "gre1")


def test_far_end_is_named_by_the_poked_address_where_the_node_is_unknown() -> None:
    """A VXLAN tunnel whose node the kernel does not say."""
    assert f"from {ADDRESS}" in reason("vxlan", "flannel.1", None, ADDRESS, [])


@pytest.mark.parametrize("error", ["ENETUNREACH", "EINVAL"])
def test_missing_route_is_the_network_plugins(error: str) -> None:
    """No firewall is accused where this host does not even know the way."""
    text = said("ipip", "tunl0", Findings(route=RouteAnswer(device=None, error=error)))
    assert text.startswith(f"this host has no route to {ADDRESS} ({error})")
    assert "calico-node" in text
    assert "protocol 4" not in text


@pytest.mark.parametrize(("device", "words"), [("tunl0", " instead of tunl0"), ("", "")])
def test_route_that_leads_past_the_tunnel_is_said(device: str, words: str) -> None:
    """One subnet, CrossSubnet: it is not tunnelled at all."""
    finding = Findings(route=RouteAnswer(device="eth0", source="10.9.0.1"))
    text = said("ipip", device, finding)
    assert f"{ADDRESS} goes out through eth0{words}, so it is not tunnelled at all" in text
    assert "CrossSubnet" in text
    assert "source/destination check" in text


@pytest.mark.parametrize("device", ["tunl0", "tunl1", ""])
def test_route_through_any_tunnel_is_no_reason(device: str) -> None:
    """Then it is what comes back, or does not."""
    assert "goes out through" not in said("ipip", device, Findings(route=THROUGH))


def test_last_route_counts() -> None:
    """It was there when the tunnel fell silent, and is gone by the decision."""
    gone = Findings(route=RouteAnswer(device=None, error="ENETUNREACH"))
    assert "no route" in said("ipip", "tunl0", Findings(route=THROUGH), gone)
    assert "no route" not in said("ipip", "tunl0", gone, Findings(route=THROUGH))


def test_counters_are_those_between_the_first_and_the_last_sample() -> None:
    """What was sent and received meanwhile."""
    text = said("ipip", "tunl0", sample(100, 50), sample(105, 50), sample(112, 51))
    assert text.startswith("meanwhile tunl0 sent 12 packets and received 1, of all peers; no ")


def test_one_sample_of_counters_says_nothing() -> None:
    """Since the device exists it sent something."""
    assert "meanwhile" not in said("ipip", "tunl0", sample(100, 50))
    assert "meanwhile" not in said("ipip", "tunl0", sample(100, 50), Findings(route=THROUGH))


@pytest.mark.parametrize(
    ("flag", "word", "what"), [(True, "UNREPLIED", "nothing"), (False, "replied", "no answer")]
)
def test_conntrack_entry_is_told(flag: bool, word: str, what: str) -> None:
    """Whether anything ever came back, and how long it still lasts."""
    entry = ConntrackEntry(is_unreplied=flag, seconds_left=571)
    text = said("ipip", "tunl0", sample(1, 1), sample(2, 1, conntrack=entry))
    assert f"its conntrack entry for protocol 4 is {word}, 571 s left; {what} comes" in text
