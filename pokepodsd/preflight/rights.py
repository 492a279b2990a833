"""Checks what the API server lets these credentials do, and what is lost without it.

Owns which rights there are and how each is granted. The tunnels need none of them.
"""

from collections.abc import Iterator

from pokepodsd.preflight.api import Api
from pokepodsd.preflight.credentials import Credentials
from pokepodsd.preflight.finding import Finding, Place, Topic
from pokepodsd.preflight.world import Settings

ALL_PODS = Topic(check="right-all-pods", name="right to the pods of all nodes")
OWN_PODS = Topic(check="right-own-pods", name="right to this node's pods")
NODES = Topic(check="right-nodes", name="right to read nodes")
REPORT = Topic(check="right-report", name="right to report")
# As `pokepodsd rbac --for serviceaccount` names it.
_ACCOUNT = "--serviceaccount=kube-system:pokepodsd"


class Rights:
    """One after the other, each with a question of its own."""

    def __init__(self, api: Api, credentials: Credentials, settings: Settings) -> None:
        self._api = api
        self._credentials = credentials
        self._settings = settings

    def check_all_pods(self) -> Iterator[Finding]:
        """Asked without using it: a list of all pods is dear."""
        verbs = [verb for verb in ("list", "watch") if not self._may(verb=verb, resource="pods")]
        if not verbs:
            yield ALL_PODS.ok("list and watch are allowed")
            return
        text = (
            f"{' and '.join(verbs)} of pods in all namespaces is not allowed: the tunnels are "
            "poked, the pods of other nodes are not"
        )
        yield ALL_PODS.warning(text, self._grant(), Place.CLUSTER)

    def check_own_pods(self) -> Iterator[Finding]:
        """Tried, because a review cannot be made of a field selector before Kubernetes 1.32."""
        node = self._credentials.node
        is_allowed, said = self._api.can_list(f"spec.nodeName={node}")
        if is_allowed:
            yield OWN_PODS.ok(f"the pods of {node} can be listed")
            return
        text = f"the pods of {node} cannot be listed, so that none are known: {said}"
        yield OWN_PODS.warning(text, self._grant(), Place.CLUSTER)

    def check_nodes(self) -> Iterator[Finding]:
        """For information: what it costs to lack it is an alarm too many."""
        node = self._credentials.node
        own = self._may(verb="get", resource="nodes", name=node)
        others = self._may(verb="get", resource="nodes")
        if others:
            yield NODES.ok("allowed: a node that is cordoned or not ready raises no alarm")
            return
        which = f"{node} alone" if own else "none"
        yield NODES.ok(f"{which}: an alarm is told without a look at the other node's object")

    def check_report(self) -> Iterator[Finding]:
        """What kubernetes.report asks for."""
        report = self._settings.config.kubernetes.report
        if report == "none":
            yield REPORT.ok('not needed: kubernetes.report is "none"')
            return
        verbs, attributes, resource = ["create", "patch"], {"namespace": "default"}, "events"
        if report == "condition":
            verbs, attributes = ["patch"], {"subresource": "status"}
            attributes["name"], resource = self._credentials.node, "nodes"
        missing = [
            verb for verb in verbs if not self._may(verb=verb, resource=resource, **attributes)
        ]
        shown = "nodes/status" if report == "condition" else resource
        if not missing:
            yield REPORT.ok(f"{' and '.join(verbs)} of {shown} is allowed")
            return
        text = f'{" and ".join(missing)} of {shown} is not allowed, which report = "{report}" needs'
        subject = "--group=system:nodes" if self._credentials.is_kubelets else _ACCOUNT
        command = (
            f"kubectl create clusterrole pokepodsd-report --verb={','.join(verbs)} "
            f"--resource={shown} && kubectl create clusterrolebinding pokepodsd-report "
            f"--clusterrole=pokepodsd-report {subject}"
        )
        yield REPORT.warning(text, command, Place.CLUSTER)

    def _may(self, **attributes: str) -> bool:
        return self._api.may(**attributes)

    def _grant(self) -> str:
        subject = "nodes" if self._credentials.is_kubelets else "serviceaccount"
        return f"pokepodsd rbac --for {subject} | kubectl apply -f -"
