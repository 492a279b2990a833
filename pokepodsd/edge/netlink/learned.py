"""What the kernel learns of its neighbours, which is not even heard.

Owns the filter on the route socket. Each address that this host talks to changes its state a few
times a minute (arp(7)), and each change would wake the daemon for nothing: only entries that were
put in by hand count, see `messages.neighbour_of`.
"""

import ctypes
import socket
import struct

from pokepodsd.edge.netlink.messages import Type

# Linux's values (asm-generic/socket.h, linux/netlink.h, linux/socket.h, linux/neighbour.h).
_SO_ATTACH_FILTER = 26
_NLM_F_MULTI = 2
_AF_BRIDGE = 7
_NUD_PERMANENT = 0x80


def leave_out_learned(route_socket: socket.socket) -> None:
    """Have nothing told of what the kernel itself notes of neighbours that it has learned.

    Entries by hand it leaves alone (__neigh_update), and the news of what a program did carry that
    program's port, where the kernel's own have 0. Forwarding tables and dumps pass whole.

    Raises:
        OSError: the kernel takes no filter.
    """
    wanted = struct.pack("=HHH", Type.NEWNEIGH, _NLM_F_MULTI, _NUD_PERMANENT)
    # A filter reads in the order of the network what stands there in that of the machine.
    kind, multi, permanent = struct.unpack("!HHH", wanted)
    program = [
        (0x28, 0, 0, 4),  # ldh nlmsg_type
        (0x15, 0, 8, kind),  # jeq, or else take it
        (0x28, 0, 0, 6),  # ldh nlmsg_flags
        (0x45, 6, 0, multi),  # jset: take it
        (0x20, 0, 0, 12),  # ld nlmsg_pid
        (0x15, 0, 4, 0),  # jeq, or else take it
        (0x30, 0, 0, 16),  # ldb ndm_family
        (0x15, 2, 0, _AF_BRIDGE),  # jeq: take it
        (0x28, 0, 0, 24),  # ldh ndm_state
        (0x45, 0, 1, permanent),  # jset: take it, or else drop it
        (0x06, 0, 0, 0xFFFFFFFF),
        (0x06, 0, 0, 0),
    ]
    code = b"".join(struct.pack("=HBBI", *step) for step in program)
    buffer = ctypes.create_string_buffer(code)
    head = struct.pack("@HP", len(program), ctypes.addressof(buffer))
    route_socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, head)
