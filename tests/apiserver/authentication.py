"""Who is asking: client certificate, bearer token, or nobody.

Owns: the order in which kube-apiserver tries them (certificate, then token, then anonymous).
Refuses: to decide what anyone may do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.apiserver.status import unauthorized


@dataclass(frozen=True, slots=True)
class User:
    """A name with its groups."""

    name: str
    groups: frozenset[str]
    certificate_serial: str | None = None

    @property
    def is_anonymous(self) -> bool:
        return "system:unauthenticated" in self.groups

    @property
    def node(self) -> str | None:
        """The node that a kubelet speaks for (pkg/auth/nodeidentifier)."""
        if "system:nodes" in self.groups and self.name.startswith("system:node:"):
            return self.name.removeprefix("system:node:")
        return None


ANONYMOUS = User("system:anonymous", frozenset(["system:unauthenticated"]))


def make_user(name: str, groups: list[str], serial: str | None = None) -> User:
    return User(name, frozenset([*groups, "system:authenticated"]), serial)


def identify(
    certificate: Mapping[str, Any] | None, authorization: str | None, tokens: Mapping[str, User]
) -> User:
    """`certificate` as `ssl.SSLSocket.getpeercert` gives it."""
    if certificate:
        return _certificate_user(certificate)
    if authorization and authorization.lower().startswith("bearer "):
        user = tokens.get(authorization[len("bearer ") :].strip())
        if user is None:
            raise unauthorized()
        return user
    return ANONYMOUS


def _certificate_user(certificate: Mapping[str, Any]) -> User:
    attributes = [pair for relative_name in certificate["subject"] for pair in relative_name]
    names = [value for key, value in attributes if key == "commonName"]
    groups = [value for key, value in attributes if key == "organizationName"]
    return make_user(names[0], groups, certificate["serialNumber"])
