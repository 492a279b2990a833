"""What Prometheus has of several nodes to one matrix.

Owns which metrics are asked for, and what follows from them: Prometheus has a series for each peer
that is not well, and only numbers of those that are. Asks nothing: the samples are handed in.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pokepodsd.core.matching import Register
from pokepodsd.core.matrix import END_OF_TIME_SECONDS, Cell, Matrix, Node, Report, State
from pokepodsd.core.matrixrows import silent_row, told_row
from pokepodsd.errors import SourceError

_VERDICTS: Final = {
    "ok": State.OK,
    "opening": State.OPENING,
    "tunnel_broken": State.TUNNEL_BROKEN,
    "node_unreachable": State.NODE_UNREACHABLE,
    "pod_only": State.POD_ONLY,
    "underlay_filtered": State.UNDERLAY_FILTERED,
}
_NAMES: Final = (
    *("node_info", "node_address_info", "node_cut_off", "peers"),
    *("peer_unwell", "peer_unwell_since_timestamp_seconds"),
)
_PREFIX: Final = "pokepodsd_"
_GONE: Final = "its metrics are gone: the node, its pokepodsd or its exporter does not answer"
_CUT_OFF: Final = "the node is cut off; Prometheus does not have which peers fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A series of Prometheus at one time, with its name among the labels."""

    labels: Mapping[str, str]
    value: float

    @property
    def name(self) -> str:
        """The metric's name, without our prefix."""
        return self.labels.get("__name__", "").removeprefix(_PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queries:
    """What to ask: everything now, which nodes there were within a day, which targets are up."""

    now: str
    before: str
    targets: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What was answered to each of the queries, and when."""

    now: Sequence[Sample]
    before: Sequence[Sample]
    targets: Sequence[Sample]
    at_seconds: float


@dataclass(slots=True)
class _Target:
    """What one target of Prometheus' says of its node."""

    names: tuple[str, str]
    addresses: list[str] = field(default_factory=list)
    is_cut_off: bool = False
    counts: Counter[State] = field(default_factory=Counter)
    unwell: dict[tuple[str, str], State] = field(default_factory=dict)
    since: dict[tuple[str, str], float] = field(default_factory=dict)


_Key = tuple[str, str]


def queries(selector: str) -> Queries:
    """The queries; ``selector`` is what is put between the braces, ``cluster="prod"``, or ""."""
    more = f",{selector}" if selector else ""
    before = f"last_over_time({_PREFIX}node_info{{{selector}}}[1d])"
    return Queries(
        now=f'{{__name__=~"{_PREFIX}({"|".join(_NAMES)})"{more}}}',
        before=before,
        targets=f"up{{{selector}}} and on (job) {before}",
    )


def sample_matrix(answers: Answers, *, source: str) -> Matrix:
    """The matrix of all nodes that report, or did within a day and are still to be scraped.

    Raises:
        SourceError: there are none.
    """
    reporting = _told(answers.now)
    register = Register()
    targets: dict[int, _Target] = {}
    notes: dict[int, str] = {}
    for key, target in reporting.items():
        name, host = target.names
        number = register.add(name, target.addresses, other_name=host)
        if number in targets:
            notes[number] = f"told by two targets, of which {key[1]} is left out"
        else:
            targets[number] = target
    for name in _missing(answers, reporting):
        number = register.meet(name, name.rpartition(":")[0].strip("[]"), name)
        if number not in targets:
            notes[number] = _GONE
    for target in targets.values():
        for peer in target.unwell:
            register.meet(*_naming(peer))
    if not register.nodes:
        raise SourceError("it has no metrics of pokepodsd: see whether its targets are up")
    return _matrix(register, targets, notes, answers.at_seconds, source)


def _matrix(
    register: Register,
    targets: Mapping[int, _Target],
    notes: Mapping[int, str],
    at_seconds: float,
    source: str,
) -> Matrix:
    reporting = [number in targets for number in range(len(register.nodes))]
    rows, nodes = [], []
    for number, known in enumerate(register.nodes):
        target = targets.get(number)
        note = notes.get(number, "" if target else "it has no metrics")
        report = Report.MISSING
        row = silent_row(number, len(reporting), note)
        if target is not None:
            report = Report.CUT_OFF if target.is_cut_off else Report.REPORTING
            row = _row(register, number, target, reporting)
        rows.append(row)
        addresses = tuple(known.addresses)
        nodes.append(Node(name=known.name, addresses=addresses, report=report, note=note))
    return Matrix(at_seconds=at_seconds, source=source, nodes=tuple(nodes), rows=tuple(rows))


def _row(
    register: Register, number: int, target: _Target, reporting: Sequence[bool]
) -> tuple[Cell, ...]:
    if target.is_cut_off:
        cell = Cell(state=State.CUT_OFF, text=_CUT_OFF)
        told = dict.fromkeys(range(len(reporting)), cell)
    else:
        told = {
            register.meet(*_naming(peer)): Cell(state=state, since_seconds=target.since.get(peer))
            for peer, state in target.unwell.items()
        }
    unwell = sum(target.counts.values()) - target.counts[State.OK]
    return told_row(
        told,
        poker=number,
        reporting=reporting,
        well_unnamed=target.counts[State.OK],
        unwell_unnamed=max(0, unwell - len(target.unwell)),
    )


def _naming(peer: tuple[str, str]) -> tuple[str | None, str | None, str]:
    """A peer's name, address and identity, as `Register.meet` takes them."""
    name, address = peer
    return name or None, address or None, name or address or "?"


def _told(samples: Iterable[Sample]) -> dict[_Key, _Target]:
    """What each target that reports says."""
    ordered = sorted(samples, key=lambda one: one.name != "node_info")
    targets: dict[_Key, _Target] = {}
    for sample in ordered:
        key = _key(sample)
        if sample.name == "node_info":
            targets.setdefault(key, _Target(names=_names(sample)))
        elif key in targets:
            _take(targets[key], sample)
    return dict(sorted(targets.items()))


def _take(target: _Target, sample: Sample) -> None:
    labels = sample.labels
    peer = (labels.get("peer", ""), labels.get("address", ""))
    match sample.name:
        case "node_address_info":
            target.addresses.append(labels.get("address", ""))
        case "node_cut_off":
            target.is_cut_off = sample.value > 0
        case "peers" if (state := _VERDICTS.get(labels.get("verdict", ""))) is not None:
            target.counts[state] += int(sample.value)
        case "peer_unwell" if (state := _VERDICTS.get(labels.get("verdict", ""))) is not None:
            target.unwell[peer] = state
        case "peer_unwell_since_timestamp_seconds" if 0 <= sample.value < END_OF_TIME_SECONDS:
            target.since[peer] = sample.value


def _missing(answers: Answers, reporting: Mapping[_Key, _Target]) -> Iterator[str]:
    """The names of the nodes that are to be scraped, and do not report."""
    before = {_key(sample): _names(sample)[0] for sample in answers.before}
    targets = {_key(sample): sample.value > 0 for sample in answers.targets}
    # A job that also scrapes what is no pokepodsd tells nothing about a target that never was one.
    mixed = {
        job for (job, instance), is_up in targets.items() if is_up and (job, instance) not in before
    }
    for key, is_up in sorted(targets.items()):
        if key in reporting:
            continue
        if key in before:
            yield before[key]
        elif not is_up and key[0] not in mixed:
            yield key[1]


def _names(sample: Sample) -> tuple[str, str]:
    """The node's name, and its host's; the instance stands for both where they are missing."""
    labels = sample.labels
    host = labels.get("host", "") or labels.get("instance", "")
    return labels.get("node", "") or host or "?", host


def _key(sample: Sample) -> _Key:
    return sample.labels.get("job", ""), sample.labels.get("instance", "")
