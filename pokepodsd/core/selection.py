"""Which pods are poked: one `Pod` in, its targets or the reasons for leaving them out.

Owns the rule of selection, on both sides: the field selector with which the API server leaves out
what no setting asks for, and the same rule again for what arrives anyway.
"""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

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

    def _reason_to_skip(self, pod: Pod) -> Skip | None:
        config = self.config
        namespaces = config.include_namespaces
        if namespaces and pod.namespace not in namespaces:
            return Skip.NAMESPACE
        if not namespaces and pod.namespace in config.exclude_namespaces:
            return Skip.NAMESPACE
        reasons = (
            (pod.phase in FINISHED_PHASES, Skip.FINISHED),
            # A pod that is being deleted stops answering: poking it would report what is planned.
            (pod.terminating, Skip.TERMINATING),
            (pod.host_network and not config.host_network, Skip.HOST_NETWORK),
            (pod.ready and config.skip_ready, Skip.READY),
            (pod.node is not None and pod.node == self.node and not config.own_pods, Skip.OWN_NODE),
            (not pod.addresses, Skip.NO_ADDRESS),
        )
        return next((reason for holds, reason in reasons if holds), None)

    def _check_address(self, pod: Pod, text: str) -> Target | Skipped:
        def skipped(reason: Skip) -> Skipped:
            return Skipped(uid=pod.uid, address=text, reason=reason)

        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return skipped(Skip.NOT_A_POD_ADDRESS)
        if not _is_a_pods(address):
            return skipped(Skip.NOT_A_POD_ADDRESS)
        written = str(address)
        if written in self.own_addresses:
            return skipped(Skip.OWN_ADDRESS)
        family = Family(address.version)
        if family not in self.families:
            return skipped(Skip.NO_SOCKET)
        return Target(
            id=TargetId(f"{pod.uid}/{written}"),
            uid=pod.uid,
            namespace=pod.namespace,
            name=pod.name,
            node=pod.node,
            address=written,
            family=family,
            created=pod.created,
            host=pod.host,
        )


def _is_a_pods(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether a pod may have it: no loopback, link-local, multicast or reserved address."""
    if isinstance(address, ipaddress.IPv4Address):
        # RFC 791, section 3.2, for 0/8; RFC 1122, 3.2.1.3; RFC 3927; 224 and up is multicast and
        # reserved (RFC 1112). By the octets, since this is most of what a pod costs here.
        first, second = address.packed[:2]
        return first not in (0, 127) and first < 224 and (first, second) != (169, 254)
    is_of_a_host = address.is_loopback or address.is_link_local or address.is_unspecified
    is_mapped = address.ipv4_mapped is not None or address.scope_id is not None
    return not (is_of_a_host or is_mapped or address.is_multicast)


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
