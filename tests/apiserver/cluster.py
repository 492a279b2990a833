"""Everything that one running server shares between its requests.

Owns: the settings and the wiring of the parts. Refuses: behaviour.
"""

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING

from tests.apiserver.authentication import User
from tests.apiserver.authorization import Authorizer
from tests.apiserver.faults import FaultBook
from tests.apiserver.selectors import POD_FIELDS
from tests.apiserver.served import Served
from tests.apiserver.status import Json
from tests.apiserver.store import Store

if TYPE_CHECKING:
    from tests.apiserver.watching import Watch


@dataclass(slots=True, kw_only=True)
class Settings:
    """What tests may switch while the server runs.

    `watch_list`: the feature gate of the streaming list. `node_selectors`: off as before
    Kubernetes 1.32, when a node might list everything. `host_network_field`: off as before 1.31.
    Bookmarks: every minute and two seconds before the end, as in cache_watcher.go.
    """

    watch_list: bool = True
    node_selectors: bool = True
    host_network_field: bool = True
    bookmark_interval_seconds: float = 60.0
    bookmark_before_end_seconds: float = 2.0
    default_timeout_seconds: float | None = None

    def change(self, values: Json) -> None:
        known = {known_field.name for known_field in fields(self)}
        if unknown := set(values) - known:
            raise ValueError(f"no such setting: {', '.join(sorted(unknown))}")
        for name, value in values.items():
            setattr(self, name, value)

    def describe(self) -> Json:
        return asdict(self)


@dataclass(slots=True)
class Cluster:
    """One server's shared state."""

    store: Store
    settings: Settings = field(default_factory=Settings)
    tokens: dict[str, User] = field(default_factory=dict)
    faults: FaultBook = field(default_factory=FaultBook)
    served: Served = field(default_factory=Served)
    watches: "set[Watch]" = field(default_factory=set)

    @property
    def authorizer(self) -> Authorizer:
        return Authorizer(self.store.collections)

    @property
    def supported_pod_fields(self) -> tuple[str, ...]:
        if self.settings.host_network_field:
            return POD_FIELDS
        return tuple(name for name in POD_FIELDS if name != "spec.hostNetwork")
