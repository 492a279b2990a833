"""What a node may change besides what the authorizer says: the admission plugin NodeRestriction.

Owns: that a node writes its own Node only. Refuses: pods, leases and labels, which no test needs.
"""

from tests.apiserver.authentication import User
from tests.apiserver.status import StatusError


def admit_node(user: User, name: str) -> None:
    """plugin/pkg/admission/noderestriction: admitNode, for a Node or its status."""
    if user.node is None or user.node == name:
        return
    refusal = f'node "{user.node}" is not allowed to modify node "{name}"'
    raise StatusError(
        403, f'nodes "{name}" is forbidden: {refusal}', details={"name": name, "kind": "nodes"}
    )
