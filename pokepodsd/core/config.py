"""A mapping in, a valid `Config` or every complaint at once out.

Owns validation. Does not read files or arguments: `edge.configfile` and `cli` hand in what
they read.
"""

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pokepodsd.core.model import SECOND_NS
from pokepodsd.core.settings import BY_KEY, SECTIONS, SETTINGS, Value
from pokepodsd.core.values import check_value, duration_text
from pokepodsd.errors import Complaint, ConfigError

# Identifier and sequence of an echo are 16 bits each, and one socket has one identifier: more
# than 65,536 probes cannot be told apart. Half of it leaves room for late answers.
MOST_IN_FLIGHT = 32_768


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesConfig:
    """The ``[kubernetes]`` table."""

    kubeconfig: str
    node_name: str
    exclude_namespaces: tuple[str, ...]
    include_namespaces: tuple[str, ...]
    label_selector: str
    skip_ready: bool
    host_network: bool
    own_pods: bool
    report: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PokeConfig:
    """The ``[poke]`` table; ``max_rate`` is packets a second."""

    interval_ns: int
    timeout_ns: int
    max_rate: int
    fail_after: int
    socket: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelsConfig:
    """The ``[tunnels]`` table; ``devices`` are globs."""

    interval_ns: int
    devices: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PodsConfig:
    """The ``[pods]`` table."""

    scope: str
    per_node: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogConfig:
    """The ``[log]`` table."""

    level: str
    failures: str
    summary_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsConfig:
    """The ``[metrics]`` table; "off" is none."""

    listen: str
    textfile: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateConfig:
    """The ``[state]`` table."""

    directory: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole configuration, valid by construction of `validate`."""

    kubernetes: KubernetesConfig
    poke: PokeConfig
    tunnels: TunnelsConfig
    pods: PodsConfig
    log: LogConfig
    metrics: MetricsConfig
    state: StateConfig


def validate(raw: Mapping[str, Any], *, source: str) -> Config:
    """Turn a mapping of tables into a Config; what it does not name has its default.

    ``source`` names the file in errors.

    Raises:
        ConfigError: with one complaint for every unknown key, wrong type and value out of range.
    """
    complaints = [*_unknown_keys(raw)]
    values: dict[str, dict[str, Value]] = {section: {} for section in SECTIONS}
    for setting in SETTINGS:
        table = raw.get(setting.section, {})
        value: Value = setting.default
        if isinstance(table, Mapping) and setting.name in table:
            try:
                value = check_value(setting, table[setting.name])
            except ValueError as error:
                complaints.append(Complaint(key=setting.key, text=str(error)))
        values[setting.section][setting.field] = value
    config = _build(values)
    wrong = {complaint.key for complaint in complaints}
    paces = {"poke", "poke.interval", "poke.timeout", "poke.max_rate"}
    if not wrong & (paces | {"tunnels", "tunnels.interval"}):
        complaints.extend(_contradictions(config))
    if not wrong & {"metrics", "metrics.listen"}:
        complaints.extend(_no_address(config.metrics.listen))
    if complaints:
        raise ConfigError(source, tuple(complaints))
    return config


def _unknown_keys(raw: Mapping[str, Any]) -> Iterator[Complaint]:
    for section, table in raw.items():
        if section not in SECTIONS:
            allowed = ", ".join(f"[{name}]" for name in SECTIONS)
            yield Complaint(key=section, text=f"unknown; the tables are {allowed}")
        elif not isinstance(table, Mapping):
            yield Complaint(key=section, text=f"must be a table: write [{section}] above its keys")
        else:
            for name in table:
                if f"{section}.{name}" not in BY_KEY:
                    allowed = ", ".join(s.name for s in SETTINGS if s.section == section)
                    yield Complaint(key=f"{section}.{name}", text=f"unknown; known are {allowed}")


def _contradictions(config: Config) -> Iterator[Complaint]:
    poke = config.poke
    for section, interval_ns in (
        ("poke", poke.interval_ns),
        ("tunnels", config.tunnels.interval_ns),
    ):
        if poke.timeout_ns > interval_ns:
            yield Complaint(
                key="poke.timeout",
                text=f'"{duration_text(poke.timeout_ns)}" is longer than {section}.interval '
                f'"{duration_text(interval_ns)}"; make it shorter, or the interval longer',
            )
    if poke.max_rate * poke.timeout_ns > MOST_IN_FLIGHT * SECOND_NS:
        most = MOST_IN_FLIGHT * SECOND_NS // poke.timeout_ns
        yield Complaint(
            key="poke.max_rate",
            text=f"{poke.max_rate} with a timeout of {duration_text(poke.timeout_ns)} has more "
            f"than {MOST_IN_FLIGHT} pokes in flight; allowed is up to {most}",
        )


def _no_address(listen: str) -> Iterator[Complaint]:
    """What is written like an address with a port, and is none."""
    if listen == "off":
        return
    host, _, port = listen.rpartition(":")
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError as error:
        yield Complaint(key="metrics.listen", text=f"{listen!r} has no address: {error}")
    if not 0 < int(port) < 2**16:
        yield Complaint(key="metrics.listen", text=f"{listen!r} has no port of 1 to 65535")


def _build(values: Mapping[str, Mapping[str, Any]]) -> Config:
    return Config(
        kubernetes=KubernetesConfig(**values["kubernetes"]),
        poke=PokeConfig(**values["poke"]),
        tunnels=TunnelsConfig(**values["tunnels"]),
        pods=PodsConfig(**values["pods"]),
        log=LogConfig(**values["log"]),
        metrics=MetricsConfig(**values["metrics"]),
        state=StateConfig(**values["state"]),
    )
