"""Which pods are poked: one `Pod` in, its targets or the reasons for leaving them out.

Owns the rule of selection, on both sides: the field selector with which the API server leaves out
what no setting asks for, and the same rule again for what arrives anyway.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from sys import intern

from pokepodsd.core.addresses import pod_address
from pokepodsd.core.config import KubernetesConfig
from pokepodsd.core.model import (
    Family,
    NodeName,
    Pod,
    Scope,
    Skip,
    Skipped,
    Target,
    TargetId,
)

FINISHED_PHASES = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The rule for one node: its settings, its name, and what its host can do."""

    config: KubernetesConfig
    node: NodeName | None
    families: frozenset[Family]
    own_addresses: frozenset[str] = frozenset()

    def targets(self, pod: Pod) -> Iterator[Target | Skipped]:
        """One target an address and family, or why not."""
        reason = self._reason_to_skip(pod)
        if reason is not None:
            yield Skipped(uid=pod.uid, address="", reason=reason)
            return
        seen: set[Family] = set()
        for address in pod.addresses:
            checked = self._check_address(pod, address)
            if isinstance(checked, Target):
                if checked.family in seen:
                    continue
                seen.add(checked.family)
            yield checked

    def keeps(self, saved: Target) -> bool:
        """Whether a target that was saved is one by the rule of now, as far as it says."""
        is_own = saved.node is not None and saved.node == self.node
        return (
            not self._is_left_out(saved.namespace)
            and (self.config.own_pods or not is_own)
            and saved.address not in self.own_addresses
            and saved.family in self.families
            and pod_address(saved.address) is not None
        )

    def _reason_to_skip(self, pod: Pod) -> Skip | None:
        config = self.config
        is_own = pod.node is not None and pod.node == self.node
        reason = None
        if self._is_left_out(pod.namespace):
            reason = Skip.NAMESPACE
        elif pod.phase in FINISHED_PHASES:
            reason = Skip.FINISHED
        elif pod.terminating:
            # It stops answering: poking it would report what is planned.
            reason = Skip.TERMINATING
        elif pod.host_network and not config.host_network:
            reason = Skip.HOST_NETWORK
        elif pod.ready and config.skip_ready:
            reason = Skip.READY
        elif is_own and not config.own_pods:
            reason = Skip.OWN_NODE
        elif not pod.addresses:
            reason = Skip.NO_ADDRESS
        return reason

    def _is_left_out(self, namespace: str) -> bool:
        included = self.config.include_namespaces
        if included:
            return namespace not in included
        return namespace in self.config.exclude_namespaces

    def _check_address(self, pod: Pod, text: str) -> Target | Skipped:
        found = pod_address(text)
        if found is None:
            return Skipped(uid=pod.uid, address=text, reason=Skip.NOT_A_POD_ADDRESS)
        address, family = found
        if address in self.own_addresses:
            return Skipped(uid=pod.uid, address=text, reason=Skip.OWN_ADDRESS)
        if family not in self.families:
            return Skipped(uid=pod.uid, address=text, reason=Skip.NO_SOCKET)
        # Thousands of pods have one node's name, host and namespace: one text for all of them.
        return Target(
            id=TargetId(f"{pod.uid}/{address}"),
            uid=pod.uid,
            namespace=intern(pod.namespace),
            name=pod.name,
            node=None if pod.node is None else NodeName(intern(pod.node)),
            address=address,
            family=family,
            created=pod.created,
            host=intern(pod.host),
        )


def field_selector(
    config: KubernetesConfig, scope: Scope, node: NodeName, *, portable: bool = False
) -> str:
    """What the API server itself is asked to leave out.

    ``portable`` keeps to the fields that every server knows: ``spec.hostNetwork`` came with
    Kubernetes 1.28 (kubernetes/kubernetes#110477).
    """
    terms = [f"status.phase!={phase}" for phase in FINISHED_PHASES]
    if not config.host_network and not portable:
        terms.append("spec.hostNetwork=false")
    if len(config.include_namespaces) == 1:
        terms.append(f"metadata.namespace={config.include_namespaces[0]}")
    elif not config.include_namespaces:
        terms.extend(f"metadata.namespace!={name}" for name in config.exclude_namespaces)
    if scope is Scope.NODE:
        # The Node authorizer wants this one as a requirement of equality (Kubernetes 1.32).
        terms.append(f"spec.nodeName={node}")
    elif not config.own_pods:
        terms.append(f"spec.nodeName!={node}")
    return ",".join(terms)
