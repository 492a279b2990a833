"""The rights of root that a process has one by one; gives up those that it does not need.

Owns the kernel's call for it, capset(2), which the C library has and Python has not. Never takes a
right, and needs none.
"""

import ctypes
import os
import struct
from enum import IntEnum
from typing import Final


class Capability(IntEnum):
    """Those that any process of pokepodsd has use for (linux/capability.h)."""

    DAC_OVERRIDE = 1
    DAC_READ_SEARCH = 2
    NET_BIND_SERVICE = 10


# struct __user_cap_header_struct: the version, and the thread, 0 for the one that calls.
_HEADER: Final = struct.pack("@Ii", 0x20080522, 0)
# Two of struct __user_cap_data_struct, for 64 rights: effective, permitted, inheritable.
_DATA: Final = struct.Struct("@6I")
_LIBRARY: Final = ctypes.CDLL(None, use_errno=True)


def keep_only(*wanted: Capability) -> None:
    """Give up every right of the calling thread but these, for good; ambient ones too.

    The threads that it starts afterwards have no more (capabilities(7), fork(2)).

    Raises:
        OSError: the kernel does not allow it, or this C library does not know it.
    """
    mask = sum(1 << one for one in wanted)
    data = ctypes.create_string_buffer(_DATA.size)
    _call("capget", data)
    kept = (word & mask >> 32 * (number // 3) for number, word in enumerate(_DATA.unpack(data.raw)))
    _call("capset", ctypes.create_string_buffer(_DATA.pack(*kept), _DATA.size))


def _call(name: str, data: ctypes.Array[ctypes.c_char]) -> None:
    if getattr(_LIBRARY, name)(ctypes.create_string_buffer(_HEADER), data) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
