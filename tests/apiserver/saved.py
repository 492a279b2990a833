"""What survives a restart, as etcd would keep it: objects, tokens, settings, the version.

Owns: one file, written on request and consumed at the next start. Refuses: history; a restarted
kube-apiserver starts its watch cache anew as well.
"""

import json
from pathlib import Path

from tests.apiserver.authentication import make_user
from tests.apiserver.cluster import Cluster, Settings
from tests.apiserver.status import Json
from tests.apiserver.store import Store, serialize

NAME = "state.jsonl"


def save(cluster: Cluster, path: Path) -> None:
    head: Json = {
        "version": cluster.store.version,
        "collections": cluster.store.collections,
        "settings": cluster.settings.describe(),
        "tokens": {
            token: {"user": user.name, "groups": sorted(user.groups)}
            for token, user in cluster.tokens.items()
        },
    }
    unfinished = path.with_suffix(".new")
    with unfinished.open("wb") as file:
        file.write(serialize(head) + b"\n")
        file.writelines(record.data + b"\n" for record in cluster.store.pods())
    unfinished.rename(path)


def load(path: Path) -> Cluster:
    if not path.exists():
        return Cluster(Store())
    with path.open("rb") as file:
        head: Json = json.loads(file.readline())
        store = Store(head["version"])
        store.collections = head["collections"]
        store.load_pods(file)
    # Once only: a later start without a saving stop is a new cluster.
    path.unlink()
    cluster = Cluster(store, Settings(**head["settings"]))
    for token, owner in head["tokens"].items():
        cluster.tokens[token] = make_user(owner["user"], owner["groups"])
    return cluster
