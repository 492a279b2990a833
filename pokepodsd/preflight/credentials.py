"""Checks the kubelet's credentials: there, readable, seen by the unit, and in their time.

Owns the remedies by where a distribution keeps them. Never tells what a file says. Imported late:
the kubernetes package takes most of a second.
"""

import contextlib
import pwd
import shlex
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pokepodsd.core.model import NodeName
from pokepodsd.edge.certificate import node_name, validity
from pokepodsd.edge.kubeconfig import AUTO, Kubeconfig, find
from pokepodsd.errors import CredentialsError, PluginFailedError, UntrustedError
from pokepodsd.preflight.clock import SET_CLOCK
from pokepodsd.preflight.finding import Finding, Place, Topic
from pokepodsd.preflight.unit import AGAIN, Unit, drop_in_command
from pokepodsd.preflight.world import Settings, World

KUBECONFIG = Topic(check="kubeconfig", name="kubeconfig")
CERTIFICATE = Topic(check="client-certificate", name="client certificate")
_CAPABILITY = "cap_dac_read_search"
_DROP_INS = Path("/usr/share/pokepodsd/drop-ins")
# By the folder: the package's drop-in, and what makes the agent renew its certificates. k3s, RKE2
# and k0s do it when they start; kubeadm's kubelet while it runs.
_DISTRIBUTIONS = {
    "/var/lib/rancher/k3s": ("k3s", "systemctl try-restart 'k3s*'"),
    "/var/lib/rancher/rke2": ("rke2", "systemctl try-restart 'rke2-*'"),
    "/var/lib/k0s": ("k0s", "systemctl try-restart 'k0s*'"),
    "/var/snap/microk8s": ("microk8s", "snap restart microk8s"),
    "/var/lib/kubelet/kubeconfig": ("eks", "systemctl restart kubelet"),
}
_PLUGIN_SECONDS = 10.0
_RESTART_KUBELET = "systemctl restart kubelet"
# The kubelet renews with a tenth to three tenths of the life left (client-go, certificate_manager).
_LATE_SHARE = 0.05


class Credentials:
    """What was found, for the checks that follow."""

    def __init__(self, world: World, settings: Settings, scratch: Path) -> None:
        """``scratch`` is a private folder, for inline keys."""
        self._world = world
        self._settings = settings
        self._scratch = scratch
        self._path = Path()
        self.configuration: Any = None
        self.node = NodeName("")
        self.is_kubelets = False

    def loaded(self) -> Any:
        """The client's Configuration, as a check that has not failed has loaded it."""
        if self.configuration is None:
            raise RuntimeError("asked before the kubeconfig was loaded")
        return self.configuration

    def check_kubeconfig(self) -> Iterator[Finding]:
        """Whether there is one, complete, that the daemon's user sees."""
        kubernetes, world = self._settings.config.kubernetes, self._world
        try:
            self._path = find(kubernetes.kubeconfig, root=world.root)
        except CredentialsError as error:
            yield KUBECONFIG.failed(str(error), "ls -l /etc/kubernetes", Place.ELSEWHERE)
            return
        if kubernetes.kubeconfig != AUTO and not self._path.exists() and world.is_root:
            yield self._missing()
            return
        try:
            kubeconfig = Kubeconfig(
                self._path,
                scratch=self._scratch,
                plugin_seconds=_PLUGIN_SECONDS,
                users=self._daemons_user(),
            )
            self.configuration = kubeconfig.load()
            self.node, source = node_name(
                self.configuration.cert_file,
                setting=kubernetes.node_name,
                host_name=socket.gethostname(),
            )
        except UntrustedError as error:
            yield KUBECONFIG.failed(error.what, error.remedy)
            return
        except PluginFailedError as error:
            command = shlex.join(["grep", "-A9", "exec:", str(self._path)])
            yield KUBECONFIG.failed(str(error), command, Place.ELSEWHERE)
            return
        except CredentialsError as error:
            yield self._unusable(error)
            return
        self.is_kubelets = source == "certificate"
        yield self._unseen(kubeconfig.files) or KUBECONFIG.ok(
            f"{self._path}, of node {self.node} (by its {source})"
        )

    def check_certificate(self) -> Iterator[Finding]:
        """Whether it is in its time, with enough of it left."""
        limits = validity(self.loaded().cert_file)
        if limits is None:
            yield CERTIFICATE.ok("there is none: these credentials are a token")
            return
        begin, end = limits
        now = datetime.fromtimestamp(self._world.wall_ns() / 1e9, tz=UTC)
        if now < begin:
            text = f"it is valid from {begin:%Y-%m-%d %H:%M} UTC on: this host's clock is behind"
            yield CERTIFICATE.failed(text, SET_CLOCK)
        elif now >= end:
            text = f"it expired on {end:%Y-%m-%d %H:%M} UTC, and was not renewed"
            yield CERTIFICATE.failed(text, *self._renewal())
        elif end - now < (end - begin) * _LATE_SHARE:
            text = f"it expires on {end:%Y-%m-%d %H:%M} UTC, and should have been renewed by now"
            yield CERTIFICATE.warning(text, *self._renewal())
        else:
            yield CERTIFICATE.ok(f"valid until {end:%Y-%m-%d %H:%M} UTC")

    def _daemons_user(self) -> frozenset[int]:
        """Who owns what is the daemon's own, where the unit names a user that there is."""
        unit = self._world.unit
        with contextlib.suppress(KeyError):
            return frozenset({pwd.getpwnam(unit.get("User") if unit else "").pw_uid})
        return frozenset()

    def _missing(self) -> Finding:
        """What is set is not there; perhaps what "auto" finds is."""
        text = f"{self._path}, which kubernetes.kubeconfig names, does not exist"
        edit = self._settings.file.comment_out_key("kubernetes.kubeconfig")
        try:
            elsewhere = find(AUTO, root=self._world.root)
        except CredentialsError:
            elsewhere = None
        if edit is None or elsewhere is None:
            command = shlex.join(["ls", "-l", str(self._path.parent)])
            return KUBECONFIG.failed(text, command, Place.ELSEWHERE)
        text = f'{text}; "auto" finds {elsewhere}'
        return KUBECONFIG.failed(text, self._settings.change(edit))

    def _unusable(self, error: CredentialsError) -> Finding:
        if not self._world.is_root:
            return KUBECONFIG.skipped(f"{self._path} is for root", self._world.sudo())
        command = shlex.join(["ls", "-lL", str(self._path)])
        return KUBECONFIG.failed(str(error), command, Place.ELSEWHERE)

    def _unseen(self, files: tuple[Path, ...]) -> Finding | None:
        """What root sees and the unit does not."""
        unit = self._world.unit
        if unit is None or not unit.is_loaded:
            return None
        hidden = list(dict.fromkeys(file for file in files if not unit.reads(file)))
        if hidden:
            shown = ", ".join(map(str, hidden))
            return KUBECONFIG.failed(f"the unit does not see {shown}", *self._showing(unit, hidden))
        if unit.may(_CAPABILITY):
            return None
        closed = [file for file in files if not file.stat().st_mode & 0o004]
        if not closed:
            return None
        grant = _CAPABILITY.upper()
        lines = (f"AmbientCapabilities={grant}", f"CapabilityBoundingSet={grant}")
        command = drop_in_command(f"zz-{_CAPABILITY}", lines)
        return KUBECONFIG.failed(f"the unit may not read {closed[0]}: it lacks {grant}", command)

    def _showing(self, unit: Unit, hidden: list[Path]) -> tuple[str, Place]:
        """The distribution's drop-in where it is not in use, else one that names the files."""
        drop_in = self._distribution()[0]
        used = {path.name for path in unit.drop_ins}
        if drop_in and f"{drop_in}.conf" not in used:
            source = _DROP_INS / f"{drop_in}.conf"
            if (self._world.root / source.relative_to("/")).exists():
                folder = "/etc/systemd/system/pokepodsd.service.d"
                return f"install -D -m 644 {source} -t {folder} && {AGAIN}", Place.HERE
        if all(path.is_relative_to("/var") or path.is_relative_to("/run") for path in hidden):
            binds = " ".join(f"-{path}" for path in hidden)
            command = drop_in_command("zz-kubeconfig", [f"BindReadOnlyPaths={binds}"])
            return command, Place.HERE
        if hidden[0] != self._path:
            return "systemctl cat pokepodsd", Place.ELSEWHERE
        copy = "/etc/pokepodsd/kubeconfig"
        edit = self._settings.file.set_key("kubernetes.kubeconfig", copy)
        install = shlex.join(["install", "-D", "-m", "0600", str(self._path), copy])
        return f"{install} && {self._settings.change(edit)}", Place.HERE

    def _renewal(self) -> tuple[str, Place]:
        if self.is_kubelets:
            return self._distribution()[1], Place.HERE
        file = self.loaded().cert_file
        command = shlex.join(["openssl", "x509", "-noout", "-subject", "-dates", "-in", str(file)])
        return command, Place.ELSEWHERE

    def _distribution(self) -> tuple[str, str]:
        """Its drop-in, "" where it needs none, and what renews the certificate."""
        place = Path("/") / self._path.relative_to(self._world.root)
        for folder, known in _DISTRIBUTIONS.items():
            if place.is_relative_to(folder):
                return known
        return "", _RESTART_KUBELET
