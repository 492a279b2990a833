"""Who may do what: the Node authorizer with selectors, then RBAC by ClusterRoleBinding.

Owns: decisions and their reasons, worded as kube-apiserver words them. Refuses: namespaced roles,
resource names and aggregation, which no test needs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.apiserver.authentication import User
from tests.apiserver.selectors import Selector
from tests.apiserver.status import Json, StatusError

READS = ("get", "list", "watch")
ROLES = "clusterroles"
BINDINGS = "clusterrolebindings"
EVERYTHING = Selector()
EVENTS_GROUP = "events.k8s.io"
# plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go, NodeRules(): what every node may write,
# of what tests need. Which node's it is, the admission plugin NodeRestriction looks at.
NODE_WRITES = {
    "events": ("create", "update", "patch"),
    "nodes": ("create", "update", "patch"),
    "nodes/status": ("update", "patch"),
}


@dataclass(frozen=True, slots=True)
class Attributes:
    """What is asked for. `name` includes one that a field selector pins, as in requestinfo.go."""

    verb: str
    resource: str
    group: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    selector: Selector = EVERYTHING

    @property
    def full_resource(self) -> str:
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


@dataclass(frozen=True, slots=True)
class Decision:
    """Allowed or not, and why."""

    is_allowed: bool
    reason: str = ""


class Authorizer:
    """Decides over the roles and bindings that the cluster holds at the time."""

    def __init__(self, collections: Mapping[str, Mapping[str, Json]]) -> None:
        self._collections = collections

    def decide(self, user: User, asked: Attributes, *, node_selectors: bool) -> Decision:
        if "system:masters" in user.groups:
            return Decision(is_allowed=True)
        if asked.resource == "selfsubjectaccessreviews" and not user.is_anonymous:
            return Decision(is_allowed=True)
        by_node = _decide_node(user, asked, node_selectors=node_selectors)
        if by_node.is_allowed:
            return by_node
        by_role = self._decide_roles(user, asked)
        return by_role if by_role.is_allowed else by_node

    def check(self, user: User, asked: Attributes, *, node_selectors: bool) -> None:
        decision = self.decide(user, asked, node_selectors=node_selectors)
        if not decision.is_allowed:
            raise forbidden(user, asked, decision.reason)

    def _decide_roles(self, user: User, asked: Attributes) -> Decision:
        roles = self._collections.get(ROLES, {})
        for binding in self._collections.get(BINDINGS, {}).values():
            subject = _matching_subject(user, binding)
            role_name = binding["roleRef"]["name"]
            role = roles.get(role_name)
            if subject and role and any(_rule_allows(rule, asked) for rule in _rules(role)):
                bound = f'ClusterRoleBinding "{binding["metadata"]["name"]}"'
                reason = f'RBAC: allowed by {bound} of ClusterRole "{role_name}" to {subject}'
                return Decision(is_allowed=True, reason=reason)
        return Decision(is_allowed=False)


def forbidden(user: User, asked: Attributes, reason: str) -> StatusError:
    scope = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    kind = f"{asked.resource}.{asked.group}" if asked.group else asked.resource
    named = f'{kind} "{asked.name}"' if asked.name else kind
    message = (
        f'{named} is forbidden: User "{user.name}" cannot {asked.verb} resource '
        f'"{asked.full_resource}" in API group "{asked.group}" {scope}'
    )
    details: Json = {"name": asked.name} if asked.name else {}
    details |= {"group": asked.group} if asked.group else {}
    details |= {"kind": asked.resource}
    # Only refusals of the authorizer carry this header: responsewriters/errors.go.
    return StatusError(
        403,
        f"{message}: {reason}" if reason else message,
        details=details,
        headers={"X-Content-Type-Options": "nosniff"},
    )


def _decide_node(user: User, asked: Attributes, *, node_selectors: bool) -> Decision:
    """plugin/pkg/auth/authorizer/node; selectors are what 1.32 brought."""
    node = user.node
    if node is None:
        return Decision(is_allowed=False)
    if asked.verb not in READS:
        return Decision(is_allowed=_may_write(asked))
    if asked.group:
        return Decision(is_allowed=False)
    if asked.resource == "pods" and not asked.subresource:
        return _decide_pods(node, asked, node_selectors=node_selectors)
    if asked.resource == "nodes" and not asked.subresource:
        return _decide_nodes(node, asked, node_selectors=node_selectors)
    return Decision(is_allowed=False)


def _may_write(asked: Attributes) -> bool:
    groups = ("", EVENTS_GROUP) if asked.resource == "events" else ("",)
    return asked.group in groups and asked.verb in NODE_WRITES.get(asked.full_resource, ())


def _decide_pods(node: str, asked: Attributes, *, node_selectors: bool) -> Decision:
    if not node_selectors:
        return Decision(is_allowed=True)
    if asked.verb == "get":
        # The real authorizer follows its graph to the pod's node; no test reads a single pod so.
        reason = f"no relationship found between node '{node}' and this object"
        return Decision(is_allowed=False, reason=reason)
    if asked.selector.required_value("spec.nodeName") == node:
        return Decision(is_allowed=True)
    reason = "can only list/watch pods with spec.nodeName field selector"
    return Decision(is_allowed=False, reason=reason)


def _decide_nodes(node: str, asked: Attributes, *, node_selectors: bool) -> Decision:
    if not node_selectors or asked.name == node:
        return Decision(is_allowed=True)
    what = f"'{asked.name}'" if asked.name else "all nodes"
    reason = f"node '{node}' cannot read {what}, only its own Node object"
    return Decision(is_allowed=False, reason=reason)


def _rules(role: Json) -> Iterator[Json]:
    yield from role.get("rules") or ()


def _rule_allows(rule: Json, asked: Attributes) -> bool:
    return (
        _covers(rule.get("verbs", ()), asked.verb)
        and _covers(rule.get("apiGroups", ()), asked.group)
        and _covers(rule.get("resources", ()), asked.full_resource)
    )


def _covers(allowed: list[str], wanted: str) -> bool:
    return "*" in allowed or wanted in allowed


def _matching_subject(user: User, binding: Json) -> str | None:
    for subject in binding.get("subjects") or ():
        kind, name = subject["kind"], subject["name"]
        if kind == "Group" and name in user.groups:
            return f'Group "{name}"'
        if kind == "User" and name == user.name:
            return f'User "{name}"'
        if kind == "ServiceAccount":
            namespace = subject["namespace"]
            if user.name == f"system:serviceaccount:{namespace}:{name}":
                return f'ServiceAccount "{name}/{namespace}"'
    return None
