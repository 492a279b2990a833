"""ICMP errors as the kernel tells them, about probes of a test."""

from pokepodsd.core.model import IcmpError, Probe


def quote(probe: Probe, packet: bytes, *, kind: int = 3, code: int = 1) -> IcmpError:
    """An ICMP error about the probe, by a router, that quotes this much of its packet."""
    family = probe.target.family
    return IcmpError(
        family=family,
        quoted=packet,
        destination=probe.target.address,
        type=kind,
        code=code,
        reporter="10.9.9.9",
    )
