"""Kernel parameters, as /proc/sys shows them."""

from pathlib import Path


def read(name: str, root: Path = Path("/")) -> str | None:
    """The value of a parameter, named with slashes; None where this kernel has none.

    With slashes (``net/ipv4/conf/vxlan.calico/rp_filter``), because a device's name may hold dots.
    """
    try:
        return (root / "proc/sys" / name).read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
