"""ListOptions: the query string of a list or a watch, parsed and validated.

Owns: parsing as apimachinery does it, including its idea of booleans. Refuses: content
types.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.apiserver.selectors import (
    Selector,
    check_fields,
    parse_field_selector,
    parse_label_selector,
)
from tests.apiserver.status import bad_request, invalid_list_options

NOT_OLDER_THAN = "NotOlderThan"


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What a client asked for."""

    namespace: str
    selector: Selector
    is_watch: bool
    limit: int
    continue_token: str
    version: str
    version_match: str
    allow_bookmarks: bool
    timeout_seconds: int | None
    send_initial_events: bool | None

    @property
    def version_number(self) -> int:
        try:
            return int(self.version or "0")
        except ValueError:
            problem = f'strconv.ParseUint: parsing "{self.version}": invalid syntax'
            raise bad_request(f"invalid resource version: {problem}") from None

    def check(self, supported_fields: tuple[str, ...], *, watch_list: bool) -> None:
        check_fields(self.selector.fields, supported_fields)
        if self.is_watch:
            self._check_watch(watch_list=watch_list)
        elif self.send_initial_events is not None:
            field = "sendInitialEvents"
            raise invalid_list_options(field, "sendInitialEvents is forbidden for list")
        if self.continue_token and self.version not in ("", "0"):
            raise bad_request("specifying resource version is not allowed when using continue")

    def _check_watch(self, *, watch_list: bool) -> None:
        if self.send_initial_events is None:
            if self.version_match:
                raise invalid_list_options(
                    "resourceVersionMatch",
                    "resourceVersionMatch is forbidden for watch unless sendInitialEvents "
                    "is provided",
                )
            return
        if self.version_match != NOT_OLDER_THAN:
            raise invalid_list_options(
                "resourceVersionMatch",
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            )
        if not watch_list:
            raise invalid_list_options(
                "sendInitialEvents",
                "sendInitialEvents is forbidden for watch unless the WatchList feature gate "
                "is enabled",
            )


def parse_list_options(query: Mapping[str, str], namespace: str = "") -> ListOptions:
    selector = Selector(
        parse_field_selector(query.get("fieldSelector", "")),
        parse_label_selector(query.get("labelSelector", "")),
    )
    timeout = query.get("timeoutSeconds", "")
    return ListOptions(
        namespace=namespace,
        selector=selector,
        is_watch=_parse_boolean(query, "watch") or False,
        limit=_parse_number(query.get("limit", "") or "0"),
        continue_token=query.get("continue", ""),
        version=query.get("resourceVersion", ""),
        version_match=query.get("resourceVersionMatch", ""),
        allow_bookmarks=_parse_boolean(query, "allowWatchBookmarks") or False,
        timeout_seconds=_parse_number(timeout) if timeout else None,
        send_initial_events=_parse_boolean(query, "sendInitialEvents"),
    )


def _parse_boolean(query: Mapping[str, str], name: str) -> bool | None:
    """Anything but `false` and `0` is true: apimachinery pkg/runtime/conversion.go."""
    if name not in query:
        return None
    return query[name].lower() not in ("false", "0")


def _parse_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        problem = f'strconv.ParseInt: parsing "{text}": invalid syntax'
        raise bad_request(problem) from None
