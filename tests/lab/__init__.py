"""A lab of Kubernetes-like nodes, as network namespaces on one machine.

Needs root, iproute2, nftables and conntrack. Its packets never leave namespaces that it made
itself.
"""

from tests.lab.capture import EchoCapture
from tests.lab.encapsulation import Encapsulation
from tests.lab.errors import LabError, LabTimeoutError
from tests.lab.figures import by_destination, gaps, largest_window
from tests.lab.firewall import Rejection
from tests.lab.forger import IcmpForger
from tests.lab.journal import JournalSocket
from tests.lab.lab import Lab
from tests.lab.namespace import inside
from tests.lab.notify import NotifySocket
from tests.lab.packets import Echo, Kind, echo_packet, error_packet, packet_of
from tests.lab.place import Hub, Node, Place
from tests.lab.processes import Line, Process
from tests.lab.tunnel import Tunnel, TunnelFilter, TunnelPackets

__all__ = [
    "Echo",
    "EchoCapture",
    "Encapsulation",
    "Hub",
    "IcmpForger",
    "JournalSocket",
    "Kind",
    "Lab",
    "LabError",
    "LabTimeoutError",
    "Line",
    "Node",
    "NotifySocket",
    "Place",
    "Process",
    "Rejection",
    "Tunnel",
    "TunnelFilter",
    "TunnelPackets",
    "by_destination",
    "echo_packet",
    "error_packet",
    "gaps",
    "inside",
    "largest_window",
    "packet_of",
]
