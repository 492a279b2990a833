"""What makes a raw ICMP socket as quiet as a datagram one.

Owns the two filters: by ICMP's type, and by the identifier. Reads and sends nothing.
"""

import ctypes
import socket
import struct

from pokepodsd.core.model import Family

# Linux's values, which the socket module does not name (include/uapi/asm-generic/socket.h,
# linux/in.h, linux/icmp.h, linux/icmpv6.h).
_SO_ATTACH_FILTER = 26
_SOL_RAW = 255
_ICMP_FILTER = 1
_ICMPV6_FILTER = 1


def filter_raw(sock: socket.socket, family: Family, identifier: int) -> None:
    """Let this raw socket take echo replies with the identifier, and nothing else."""
    if family is Family.V4:
        sock.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", 0xFFFFFFFF & ~(1 << 0)))
        program = [
            (0xB1, 0, 0, 0),  # ldxb 4*([0]&0xf): the length of the IP header
            (0x48, 0, 0, 4),  # ldh [x+4]: the identifier
        ]
    else:
        blocked = [0xFFFFFFFF] * 8
        blocked[129 >> 5] &= ~(1 << (129 & 31))
        sock.setsockopt(socket.IPPROTO_ICMPV6, _ICMPV6_FILTER, struct.pack("=8I", *blocked))
        program = [(0x28, 0, 0, 4)]  # ldh [4]
    program += [
        (0x15, 0, 1, identifier),  # jeq identifier
        (0x06, 0, 0, 0xFFFF),  # accept
        (0x06, 0, 0, 0),  # drop
    ]
    code = b"".join(struct.pack("=HBBI", *step) for step in program)
    buffer = ctypes.create_string_buffer(code)
    head = struct.pack("@HP", len(program), ctypes.addressof(buffer))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, head)
