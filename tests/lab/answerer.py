"""A far end of thousands of tunnels: `python -m tests.lab.answerer DEVICE`, in a namespace.

Owns a TUN device that answers every ICMP echo request that is sent into it, whatever its address.
Ends when it is killed.
"""

import fcntl
import os
import struct
import subprocess
import sys

# linux/if_tun.h
_TUNSETIFF = 0x400454CA
_IFF_TUN = 0x0001
_IFF_NO_PI = 0x1000
_ICMP = 1
_ECHO_REQUEST = 8
_LARGEST = 2048
OWN_ADDRESS = "10.244.200.1"


def main(device: str) -> None:
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH", device.encode(), _IFF_TUN | _IFF_NO_PI))
    for arguments in (f"addr add {OWN_ADDRESS}/32 dev {device}", f"link set {device} up"):
        subprocess.run(["ip", *arguments.split()], check=True)
    print("up", flush=True)
    while True:
        packet = bytearray(os.read(tun, _LARGEST))
        if answer(packet):
            os.write(tun, packet)


def answer(packet: bytearray) -> bool:
    """Make the echo reply of an echo request, in place; False for anything else (RFC 792)."""
    header = (packet[0] & 0x0F) * 4
    if packet[0] >> 4 != 4 or packet[9] != _ICMP or packet[header] != _ECHO_REQUEST:
        return False
    packet[12:16], packet[16:20] = packet[16:20], packet[12:16]
    packet[header] = 0
    (checksum,) = struct.unpack_from("!H", packet, header + 2)
    # RFC 1624: the type is the high byte of its word, and went from 8 to 0.
    checksum += _ECHO_REQUEST << 8
    struct.pack_into("!H", packet, header + 2, (checksum & 0xFFFF) + (checksum >> 16))
    return True


if __name__ == "__main__":
    main(sys.argv[1])
