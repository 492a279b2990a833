"""``pokepodsd rbac``: prints the manifest that grants the missing right, in either of two ways."""

import click

_ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: pokepodsd
rules:
  - apiGroups: [""]
    resources: ["pods"]
    verbs: ["list", "watch"]
  # May be left out. With it, pokepodsd reads a Node before it says that the node is cut off, and
  # keeps quiet if it is cordoned, not ready, being deleted or gone.
  - apiGroups: [""]
    resources: ["nodes"]
    verbs: ["get"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: pokepodsd
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: pokepodsd
subjects:
"""

_NODES = (
    """\
# Lets every node list and watch the pods of all nodes, and read a Node by its name, with the
# kubelet's own credentials.
#
# What this opens up: since Kubernetes 1.32 a node sees the pods of its own only. With this binding
# whoever holds one node's kubelet credentials reads every pod's specification and status again,
# with the environment variables, images, arguments and annotations in it, in all namespaces; and
# every Node that a pod names, with its labels, annotations, addresses and the names of the images
# on it. (Secrets are not readable by it.) For less, give pokepodsd an identity of its own:
#   pokepodsd rbac --for serviceaccount
#
# To apply it:    pokepodsd rbac --for nodes | kubectl apply -f -
# To take it back: pokepodsd rbac --for nodes | kubectl delete -f -
"""
    + _ROLE
    + """\
  - apiGroup: rbac.authorization.k8s.io
    kind: Group
    name: system:nodes
"""
)

_SERVICE_ACCOUNT = (
    """\
# Lets one ServiceAccount list and watch the pods of all nodes, and read a Node by its name; the
# kubelet's rights stay as they are.
#
# What this opens up: whoever holds the ServiceAccount's token reads every pod's specification and
# status, in all namespaces, and every Node that a pod names, with its labels, annotations,
# addresses and the names of the images on it; and nothing else. The token below does not expire;
# keep its kubeconfig readable by root alone, and delete the Secret to revoke it.
#
# 1. Apply it:
#      pokepodsd rbac --for serviceaccount | kubectl apply -f -
# 2. Make its kubeconfig, where kubectl works:
#      token=$(kubectl -n kube-system get secret pokepodsd-token -o jsonpath='{.data.token}' |
#        base64 -d)
#      server=$(kubectl config view --minify -o jsonpath='{.clusters[0].cluster.server}')
#      kubectl -n kube-system get secret pokepodsd-token -o jsonpath='{.data.ca\\.crt}' |
#        base64 -d > ca.crt
#      kubectl --kubeconfig pokepodsd.kubeconfig config set-cluster cluster \\
#        --server="$server" --certificate-authority=ca.crt --embed-certs=true
#      kubectl --kubeconfig pokepodsd.kubeconfig config set-credentials pokepodsd --token="$token"
#      kubectl --kubeconfig pokepodsd.kubeconfig config set-context pokepodsd \\
#        --cluster=cluster --user=pokepodsd
#      kubectl --kubeconfig pokepodsd.kubeconfig config use-context pokepodsd
# 3. Copy it to each node as /etc/pokepodsd/kubeconfig, mode 0600, and set in /etc/pokepodsd.toml:
#      [kubernetes]
#      kubeconfig = "/etc/pokepodsd/kubeconfig"
#    A token names no node: set node_name too where the host's name is not the node's.
apiVersion: v1
kind: ServiceAccount
metadata:
  name: pokepodsd
  namespace: kube-system
automountServiceAccountToken: false
---
apiVersion: v1
kind: Secret
metadata:
  name: pokepodsd-token
  namespace: kube-system
  annotations:
    kubernetes.io/service-account.name: pokepodsd
type: kubernetes.io/service-account-token
---
"""
    + _ROLE
    + """\
  - kind: ServiceAccount
    name: pokepodsd
    namespace: kube-system
"""
)
# What each value of kubernetes.report needs, and what that opens up.
_REPORTS = {
    "events": (
        """\
  # For kubernetes.report = "events".
  - apiGroups: [""]
    resources: ["events"]
    verbs: ["create", "patch"]
""",
        """\
and writes Events, about whatever
# it likes and in all namespaces; and nothing else. The token below does not expire;
""",
    ),
    "condition": (
        """\
  # For kubernetes.report = "condition".
  - apiGroups: [""]
    resources: ["nodes/status"]
    verbs: ["patch"]
""",
        """\
and writes the status of every Node,
# Ready included, since what keeps a kubelet to its own Node does not look at ServiceAccounts; and
# nothing else. The token below does not expire;
""",
    ),
}
_COMMAND = "pokepodsd rbac --for serviceaccount"
_OPENED = "and nothing else. The token below does not expire;\n"
_SETTING = '#      kubeconfig = "/etc/pokepodsd/kubeconfig"\n'
_AFTER_RULES = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\n"
_MANIFESTS = {"nodes": _NODES, "serviceaccount": _SERVICE_ACCOUNT}


@click.command(short_help="Print the manifest of the rights it can use.")
@click.option(
    "--for",
    "subject",
    type=click.Choice(list(_MANIFESTS)),
    default="nodes",
    show_default=True,
    help="Who gets the right: the group of all nodes, or a ServiceAccount of its own.",
)
@click.option(
    "--report",
    type=click.Choice(list(_REPORTS)),
    help="Also let the ServiceAccount write what this value of kubernetes.report asks for.",
)
def rbac(subject: str, report: str | None) -> None:
    """Print the manifest that lets pokepodsd see the pods of all nodes.

    \b
    Examples:
      pokepodsd rbac
      pokepodsd rbac --for serviceaccount
      pokepodsd rbac --for serviceaccount --report events

    What it opens up, and how to apply it, is said in it.
    """
    if report is not None and subject == "nodes":
        raise click.UsageError(
            "--report is for --for serviceaccount: a kubelet may write this for its own node anyway"
        )
    manifest = _MANIFESTS[subject]
    click.echo(manifest if report is None else _with_report(manifest, report), nl=False)


def _with_report(manifest: str, report: str) -> str:
    """The manifest with one more rule, and what its comments then have to say."""
    rule, opened = _REPORTS[report]
    changes = {
        _OPENED: opened,
        _AFTER_RULES: rule + _AFTER_RULES,
        _SETTING: f'{_SETTING}#      report = "{report}"\n',
        _COMMAND: f"{_COMMAND} --report {report}",
    }
    for found, changed in changes.items():
        manifest = manifest.replace(found, changed)
    return manifest
