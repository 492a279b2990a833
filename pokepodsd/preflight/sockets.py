"""Checks whether ICMP sockets can be opened, by the unit, or by this process where there is none.

Owns whom the kernel lets open which kind: a datagram socket by net.ipv4.ping_group_range (icmp(7)),
a raw one by CAP_NET_RAW.
"""

import grp
from collections.abc import Iterator

from pokepodsd.edge import sysctl
from pokepodsd.edge.icmp import open_sockets
from pokepodsd.errors import PrivilegeError
from pokepodsd.preflight.finding import Finding, Topic
from pokepodsd.preflight.unit import Unit, drop_in_command
from pokepodsd.preflight.world import Settings, World

SOCKETS = Topic(check="icmp-sockets", name="ICMP sockets")
_RANGE = "net/ipv4/ping_group_range"
_OPEN = 'sysctl -w net.ipv4.ping_group_range="0 2147483647"'
_CAPABILITY = "cap_net_raw"
# What systemd makes dynamic users of (systemd's UIDS-GIDS.md).
_DYNAMIC = (61184, 65519)
_KEEP = "until the next boot; a file in /etc/sysctl.d keeps it"


def check_sockets(world: World, settings: Settings) -> Iterator[Finding]:
    """Whether the kind that poke.socket names can be opened."""
    kind = settings.config.poke.socket
    if world.unit is not None and world.unit.is_loaded:
        yield _judge_unit(world.unit, kind, _range(world))
        return
    try:
        opened = open_sockets(kind)
    except PrivilegeError as error:
        yield _refused(str(error), kind, settings, world)
        return
    kinds = [
        f"IPv{one.channel.family.value} {'raw' if one.is_raw else 'datagram'}" for one in opened
    ]
    for one in opened:
        one.close()
    yield SOCKETS.ok(f"{', '.join(kinds)} can be opened by this process")


def _judge_unit(unit: Unit, kind: str, allowed: tuple[int, int]) -> Finding:
    is_raw, is_datagram = unit.may(_CAPABILITY), _is_in(unit, allowed)
    if kind != "raw" and is_datagram:
        return SOCKETS.ok("datagram sockets, which net.ipv4.ping_group_range opens for the unit")
    if kind != "datagram" and is_raw:
        return SOCKETS.ok("raw sockets, which CAP_NET_RAW opens for the unit")
    if kind == "datagram":
        text = (
            'poke.socket is "datagram", and net.ipv4.ping_group_range does not have the unit\'s '
            f"group ({_KEEP})"
        )
        return SOCKETS.failed(text, _OPEN)
    grant = _CAPABILITY.upper()
    lines = (f"AmbientCapabilities={grant}", f"CapabilityBoundingSet={grant}")
    text = f'the unit lacks {grant}, and poke.socket is "{kind}"'
    return SOCKETS.failed(text, drop_in_command(f"zz-{_CAPABILITY}", lines))


def _refused(text: str, kind: str, settings: Settings, world: World) -> Finding:
    """By this process, which may run elsewhere than the daemon will."""
    if not world.is_root and kind != "datagram":
        return SOCKETS.skipped("this user may not open them", world.sudo())
    edit = settings.file.comment_out_key("poke.socket") if kind == "raw" else None
    if edit is not None:
        return SOCKETS.failed(f'{text}; poke.socket is "raw"', settings.change(edit, restarts=True))
    return SOCKETS.failed(f"{text} ({_KEEP})", _OPEN)


def _range(world: World) -> tuple[int, int]:
    """The groups that may open datagram sockets; from 1 to 0 is nobody."""
    words = (sysctl.read(_RANGE, world.root) or "1 0").split()
    return int(words[0]), int(words[1])


def _is_in(unit: Unit, allowed: tuple[int, int]) -> bool:
    low, high = allowed
    names = [unit.get("Group"), *unit.get("SupplementaryGroups").split()]
    if any(low <= number <= high for name in names for number in _number(name)):
        return True
    if unit.get("DynamicUser") == "yes":
        return low <= _DYNAMIC[0] and _DYNAMIC[1] <= high
    return unit.get("User") in {"", "root", "0"} and not unit.get("Group") and low <= 0 <= high


def _number(name: str) -> list[int]:
    try:
        return [int(name) if name.isdecimal() else grp.getgrnam(name).gr_gid] if name else []
    except KeyError:
        return []
