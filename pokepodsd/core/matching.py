"""Which node is meant: by its name, else by an address that is one node's alone.

Owns the register of nodes that a matrix is of. An address that two nodes have (that of a bridge
for containers, say) says nothing, and is never used.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Known:
    """A node as far as it is known; ``addresses`` keeps the order in which they were told."""

    name: str
    addresses: dict[str, None] = field(default_factory=dict)


class Register:
    """Nodes by number, in the order in which they were first told."""

    def __init__(self) -> None:
        self.nodes: list[Known] = []
        self._by_name: dict[str, int] = {}
        self._by_address: dict[str, int] = {}
        self._shared: set[str] = set()

    def add(self, name: str, addresses: Iterable[str] = (), *, other_name: str = "") -> int:
        """The number of the node of this name, which is made known with its addresses.

        ``other_name`` (that of its host) stands for it too, unless it is a node's own name.
        """
        if name not in self._by_name or self.nodes[self._by_name[name]].name != name:
            self._by_name[name] = len(self.nodes)
            self.nodes.append(Known(name=name))
        number = self._by_name[name]
        if other_name:
            self._by_name.setdefault(other_name, number)
        for address in addresses:
            self._claim(address, number)
        return number

    def find(self, name: str | None, address: str | None) -> int | None:
        """The number of the node that is meant, if it is known."""
        if name is not None and name in self._by_name:
            return self._by_name[name]
        if address is not None and address not in self._shared:
            return self._by_address.get(address)
        return None

    def meet(self, name: str | None, address: str | None, identity: str) -> int:
        """The number of a peer's node; one that is not known yet is made known.

        ``identity`` is what the peer is called where it has neither name nor address.
        """
        number = self.find(name, address)
        if number is None:
            number = self.find(identity, identity)
        if number is None:
            return self.add(name or address or identity, [address] if address else [])
        if address:
            self._claim(address, number)
        return number

    def _claim(self, address: str, number: int) -> None:
        self.nodes[number].addresses.setdefault(address)
        if self._by_address.setdefault(address, number) != number:
            self._shared.add(address)
