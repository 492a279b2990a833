"""What the unit lets a daemon do that was taken over: its work, and nothing else.

Each attempt is made twice: within the sandbox, and as root outside, where all must succeed, so that
nothing fails only because it is not there.
"""

import json
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.system import package, probe
from tests.system.box import Box
from tests.system.package import CONFIG, OURS, UNIT
from tests.system.site import KUBELET_ROOT, SECRETS, SOCKETS

PROGRAM = "/probe.py"
KUBECONFIG = "/etc/kubernetes/kubelet.conf"
CERTIFICATE = f"{KUBELET_ROOT}/pki/kubelet-client-current.pem"
TIMEOUT = "/proc/sys/net/netfilter/nf_conntrack_generic_timeout"

HIDDEN = (*SECRETS, "/etc/shadow")
FOLDERS = (
    *("/", "/etc", "/etc/kubernetes", "/usr/bin", "/usr/share/pokepodsd/lib", "/root", "/home"),
    *("/var/lib", f"{KUBELET_ROOT}/pki", "/var/log", "/run", "/run/systemd", "/opt", "/boot"),
    *("/dev/shm", "/dev/mqueue"),
)
FILES = (CONFIG, KUBECONFIG, CERTIFICATE)
MANAGERS = (*SOCKETS, "/run/systemd/private")

# The same directives, user and system calls: the shipped unit, with another program in it.
DROP_IN = """[Service]
Type=oneshot
Restart=no
WatchdogSec=0
ExecStart=
ExecStart=/usr/bin/python3 -I {program}
"""

WORK = (
    f"read {KUBECONFIG}",
    f"read {CERTIFICATE}",
    f"read {TIMEOUT}",
    f"read {CONFIG}",
    "look at root's cmdline",
    "open an ICMP socket",
    "open an ICMPv6 socket",
    "read the routes",
)
RIGHTS = (
    "look at root's root/etc/shadow",
    "look at root's environ",
    "signal root's process",
    "signal systemd",
    "trace root's process",
    *(f"make a {name} namespace" for name in probe.NAMESPACES),
    "mount",
    "change the root",
    "become root",
    "load a module",
    "open by handle",
    "map writable code",
    "make a setuid program",
    "set a sysctl",
    "open a packet socket",
)


@dataclass(frozen=True, slots=True)
class Attempts:
    """How each attempt failed, or None; and the folders that could be written to."""

    failures: dict[str, str | None]
    writable: list[str]


@dataclass(frozen=True, slots=True)
class Both:
    """The same attempts within the sandbox, and outside of it as root."""

    within: Attempts
    outside: Attempts

    def check_refused(self, names: Iterable[str]) -> None:
        """Each failed within, and none outside."""
        names = list(names)
        assert {name: self.outside.failures[name] for name in names} == dict.fromkeys(names)
        assert not [name for name in names if self.within.failures[name] is None]


@pytest.fixture(scope="module")
def both(box: Box) -> Both:
    box.copy_in(Path(probe.__file__), PROGRAM)
    for folder in ("/boot", "/opt", "/home"):
        box.run("mkdir", "-p", folder)
    # nspawn protects it as the unit does, for everybody in the box; net is the node's own.
    box.run("mount", "--bind", "/proc/sys/net", "/proc/sys/net")
    box.run("mount", "-o", "remount,bind,rw", "/proc/sys/net")
    arguments = ["--pid", box.show("kubelet.service", "MainPID")["MainPID"]]
    arguments += [f"--read={path}" for path in (*HIDDEN, *FILES, TIMEOUT)]
    arguments += [f"--create={path}" for path in FOLDERS]
    arguments += [f"--append={path}" for path in FILES]
    arguments += [f"--connect={path}" for path in MANAGERS]
    package.drop_in(box, "probe", DROP_IN.format(program=shlex.join([PROGRAM, *arguments])))
    outside = box.run("/usr/bin/python3", "-I", PROGRAM, *arguments).stdout.splitlines()
    box.run("systemctl", "start", UNIT, check=False)
    box.run("journalctl", "--sync")
    within = [entry["MESSAGE"] for entry in box.journal(*OURS, "_COMM=python3")]
    return Both(parsed(within), parsed(outside))


def parsed(lines: list[str]) -> Attempts:
    """What the probe printed; its last line says that it came to its end."""
    try:
        records = [json.loads(line) for line in lines]
        *tried, last = records
        return Attempts({one["attempt"]: one["failure"] for one in tried}, last["writable"])
    except (ValueError, KeyError) as error:
        raise AssertionError("the probe did not finish:\n" + "\n".join(lines)) from error


def test_it_can_do_its_work(both: Both) -> None:
    """Everything that the daemon needs, with the same user, rights and system calls."""
    needed = (*WORK, "create in STATE_DIRECTORY", "create in RUNTIME_DIRECTORY")
    assert {name: both.within.failures[name] for name in needed} == dict.fromkeys(needed)


def test_it_writes_to_its_own_folders_alone(both: Both) -> None:
    """Its state, its runtime folder and a /tmp of its own; root outside writes to thousands."""
    assert set(both.within.writable) == {
        "/var/lib/private/pokepodsd",
        "/run/pokepodsd",
        "/tmp",
        "/var/tmp",
    }
    assert len(both.outside.writable) > 1000
    both.check_refused(f"create {path}" for path in FOLDERS)
    both.check_refused(f"append {path}" for path in FILES)


def test_it_reads_no_secret_but_the_kubelets(both: Both) -> None:
    """Keys of the cluster, secrets of pods, etcd, logs, accounts: it may read all that it sees."""
    both.check_refused(f"read {path}" for path in HIDDEN)


def test_it_reaches_no_socket_that_rules_the_node(both: Both) -> None:
    """The container runtime's, D-Bus's and systemd's own."""
    both.check_refused(f"connect {path}" for path in MANAGERS)


def test_it_gets_no_right_that_it_does_not_need(both: Both) -> None:
    """Processes of root, namespaces, mounts, modules, raw packets, code that is written anew."""
    both.check_refused(RIGHTS)


def test_this_systemd_finds_no_fault(box: Box) -> None:
    """`systemd-analyze verify` says nothing of any unit, `security` at most 1.9 of 10.

    A tenth of it is for capset(2), with which children of the daemon give up rights.
    """
    units = box.sh("dpkg --listfiles pokepodsd | grep -E '[.](service|path|timer)$'").split()
    assert len(units) == 4
    (template,) = (unit for unit in units if "@" in unit)
    names = [Path(unit).name for unit in units if unit != template]
    done = box.run(
        "systemd-analyze", "verify", "--man=no", *names, "pokepodsd-mounts@etc-shadow.path"
    )
    assert done.stdout + done.stderr == ""
    program = ("systemd-analyze", "security", "--offline=true", "--threshold=19")
    (service,) = (unit for unit in units if unit.endswith(f"/{UNIT}"))
    box.run(*program, service)
