"""The reader's own process, without a daemon."""

import subprocess
import sys
from pathlib import Path

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: a
clusters: [{name: a, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: a, user: {token: abc}}]
contexts: [{name: a, context: {cluster: a, user: a}}]
"""
# Each connects anew, as after new credentials, and says how many objects are spared.
SCRIPT = """
import gc, socket, sys
from dataclasses import replace
from pathlib import Path
from pokepodsd.asker import Orders
from pokepodsd.core.config import validate
from pokepodsd.core.protocol import Timings
from pokepodsd.reader import Reader
folder = Path(sys.argv[1])
config = replace(validate({}, source="-").kubernetes, kubeconfig=str(folder / "kubeconfig"))
ours, theirs = socket.socketpair()
reader = Reader(ours, Orders(config=config, timings=Timings(), scratch=folder))
for _ in range(3):
    reader._connect()
    print(gc.get_freeze_count())
"""


def test_what_a_renewed_client_leaves_is_garbage(tmp_path: Path) -> None:
    """The collector is kept from what was imported, once, and from no client that comes later."""
    (tmp_path / "kubeconfig").write_text(KUBECONFIG, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, check=True
    )
    first, second, third = map(int, ended.stdout.split())
    assert 0 < third <= second <= first
