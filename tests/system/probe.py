"""What a daemon that was taken over would try, and what a good one must be able to do.

Runs in a box as a program of its own, on Debian's Python alone: within the unit's sandbox, and
outside of it as root. Prints a line of JSON for each attempt, with its errno if it failed. Whatever
it changes it changes back. The arguments are the number of a process of root's, then paths.
"""

import argparse
import ctypes
import errno
import json
import mmap
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

# <linux/sched.h>, <sys/ptrace.h>, <fcntl.h> and the system calls of x86-64 and of all others.
NAMESPACES = {"mount": 0x00020000, "net": 0x40000000, "user": 0x10000000, "pid": 0x20000000}
PTRACE_SEIZE = 0x4206
AT_FDCWD = -100
INIT_MODULE = {"x86_64": 175}.get(os.uname().machine, 105)
ETH_P_ALL = 3
RTM_GETROUTE, RTM_NEWROUTE, NLM_F_REQUEST_DUMP = 26, 24, 0x301

LIBC = ctypes.CDLL(None, use_errno=True)

Attempt = tuple[str, Callable[[], object]]


def check(result: int) -> None:
    """Raise what a call of libc's failed with."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def read(path: str) -> None:
    """The file that systemd puts in the place of a hidden one can be read, and is empty."""
    with open(path, "rb") as file:
        if not file.read(1):
            raise OSError(errno.ENODATA, "empty")


def create(folder: str) -> None:
    path = Path(folder, f".probe-{os.getpid()}")
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    path.unlink()


def append(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_APPEND))


def connect(path: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as endpoint:
        endpoint.connect(path)


def write_same(path: str) -> None:
    Path(path).write_text(Path(path).read_text())


def in_child(attempt: Callable[[], None]) -> None:
    """Try what would change this process."""
    child = os.fork()
    if child == 0:
        try:
            attempt()
        except OSError as error:
            os._exit(error.errno or 255)
        os._exit(0)
    if number := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        raise OSError(number, "in a child")


def unshare(flag: int) -> None:
    in_child(lambda: check(LIBC.unshare(flag)))


def mount() -> None:
    check(LIBC.mount(b"tmpfs", b"/mnt", b"tmpfs", 0, None))
    check(LIBC.umount2(b"/mnt", 0))


def trace(pid: int) -> None:
    """In a child, whose end lets go of the process."""
    in_child(lambda: check(LIBC.ptrace(PTRACE_SEIZE, pid, None, None)))


def load_module() -> None:
    """Not a module: whoever may load one is told so, or that this kernel takes none."""
    try:
        check(LIBC.syscall(INIT_MODULE, b"no module", 9, b""))
    except OSError as error:
        if error.errno not in (errno.ENOEXEC, errno.ENOSYS):
            raise


def open_by_handle() -> None:
    """What CAP_DAC_READ_SEARCH is feared for: any file of a file system, hidden or not."""
    handle = ctypes.create_string_buffer(struct.pack("Ii", 128, 0), 136)
    number = ctypes.c_int()
    check(LIBC.name_to_handle_at(AT_FDCWD, b"/run", handle, ctypes.byref(number), 0))
    descriptor = os.open("/run", os.O_RDONLY)
    check(LIBC.open_by_handle_at(descriptor, handle, os.O_RDONLY))


def map_writable_code() -> None:
    everything = mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
    mmap.mmap(-1, mmap.PAGESIZE, prot=everything).close()


def set_setuid_bit() -> None:
    path = Path(os.environ.get("STATE_DIRECTORY", "/root"), "program")
    path.touch()
    try:
        path.chmod(0o4755)
    finally:
        path.unlink()


def open_socket(family: int, kind: int, protocol: int) -> None:
    socket.socket(family, kind, protocol).close()


def read_routes() -> None:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as endpoint:
        endpoint.send(struct.pack("=IHHIIB11x", 28, RTM_GETROUTE, NLM_F_REQUEST_DUMP, 1, 0, 2))
        (kind,) = struct.unpack_from("=H", endpoint.recv(65_536), 4)
    if kind != RTM_NEWROUTE:
        raise OSError(errno.EPROTO, f"netlink answers with {kind}")


def try_to_create(folder: str) -> bool:
    try:
        create(folder)
    except OSError:
        return False
    return True


def writable_folders() -> list[str]:
    """Every folder in which a file can be made; the kernel's own file systems are left out."""
    found = []
    for folder, names, _ in os.walk("/"):
        if folder == "/":
            names[:] = [name for name in names if name not in ("proc", "sys")]
        if try_to_create(folder):
            found.append(folder)
    return found


def attempts(arguments: argparse.Namespace) -> Iterator[Attempt]:
    """Everything that is tried, by name."""
    for name in ("read", "create", "append", "connect"):
        for path in getattr(arguments, name):
            yield f"{name} {path}", partial(globals()[name], path)
    pid = arguments.pid
    for path in ("root/etc/shadow", "environ"):
        yield f"look at root's {path}", partial(read, f"/proc/{pid}/{path}")
    yield "look at root's cmdline", partial(read, f"/proc/{pid}/cmdline")
    yield "signal root's process", partial(os.kill, pid, signal.SIGCONT)
    yield "signal systemd", partial(os.kill, 1, 0)
    yield "trace root's process", partial(trace, pid)
    for name, flag in NAMESPACES.items():
        yield f"make a {name} namespace", partial(unshare, flag)
    yield "mount", mount
    yield "change the root", partial(in_child, partial(os.chroot, "/"))
    yield "become root", partial(in_child, partial(os.setuid, 0))
    yield "load a module", load_module
    yield "open by handle", open_by_handle
    yield "map writable code", map_writable_code
    yield "make a setuid program", set_setuid_bit
    yield "set a sysctl", partial(write_same, "/proc/sys/net/ipv4/ip_default_ttl")
    packet = (socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    yield "open a packet socket", partial(open_socket, *packet)
    icmp = (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    yield "open an ICMP socket", partial(open_socket, *icmp)
    icmp6 = (socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    yield "open an ICMPv6 socket", partial(open_socket, *icmp6)
    yield "read the routes", read_routes
    for variable in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY"):
        if variable in os.environ:
            yield f"create in {variable}", partial(create, os.environ[variable])


def main() -> None:
    """Try everything, and print how it went."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pid", type=int)
    for name in ("read", "create", "append", "connect"):
        parser.add_argument(f"--{name}", action="append", default=[])
    for name, attempt in attempts(parser.parse_args()):
        failure = None
        try:
            attempt()
        except OSError as error:
            failure = errno.errorcode.get(error.errno or 0, str(error))
        sys.stdout.write(json.dumps({"attempt": name, "failure": failure}) + "\n")
    sys.stdout.write(json.dumps({"writable": writable_folders()}) + "\n")


if __name__ == "__main__":
    main()
