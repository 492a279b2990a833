"""The kubelet's kubeconfig: where it is, what it says, who may write it, the plugin it names.

Owns the files and the plugin. No text of an error holds what a file or a plugin says, since that
may be a secret.
"""

from pokepodsd.edge.kubeconfig.file import Kubeconfig
from pokepodsd.edge.kubeconfig.places import AUTO, KNOWN_PLACES, find
from pokepodsd.edge.kubeconfig.trust import weakness

__all__ = ["AUTO", "KNOWN_PLACES", "Kubeconfig", "find", "weakness"]
