"""A false alarm is found, and an outage that is told not at all, twice, or without its end."""

import pytest

from pokepodsd.core.entries import EventKind
from tests.soak.judgement import Judge, patiences
from tests.soak.notices import Notice, Says, read
from tests.soak.truth import SECOND_NS, Outage, Spell, Truth

RULES = patiences(20 * SECOND_NS, 5 * SECOND_NS)
POD = "pod/10.244.11.1"
BACK = EventKind.PEER_BACK
SILENT = EventKind.NODE_UNREACHABLE


def at(seconds: float) -> int:
    return round(seconds * SECOND_NS)


def outage(begin: float, end: float, subject: str = "peer/node-b", node: str = "node-b") -> Outage:
    return Outage(
        fault=f"link-down {node}",
        begin_ns=at(begin),
        end_ns=at(end),
        sure_ns=at(begin),
        undone_ns=at(end),
        daemon="node-a",
        subject=subject,
        node=node,
    )


def told(seconds: float, kind: EventKind, subject: str = "peer/node-b") -> Notice:
    alarms = {SILENT, EventKind.TARGET_DOWN, EventKind.TUNNEL_BROKEN, EventKind.NODE_CUT_OFF}
    ends = {BACK, EventKind.TARGET_UP, EventKind.NODE_BACK}
    says = Says.ALARM if kind in alarms else Says.CLEAR if kind in ends else Says.TROUBLE
    return Notice(
        at_ns=at(seconds), daemon="node-a", kind=kind, says=says, subject=subject, node="node-b"
    )


@pytest.fixture
def truth() -> Truth:
    """A peer that was cut off from 100 s to 150 s."""
    made = Truth()
    made.outages["node-a"].append(outage(100, 150))
    return made


def judged(truth: Truth, *notices: Notice, now: float = 1000) -> list[str]:
    return [one.seen for one in Judge(truth, RULES, at(now)).violations(notices)]


def test_an_outage_that_is_told_once_and_ends_once_is_well(truth: Truth) -> None:
    """Nothing is found."""
    assert not judged(truth, told(110, SILENT), told(152, BACK))


def test_a_false_alarm_is_found(truth: Truth) -> None:
    """Of another peer, of a pod that is well, and of the same peer at another time."""
    well = told(110, SILENT), told(152, BACK)
    for false, end in (
        (told(110, SILENT, "peer/node-c"), told(115, BACK, "peer/node-c")),
        (told(300, EventKind.TUNNEL_BROKEN), told(305, BACK)),
        (told(110, EventKind.NODE_CUT_OFF, "self"), told(115, EventKind.NODE_BACK, "self")),
        (told(300, EventKind.TARGET_DOWN, POD), told(305, EventKind.TARGET_UP, POD)),
    ):
        assert judged(truth, *well, false, end) == [f"{false.kind.name}: "]


def test_an_outage_that_is_not_told_is_found(truth: Truth) -> None:
    """Unless it was short, or the daemon was away, or all peers were."""
    assert judged(truth) == ["0: none"]
    truth.outages["node-a"][0].undone_ns = at(110)
    assert not judged(truth)
    truth.outages["node-a"][0].undone_ns = at(150)
    truth.outages["node-a"].append(outage(140, 145, "self", ""))
    assert not judged(truth)
    truth.outages["node-a"].pop()
    truth.absent["node-a"].append(
        Spell(fault="daemon-killed node-a", begin_ns=at(120), end_ns=at(125))
    )
    assert not judged(truth)


def test_an_outage_that_is_told_twice_is_found(truth: Truth) -> None:
    """Under another name, too."""
    doubled = told(110, SILENT), told(130, EventKind.TUNNEL_BROKEN), told(152, BACK)
    assert len(judged(truth, *doubled)) == 1


def test_an_end_that_is_missing_or_doubled_is_found(truth: Truth) -> None:
    """It is given its time."""
    assert "0: none" in judged(truth, told(110, SILENT))
    assert not judged(truth, told(110, SILENT), now=155)
    assert len(judged(truth, told(110, SILENT), told(151, BACK), told(153, BACK))) == 1


def test_what_need_not_be_told_is_not_told_twice_either(truth: Truth) -> None:
    """A short outage may have its alarm; but not two, and not one without an end."""
    truth.outages["node-a"][0].undone_ns = at(105)
    assert not judged(truth, told(110, SILENT), told(152, BACK))
    assert len(judged(truth, told(110, SILENT), told(120, SILENT), told(152, BACK))) == 1
    assert len(judged(truth, told(110, SILENT))) == 1
    assert not judged(truth, told(110, SILENT), now=160)
    truth.absent["node-a"].append(Spell(fault="daemon-killed", begin_ns=at(115), end_ns=at(118)))
    assert not judged(truth, told(110, SILENT), told(120, SILENT), told(152, BACK))


def test_of_a_node_that_is_cut_off_no_peer_is_to_blame() -> None:
    """Its own alarm is the one that is wanted."""
    truth = Truth()
    truth.outages["node-a"].append(outage(100, 150, "self", ""))
    itself = told(110, EventKind.NODE_CUT_OFF, "self"), told(153, EventKind.NODE_BACK, "self")
    assert not judged(truth, *itself)
    blame = told(112, SILENT, "peer/node-c"), told(153, BACK, "peer/node-c")
    assert len(judged(truth, *itself, *blame)) == 1


def test_a_pod_that_is_told_down_when_its_peer_is_well_again_is_found(truth: Truth) -> None:
    """While the peer was cut off it might be; of several at once, too."""
    well = told(110, SILENT), told(152, BACK)
    for subject in (POD, "pods/node-b"):
        late = told(170, EventKind.TARGET_DOWN, subject), told(175, EventKind.TARGET_UP, subject)
        assert judged(truth, *well, *late) == ["TARGET_DOWN: "]
        early = told(120, EventKind.TARGET_DOWN, subject), told(155, EventKind.TARGET_UP, subject)
        assert not judged(truth, *well, *early)


def test_trouble_without_its_fault_is_found() -> None:
    """A reader that is replaced though nobody killed it."""
    truth = Truth()
    replaced = told(100, EventKind.READER_REPLACED, "")
    assert len(judged(truth, replaced)) == 1
    fault = Spell(fault="reader-killed node-a", begin_ns=at(99), end_ns=at(100))
    truth.faults.append(fault)
    assert not judged(truth, replaced)
    fault.fault = "reader-killed node-b"
    assert len(judged(truth, replaced)) == 1


def test_entries_are_read_by_their_fields() -> None:
    """What the journal was given, to what is judged."""
    entry = {
        "MESSAGE_ID": EventKind.TARGET_DOWN.value,
        "MESSAGE": "a pod is down",
        "POKEPODSD_ADDRESS": "10.244.11.1",
        "POKEPODSD_NODE": "node-b",
    }
    assert read("node-a", 1, entry).subject == POD
    del entry["POKEPODSD_ADDRESS"]
    assert read("node-a", 1, entry).subject == "pods/node-b"
    unfiltered = {"MESSAGE_ID": BACK.value, "MESSAGE": "", "POKEPODSD_NODE": "node-b"}
    assert read("node-a", 1, unfiltered).says is Says.NEWS
    unfiltered["POKEPODSD_LAYER"] = "tunnel"
    assert read("node-a", 1, unfiltered).says is Says.CLEAR
