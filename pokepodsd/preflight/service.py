"""Checks the systemd unit: there, its own, enabled, running, watched.

Owns what each state of it means. That the service runs is no fault, and that it does not is only a
warning: the preflight is run before it is started as well.
"""

import shlex
from collections.abc import Iterator
from pathlib import Path

from pokepodsd.preflight.finding import Finding, Place, Topic
from pokepodsd.preflight.unit import AGAIN, NAME, NO_TIME, Unit
from pokepodsd.preflight.world import World

SERVICE = Topic(check="service", name="service")
FILE = Topic(check="unit-file", name="unit file")
ENABLED = Topic(check="enabled", name="enabled")
WATCHDOG = Topic(check="watchdog", name="watchdog")
_JOURNAL = "journalctl -u pokepodsd -n 20 --no-pager"
# Of the exits that are not tried again (README: exit statuses), what they say.
_STATUSES = {
    "2": "its command line is wrong",
    "77": "it lacks a privilege",
    "78": "its configuration is not valid, or there is no Python that fits",
}
# Where systemd itself could not do what the unit says (systemd.exec(5), "Process Exit Codes").
_SYSTEMD_STATUSES = {
    "203": "its program cannot be run",
    "226": "what it may see cannot be set up",
    "233": "its runtime directory cannot be made",
    "238": "its state directory cannot be made",
}


def check_service(world: World) -> Iterator[Finding]:
    """Whether it runs, and if not, why."""
    unit = world.unit
    if not world.is_booted:
        yield SERVICE.skipped("systemd does not run here")
    elif unit is None:
        yield SERVICE.skipped("systemd cannot be asked")
    elif unit.get("LoadState") == "masked":
        yield _masked(unit)
    elif unit.get("LoadState") == "not-found":
        text = f"there is no {NAME}: the package is not installed, or was made without units"
        yield SERVICE.warning(text, "systemctl cat pokepodsd", Place.ELSEWHERE)
    elif not unit.is_loaded:
        text = f"systemd cannot load the unit ({unit.get('LoadState')})"
        yield SERVICE.failed(text, f"systemd-analyze verify {NAME}", Place.ELSEWHERE)
    else:
        yield _state(unit)


def _masked(unit: Unit) -> Finding:
    option = " --runtime" if unit.get("UnitFileState") == "masked-runtime" else ""
    command = f"systemctl unmask{option} pokepodsd && systemctl enable --now pokepodsd"
    return SERVICE.failed("the unit is masked: nothing can start it", command)


def _state(unit: Unit) -> Finding:
    state, status = unit.get("ActiveState"), unit.get("ExecMainStatus")
    if unit.is_active:
        return SERVICE.ok(f"runs, as process {unit.main_pid}: {unit.get('StatusText')}")
    if state == "failed" and status in _SYSTEMD_STATUSES:
        text = f"failed (exit status {status}): {_SYSTEMD_STATUSES[status]}"
        return SERVICE.failed(text, _JOURNAL, Place.ELSEWHERE)
    if state == "failed":
        because = f": {_STATUSES[status]}" if status in _STATUSES else ""
        text = (
            f"failed ({unit.get('Result')}, exit status {status}){because}; when what else failed "
            f"here is mended, start it again (`{_JOURNAL}` says more)"
        )
        return SERVICE.failed(text, "systemctl restart pokepodsd")
    if state == "activating" and unit.get("SubState") == "auto-restart":
        text = f"ends again and again ({unit.get('NRestarts')} times, exit status {status})"
        return SERVICE.failed(text, _JOURNAL, Place.ELSEWHERE)
    if state in {"activating", "deactivating"}:
        return SERVICE.ok(f"is {state}")
    return SERVICE.warning("does not run", "systemctl start pokepodsd")


def check_enabled(unit: Unit) -> Iterator[Finding]:
    """Whether it starts with the host."""
    state = unit.get("UnitFileState")
    if state in {"disabled", "enabled-runtime", "linked", "linked-runtime"}:
        text = f"{state}: it does not start when this host boots"
        yield ENABLED.warning(text, "systemctl enable pokepodsd")
    elif state == "enabled":
        yield ENABLED.ok("it starts when this host boots")
    else:
        yield ENABLED.ok(f"its unit file is {state}")


def check_file(unit: Unit, *, world: World) -> Iterator[Finding]:
    """Whether systemd has read what is on the disk, and that is the package's."""
    fragment = Path(unit.get("FragmentPath"))
    unread = ", ".join(_unread(unit, world.root))
    is_unread = unit.get("NeedDaemonReload") == "yes" or bool(unread)
    if is_unread:
        text = (
            f"systemd has not read {unread}" if unread else "it was changed after systemd read it"
        )
        yield FILE.warning(text, AGAIN)
    if fragment.is_relative_to("/etc") and (shadowed := _shadowed(fragment, world.root)):
        aside = shlex.join(["mv", str(fragment), f"{fragment}.old"])
        text = f"{fragment} stands before {shadowed}: what an upgrade brings is not used"
        yield FILE.warning(text, f"{aside} && {AGAIN}")
    elif not is_unread:
        names = ", ".join(path.name for path in unit.drop_ins)
        yield FILE.ok(f"{fragment}, with {names or 'no drop-ins'}")


def _unread(unit: Unit, root: Path) -> list[str]:
    """Drop-ins that systemd does not know: NeedDaemonReload misses the first of a folder."""
    known = {path.name for path in unit.drop_ins}
    places = (root / folder / f"systemd/system/{NAME}.d" for folder in ("etc", "run"))
    found = [path for place in places for path in sorted(place.glob("*.conf"))]
    # A link to /dev/null, or an empty file, takes a drop-in of the package's back.
    files = [path for path in found if path.is_file() and path.stat().st_size > 0]
    return [path.name for path in files if path.name not in known]


def _shadowed(fragment: Path, root: Path) -> Path | None:
    """The package's unit that a file of this name in /etc hides."""
    for folder in ("usr/lib", "lib"):
        place = root / folder / "systemd/system" / fragment.name
        if place.exists():
            return Path("/") / place.relative_to(root)
    return None


def check_watchdog(unit: Unit, *, world: World) -> Iterator[Finding]:
    """Whether a daemon that hangs is started again.

    By the files: systemd tells the time of a service that runs alone.
    """
    fragment = Path(unit.get("FragmentPath"))
    said = [(path, value) for path in (fragment, *unit.drop_ins) for value in _values(path, world)]
    place, value = said[-1] if said else (fragment, "")
    is_off = value in NO_TIME or (unit.is_active and not unit.has_watchdog)
    if not is_off:
        yield WATCHDOG.ok(f"on: a daemon that hangs starts again (WatchdogSec={value})")
    elif place == fragment or value not in NO_TIME:
        text = "off: a daemon that hangs is not noticed"
        yield WATCHDOG.warning(text, "systemctl cat pokepodsd", Place.ELSEWHERE)
    else:
        comment = f"sed -i 's/^ *WatchdogSec *=/#&/' {shlex.quote(str(place))}"
        text = f"off, by {place}: a daemon that hangs is not noticed"
        yield WATCHDOG.warning(text, f"{comment} && {AGAIN}")


def _values(path: Path, world: World) -> list[str]:
    """What a file of the unit sets WatchdogSec to, in its order."""
    try:
        text = (world.root / path.relative_to("/")).read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return []
    pairs = (line.partition("=") for line in text.splitlines())
    return [value.strip() for name, _, value in pairs if name.strip() == "WatchdogSec"]
