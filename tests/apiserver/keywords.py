"""Keyword arguments of the control client, as types.

Owns: names and types that mirror `cluster.Settings` and `faults.Fault`. Refuses: defaults.
"""

from typing import TypedDict


class SettingsChanges(TypedDict, total=False):
    """Any of `cluster.Settings`."""

    watch_list: bool
    node_selectors: bool
    host_network_field: bool
    bookmark_interval_seconds: float
    bookmark_before_end_seconds: float
    default_timeout_seconds: float | None


class FaultDetails(TypedDict, total=False):
    """Any of `faults.Fault` beside kind, match and count."""

    after: int
    code: int
    retry_after: int | None
    location: str
    interval_seconds: float
    size: int
    resource_version: str
