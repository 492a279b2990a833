"""Checks whether the last known targets can be kept: what a restart begins with.

Owns what the daemon's user may write. The folder of systemd's own making always fits.
"""

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from pokepodsd.preflight.finding import Finding, Topic
from pokepodsd.preflight.world import Settings, World

STATE = Topic(check="state-directory", name="state directory")
_AUTO = "auto"
_DEFAULT = Path("/var/lib/pokepodsd")
_LOSS = "after a restart, targets are not known until the API server answers"


def check_state(world: World, settings: Settings) -> Iterator[Finding]:
    """Whether the folder can be made and written."""
    setting, unit = settings.config.state.directory, world.unit
    folder = _DEFAULT if setting == _AUTO else Path(setting)
    if unit is not None and unit.is_loaded:
        if setting == _AUTO and unit.get("StateDirectory"):
            yield STATE.ok(f"/var/lib/{unit.get('StateDirectory')}, which systemd makes")
        elif unit.writes(folder):
            yield STATE.ok(f"{folder}, which the unit may write")
        else:
            yield _hidden(folder, settings)
        return
    yield _judge(folder, world)


def _hidden(folder: Path, settings: Settings) -> Finding:
    text = f"the unit may not write {folder} (ProtectSystem=strict): {_LOSS}"
    edit = settings.file.comment_out_key("state.directory")
    if edit is None:
        edit = settings.file.set_key("state.directory", _AUTO)
    return STATE.warning(text, settings.change(edit, restarts=True))


def _judge(folder: Path, world: World) -> Finding:
    """Without a unit, this user is the daemon's."""
    place = next((one for one in (folder, *folder.parents) if os.path.lexists(one)), folder)
    if not place.is_dir():
        aside = shlex.join(["mv", str(place), f"{place}.old"])
        text = f"{place} is no folder, so that {folder} cannot be written: {_LOSS}"
        return STATE.warning(text, f"{aside} && {_make(folder)}")
    if os.access(place, os.W_OK | os.X_OK):
        return STATE.ok(f"{folder} can be written")
    if not world.is_root:
        return STATE.skipped(f"{place} may not be written by this user", world.sudo())
    text = f"{place} may not be written: {_LOSS}"
    return STATE.warning(text, _make(folder))


def _make(folder: Path) -> str:
    return shlex.join(["install", "-d", "-m", "0700", str(folder)])
