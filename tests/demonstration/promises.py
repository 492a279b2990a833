"""What each step of the demonstration shows, as patterns: its number, and what is to be found.

Owns what the demonstration promises; `tests.test_demo` holds it to that.
"""

NODES = ("node-a", "node-b", "node-c")
OUTSIDE = ("node-a", "node-c")
# The layers of a trace of node-b.
TRACED = {"underlay": r"192\.168\.10\.11", "tunnel": r"10\.244\.11\.", "pod": r"10\.244\.11\."}
TWO_LOST = r"2 packets transmitted, 0 received, 100% packet loss"
TWO_ANSWERED = r"2 packets transmitted, 2 received, 0% packet loss"
STEPS = {
    1: (
        r"node-a +192\.168\.10\.10 +10\.244\.10\.1 to 10\.244\.10\.4\n",
        r"node-c +192\.168\.10\.12 +10\.244\.12\.1 to 10\.244\.12\.4\n",
        r"hub +192\.168\.10\.1 +the API server, https://192\.168\.10\.1:\d+\n",
        "shop/web-c4 never does",
        "TLS",
        r"client certificates",
        r"Kubernetes\s1\.32",
        r"node-a# ip route\n  10\.244\.11\.0/26 via 192\.168\.10\.11 dev tunl0 proto bird onlink",
        r"node-b# nft list chain inet tunnel verdict\n(.*\n)+.*ct state established,related accept",
        r"5\sseconds\shere\s\(nf_conntrack_generic_timeout\)",
    ),
    2: (
        rf"node-a# ping -c2 \S+ \S+ 10\.244\.11\.1\n(.*\n)+?.*{TWO_LOST}",
        rf"node-b# ping -c2 \S+ \S+ 10\.244\.12\.1\n(.*\n)+?.*{TWO_LOST}",
        *(
            rf"2\spackets\sof\sprotocol\s4\sarrived\sat\s{name},\sand\sits\sfilter\sdropped\s2"
            for name in NODES[1:]
        ),
    ),
    3: (
        r"node-a# pokepodsd --config \S+/node-a\.toml check --socket \S+\n  ok +configuration: ",
        r"\n  ok +control socket: none at \S+ while no daemon runs\n",
        r"\n  warning +right to the pods of all nodes: .*\n.*mends it.*\n +pokepodsd rbac ",
        r"\n  ok +tunnel devices: 2 tunnels to other nodes, through tunl0\n",
        r"\n  \d+ ok, \d warnings? \(.*right to the pods of all nodes\), ",
        r"every\stunnel\sonce\sin\s1s\sinstead\sof\sthe\sdefault\s30s",
        r"every\spod\sonce\sin\s1s\sinstead\sof\sthe\sdefault\s5s",
        r"node-a# cat \S+/node-a\.toml\n  \[kubernetes\]\n  kubeconfig = \"",
        *(rf"{name}# pokepodsd --config \S+/{name}\.toml run &\n" for name in NODES),
        r"[01]\.\d\d seconds after node-c, the last, sent its first poke,\sall\s6\sways",
        rf"node-a# ping -c2 \S+ \S+ 10\.244\.11\.1\n(.*\n)+?.*{TWO_ANSWERED}",
        rf"node-b# ping -c2 \S+ \S+ 10\.244\.12\.1\n(.*\n)+?.*{TWO_ANSWERED}",
        r"node-a \| [\d:.]+ info: pokepodsd \S+ pokes tunnels every 1s and pods every 1s",
        r"node-a \| [\d:.]+ info: the kernel's routes show 2 peers behind tunl0 ",
        r"node-a \| [\d:.]+ warning: .*Missing right: list and watch pods.*system:node:node-a",
        r"node-a \| [\d:.]+ notice: 2 tunnels are open, .*: answered after at most \d+ lost poke",
        r"node-b \| [\d:.]+ notice: the tunnel to 192\.168\.10\.12 through tunl0 is open",
        r"node-a \| 2 peers: 2 ok; 4 targets: 4 up, .*own pods only",
        r"node-b \| 2 peers: 2 ok; 4 targets: 4 up, .*own pods only",
        r"node-c \| 2 peers: 2 ok; 4 targets: 3 up, .*own pods only",
    ),
    4: (
        r"node-a# pokepodsd rbac --for nodes\n  # Lets every node list and watch",
        r"\n  kind: ClusterRoleBinding\n",
        r"hub \| POST /apis/\S+/clusterroles: pokepodsd is created",
        r"hub \| POST /apis/\S+/clusterrolebindings: pokepodsd is created",
        *(rf"{name} \| [\d:.]+ notice: .*pods of all nodes" for name in NODES),
        r"ready \d+\.\d seconds after the grant",
        *(
            rf"{name} \| [\d:.]+ warning: shop/web-c4 .* is down: timed out; .*check the pod"
            for name in NODES
        ),
        *(
            rf"{name} \| 2 peers: 2 ok; 12 targets: 11 up, 1 down, .*API: watching"
            for name in NODES
        ),
    ),
    5: (
        r"node-a# pokepodsd --config \S+/node-a\.toml once\n"
        r"  NAMESPACE +POD +NODE +ADDRESS +RESULT +RTT\n(  shop .*\n){12}"
        r"  11 of 12 answered\n",
        r"web-b1 +node-b +10\.244\.11\.1 +replied +\d+\.\d+ ms",
        r"web-c4 +node-c +10\.244\.12\.4 +timed out\n",
        "exit status is 1, for shop/web-c4",
    ),
    6: (
        r"node-b# nft list chain inet tunnel verdict\n.*\n.*\n\s+counter name \"dropped\" drop\n",
        rf"node-a# ping -c2 \S+ \S+ 10\.244\.11\.1\n(.*\n)+?.*{TWO_LOST}",
        rf"node-a# ping -c2 \S+ \S+ 192\.168\.10\.11\n(.*\n)+?.*{TWO_ANSWERED}",
        *(
            rf"{name} \| [\d:.]+ warning: the tunnel to node-b \(192\.168\.10\.11\) is broken for "
            r"\S+: .*192\.168\.10\.11 itself does; .*allow protocol 4, not 94"
            for name in OUTSIDE
        ),
        r"node-b \| [\d:.]+ error: this node is cut off for \S+, it is not its peers",
        r"came \d\.\d, \d\.\d and \d\.\d seconds after the change of the filter",
        r"node-a# pokepodsd status --socket \S+\n"
        r"  FAULT: node-a does not reach 1 of its 2 peers: node-b \(tunnel broken\), for \d+ s\n"
        r"  Next +pokepodsd trace node-b says why, and what to do\n",
        r"\n  4 pods on node-b are not up, which the verdict explains\. ",
        r"node-a# pokepodsd trace --socket \S+ node-b\n"
        r"  target +node-b \(192\.168\.10\.11\)\n  known by +the running pokepodsd\n",
        *(rf"\n  {layer} +{address}" for layer, address in TRACED.items()),
        r"\n  verdict +tunnel broken\n.*\n  reason +.*: allow protocol 4, not 94, ",
        r"node-a# pokepodsd matrix -o text( \S+/control\.sock){3}\n.* from the status of 3 nodes\n"
        r"  4 of 6 pairs fail\.\n  Cut off: node-b\.\n",
        r"\n  1 node-b \(cut off\)  \\ C C\n  2 node-a +T \\ ·\n  3 node-c +T · \\\n",
        *(
            rf"{name} \| [\d:.]+ notice: node-b \(192\.168\.10\.11\) is reachable again after "
            for name in OUTSIDE
        ),
        r"node-b \| [\d:.]+ notice: this node reaches its peers again after ",
        r"came \d\.\d, \d\.\d and \d\.\d seconds after that",
        r"What is left is shop/web-c4:\n\n  node-a# pokepodsd status .*\n"
        r"  FAULT: node-a reaches its 2 peers, 1 pod does not answer\n",
    ),
    7: (
        r"hub# kill -KILL \d+\n",
        *(rf"{name} \| [\d:.]+ warning: the API server cannot be asked" for name in NODES),
        *(rf"{name} \| 2 peers: 2 ok; 12 targets: 11 up, 1 down, .*API: lost" for name in NODES),
        r"node-a# pokepodsd status .*\n  FAULT: node-a reaches its 2 peers(.*\n)+?"
        r"  API +lost \(.*what is known is poked on\n",
        *(
            rf"{name} to {peer} +\d\d +\d\d +\d\.\d\d s +[01]\.\d\d s\n"
            for name in NODES
            for peer in NODES
            if name != peer
        ),
    ),
    8: (
        *(rf"{name}# kill -TERM \d+\n" for name in NODES),
        *(rf"{name} \| [\d:.]+ info: stopped, after \d+ pokes" for name in NODES),
        r"10 lines on node-a, 10 lines on node-b, 9 lines on node-c\.",
        "exit status 0",
        "Nothing is left: no process, no network namespace,",
    ),
}
