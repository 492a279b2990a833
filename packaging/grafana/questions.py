"""What a panel is, and how Prometheus is asked for the chosen nodes.

Owns these words; what is shown is `panels.py`'s.
"""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """How a panel is drawn."""

    STAT = "stat"
    LINES = "lines"
    STACK = "stack"
    TABLE = "table"
    TIMELINE = "timeline"
    HEATMAP = "heatmap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A PromQL expression, and how its series are called."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel; of a grid that is 24 wide. ``limit`` is from where on a stat is red."""

    title: str
    kind: Kind
    questions: tuple[Question, ...]
    says: str
    unit: str = "short"
    width: int = 12
    height: int = 8
    limit: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Panels under one heading, and how they are read."""

    title: str
    says: str
    panels: tuple[Panel, ...]


def of(expr: str) -> str:
    """Only what the chosen nodes say; they are chosen by name, and most metrics know none."""
    return f'({expr} and on (job, instance) pokepodsd_node_info{{job=~"$job", host=~"$node"}})'


def named(expr: str) -> str:
    """With the name of the node that says it."""
    info = 'max by (job, instance, host) (pokepodsd_node_info{job=~"$job", host=~"$node"})'
    return f"({expr} * on (job, instance) group_left (host) {info})"


def rate(metric: str, labels: str = "") -> str:
    """A counter's rate a second, of the chosen nodes."""
    return of(f'rate({metric}{{job=~"$job"{labels}}}[$__rate_interval])')


def gauge(metric: str, labels: str = "") -> str:
    """A gauge, of the chosen nodes."""
    return of(f'{metric}{{job=~"$job"{labels}}}')


def ask(expr: str, legend: str = "") -> Question:
    """A question in short."""
    return Question(expr=expr, legend=legend)


def quantile(share: float) -> str:
    """Of the round trips by layer, from whichever kind of histogram there is."""
    native = f"histogram_quantile({share}, sum by (layer) ({rate('pokepodsd_rtt_seconds')}))"
    classic = rate("pokepodsd_rtt_seconds_bucket")
    return f"{native} or histogram_quantile({share}, sum by (layer, le) ({classic}))"
