"""Journal entries: what can be told, and how severe it is.

Owns the kinds of entries with their fixed MESSAGE_IDs, and not the words of any.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Level(Enum):
    """Severity of a journal entry, as syslog's priority (RFC 5424, section 6.2.1)."""

    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFO = 6
    DEBUG = 7


class EventKind(Enum):
    """Each kind of journal entry with its fixed MESSAGE_ID (systemd.journal-fields(7))."""

    STARTED = "ab31753741c74715a2b17ce72b4e24f1"
    STOPPED = "f4b8d312bee94bdaaa46d79606defd5c"
    CONFIG_RELOADED = "a7b86ca0d9524424b5a273ebd6bb9fe2"
    CONFIG_REFUSED = "967112237a8942ba87d618ce7dbb1d80"
    TARGET_DOWN = "b5984684bb5545d0a38f6fc8fac939a2"
    TARGET_UP = "878a75e87ec14ef497e901b047716f72"
    TARGET_OPENED = "8fd1eb9a2464463e8e40cfe5cc42d0b8"
    TARGET_WITHDRAWN = "4266c8a63dfb46b992551ed511e8862d"
    POKE_ANSWERED = "acbbb9e8439448129de7e1f7c4302d91"
    POKE_FAILED = "76c7d4679c994836b62c873d4152879c"
    TUNNELS_FOUND = "9d7cbff034b8401aa4d9e4c9253814da"
    TUNNEL_OPENED = "207b7388bf5c44c9b82bf70e27836470"
    TUNNEL_BROKEN = "459aafd3fe1e465da896e558c639eca1"
    NODE_UNREACHABLE = "adf7d5b5177348768a7f15095b2e95b6"
    UNDERLAY_FILTERED = "c074ce9077054629b00c831298e3c54b"
    PEER_BACK = "dc398149073d4d489cee3c311bcb9a2d"
    WAY_BAD = "997736ff733042c489402af7069f4131"
    WAY_GOOD = "c997f262c57a4b92805513d8369e3dcc"
    PEER_WITHDRAWN = "bd1ebb70df51466ead228a82cc277eb1"
    NODE_CUT_OFF = "862fd5eb668f425a895bb6879f9902b6"
    NODE_BACK = "381ca1c210494ebc8707721d4896af42"
    SCOPE_NARROWED = "cd69c8a5d9f94cf4a3df8cb5844d1e2f"
    SCOPE_WIDENED = "e5ecec0c7417409690b63a5e344bac8c"
    CONNTRACK_SHORT = "a3ab786f3c8c4bbbac75d6e59ee6603f"
    ROOM_SHORT = "9716a5e775174241a2b87eb1c7733471"
    ROOM_BACK = "dc2cb449f9ab43de9f33d4485b76af24"
    ROUTES_UNREADABLE = "d0b7cdbb5db64a5e8ca33c959dbb6e8e"
    POKES_HELD = "5f0c6857a5004db2aaf71ec549a31ed5"
    CONTROL_CLOSED = "96c9c9f96ec745f0a47ff62d2434f3f0"
    CONTROL_REFUSED = "969f1b6433694dffbeb07be829127e00"
    POKES_RESUMED = "690c35e9ffbc45a1a4f472846a702a4e"
    INTERVAL_STRETCHED = "88ed1d04477d4e1486c8d8a30846c0c3"
    INTERVAL_RESTORED = "567a07a3d73847599961051fd9041ab8"
    API_LOST = "901a633f62e54c08b4f2156c4c76c241"
    API_BACK = "9cbaed280b96410b9b647c8d83bb1064"
    API_REFUSED = "d045007d7cce4902b08f5539ea74df9a"
    API_GRANTED = "bcd693dd32f94d6c8d00bfdec6800c11"
    POD_IGNORED = "8d8ea1ee99b34d2dbfea29f3f0f8a30d"
    READER_REPLACED = "5eaf82144819435a8fa9100b75053ccc"
    EXPORTER_REPLACED = "96533a7a67dc43baa62674011d4f77ee"
    METRICS_UNAVAILABLE = "be846ee3f5ca415bb58e0470673347b8"
    METRICS_AVAILABLE = "366dbad3e8ea4ba18a6f4e7b99ae5a0d"
    STATE_SET_ASIDE = "3a53c6a7822846d2bafc0bbe58dd2496"
    STATE_NOT_SAVED = "4b6f11310f384e04a12225b7bd7a568a"
    REPORTS_REFUSED = "26a3b4150a484f75bba352f18d6882df"
    REPORTS_DROPPED = "239484a937af4243a82931d5a0e99500"
    LOOP_STUCK = "aacf8605b2ae42bea22785dccecb8289"
    SUMMARY = "6c1de7a4b8f64e0c9a3f5d2e81b07c46"
    ENTRIES_LOST = "ee7d3e7ecfa74af6ac13b2943d47cba2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One journal entry; ``fields`` are named without the ``POKEPODSD_`` prefix."""

    kind: EventKind
    level: Level
    text: str
    fields: Mapping[str, str] = field(default_factory=dict)
