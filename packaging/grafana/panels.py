"""What is shown: the rows of the dashboard, their panels, and the questions to Prometheus.

Owns these tables; how they are drawn is `generate.py`'s.
"""

from questions import Kind, Panel, Row, ask, gauge, named, quantile, rate

LAYERS = ("tunnel", "underlay", "pod")


def round_trips(layer: str) -> Panel:
    """The heatmap of one layer; one of the two questions has an answer."""
    which = f', layer="{layer}"'
    native = f"sum ({rate('pokepodsd_rtt_seconds', which)})"
    classic = f"sum by (le) ({rate('pokepodsd_rtt_seconds_bucket', which)})"
    return Panel(
        title=f"Round trips: {layer}",
        kind=Kind.HEATMAP,
        questions=(ask(classic, "{{le}}"), ask(native)),
        says="How many pokes a second took how long. A second band is a second way.",
        unit="s",
        width=8,
    )


def stat(title: str, expr: str, says: str, limit: float | None = 1) -> Panel:
    """A number of the top row."""
    return Panel(
        title=title,
        kind=Kind.STAT,
        questions=(ask(expr),),
        says=says,
        width=4,
        height=4,
        limit=limit,
    )


FAULTS = ', verdict=~"tunnel_broken|node_unreachable"'

CLUSTER = Row(
    title="The cluster",
    says="Green is well. Begin at the left: a node that is cut off explains what its peers say of "
    "it, and a peer with a fault is counted once, however many nodes see it.",
    panels=(
        stat(
            "Nodes that report",
            f"count({gauge('pokepodsd_node_cut_off')})",
            "Nodes whose metrics were read.",
            None,
        ),
        stat(
            "Nodes cut off",
            f"sum({gauge('pokepodsd_node_cut_off')})",
            "Most of their peers fell silent at once: the fault is their own.",
        ),
        stat(
            "Peers with a fault",
            f"count(count by (address) ({gauge('pokepodsd_peer_unwell', FAULTS)})) or vector(0)",
            "Unreachable or with a broken tunnel, each once; none with an excuse.",
        ),
        stat(
            "Pairs with a fault",
            f"count({gauge('pokepodsd_peer_unwell', FAULTS)}) or vector(0)",
            "Each as one node sees it. As many as there are nodes: one node is at fault.",
        ),
        stat(
            "Nodes without API",
            f"count({gauge('pokepodsd_api_up')} == 0) or vector(0)",
            "They poke what they know, and learn nothing new.",
        ),
        stat(
            "Daemons not heard",
            'count(up{job=~"$job"} == 0) or vector(0)',
            "Scrapes that fail at the moment, of these jobs, whatever node is chosen.",
        ),
        Panel(
            title="Peers by verdict",
            kind=Kind.STACK,
            questions=(ask(f"sum by (verdict) ({gauge('pokepodsd_peers')})", "{{verdict}}"),),
            says="All pairs of nodes. A daemon that restarts has its peers opening.",
        ),
        Panel(
            title="Targets by state",
            kind=Kind.STACK,
            questions=(
                ask(f"sum by (layer, state) ({gauge('pokepodsd_targets')})", "{{layer}} {{state}}"),
            ),
            says="What is poked, by layer. Pods that are down behind tunnels that are up are the "
            "pods' own fault.",
        ),
    ),
)

# 1 to 4 are the colours of the timeline; what has no value was well.
_CODES = ("pod_only", "underlay_filtered", "node_unreachable", "tunnel_broken")
MATRIX = Row(
    title="Who does not reach whom",
    says="One line a pair that fails, and none where all is well. Many lines with one peer: that "
    "peer is at fault. Many lines from one node: look at that node. A single pair: look between.",
    panels=(
        Panel(
            title="Pairs that are not well now",
            kind=Kind.TABLE,
            questions=(
                ask(
                    "1000 * "
                    + named(
                        'pokepodsd_peer_unwell_since_timestamp_seconds{job=~"$job"}'
                        " * on (job, instance, peer, address) group_right () "
                        "max by (job, instance, peer, address, verdict) "
                        '(pokepodsd_peer_unwell{job=~"$job"})'
                    )
                ),
            ),
            says="The node that sees it, the peer, what is the matter and since when. With more "
            "than 100 a node, the first 100.",
            unit="dateTimeFromNow",
            height=10,
        ),
        Panel(
            title="Pairs that were not well",
            kind=Kind.TIMELINE,
            questions=tuple(
                ask(
                    named(
                        "max by (job, instance, peer) "
                        f'({number} * pokepodsd_peer_unwell{{job=~"$job", verdict="{verdict}"}})'
                    ),
                    "{{host}} → {{peer}}",
                )
                for number, verdict in enumerate(_CODES, start=1)
            ),
            says="The same over time. What begins and ends together has one cause.",
            height=10,
        ),
    ),
)
CODES = dict(enumerate(_CODES, start=1))

TIMES = Row(
    title="Round trips and loss",
    says="Tunnels beside the underlay: where both get slow it is the network or the far node, "
    "where the tunnel alone does it is the encapsulation. Loss of a few in ten thousand is normal.",
    panels=(
        *(round_trips(layer) for layer in LAYERS),
        Panel(
            title="Round trips by layer",
            kind=Kind.LINES,
            questions=(
                ask(quantile(0.5), "{{layer}} median"),
                ask(quantile(0.99), "{{layer}} 99 %"),
            ),
            says="Over all chosen nodes, as the kernel measured them.",
            unit="s",
        ),
        Panel(
            title="Loss by layer",
            kind=Kind.LINES,
            questions=(
                ask(
                    "1 - sum by (layer) ("
                    + rate("pokepodsd_pokes_total", ', outcome="replied"')
                    + f") / (sum by (layer) ({rate('pokepodsd_pokes_total')}) > 0)",
                    "{{layer}}",
                ),
            ),
            says="The share of pokes that were not answered: of pods, those that do not answer "
            "pings count too.",
            unit="percentunit",
        ),
        Panel(
            title="Tunnels opened by poking",
            kind=Kind.STACK,
            questions=(
                ask(
                    "sum by (host) ("
                    + named(
                        'increase(pokepodsd_tunnels_opened_total{job=~"$job"}[$__rate_interval])'
                    )
                    + ")",
                    "{{host}}",
                ),
            ),
            says="Tunnels that were shut and answered after a poke: what pokepodsd is for. Many at "
            "once are a filter that forgot everything.",
        ),
        Panel(
            title="Pokes by what came of them",
            kind=Kind.STACK,
            questions=(
                ask(f"sum by (outcome) ({rate('pokepodsd_pokes_total')})", "{{outcome}}"),
                ask(f"sum ({gauge('pokepodsd_max_rate_pokes')})", "the cap"),
            ),
            says="Beside the cap, which stretches the interval where it is reached.",
            unit="pps",
        ),
    ),
)

API = Row(
    title="What the API server pays",
    says="A quiet node has one watch: next to no requests, some bytes. Requests that rise with the "
    "number of nodes are a watch that does not last; look at its silence and at refusals.",
    panels=(
        Panel(
            title="Requests",
            kind=Kind.STACK,
            questions=(
                ask(
                    f"sum by (kind, outcome) ({rate('pokepodsd_api_requests_total')})",
                    "{{kind}} {{outcome}}",
                ),
            ),
            says="Each watch that is started anew is one more; without a grant, one that is "
            "refused every few minutes.",
            unit="reqps",
            width=8,
        ),
        Panel(
            title="Received",
            kind=Kind.LINES,
            questions=(
                ask(f"sum ({rate('pokepodsd_api_received_bytes_total')})", "all nodes"),
                ask(f"max ({rate('pokepodsd_api_received_bytes_total')})", "most of one node"),
            ),
            says="Bytes of the API server's answers.",
            unit="Bps",
            width=8,
        ),
        Panel(
            title="Silence and restarts",
            kind=Kind.LINES,
            questions=(
                ask(f"max ({gauge('pokepodsd_api_silence_seconds')})", "longest silence"),
                ask(
                    f"count({gauge('pokepodsd_api_pods_all')} == 0)", "nodes that see own pods only"
                ),
                ask(f"sum ({rate('pokepodsd_reader_starts_total')})", "readers started a second"),
            ),
            says="A watch hears something every minute; at 90 s it is given up. Readers are "
            "replaced when they hang or die.",
            width=8,
        ),
    ),
)

DAEMON = Row(
    title="The daemon",
    says="Whether what stands above can be believed: a loop that is late tells late, and what "
    "cannot be sent opens nothing.",
    panels=(
        Panel(
            title="Lateness of the loop",
            kind=Kind.LINES,
            questions=(
                ask(f"topk(10, {named('pokepodsd_loop_lag_seconds')})", "{{host}}"),
                ask(f"max ({rate('pokepodsd_loop_late_seconds_total')})", "late seconds a second"),
            ),
            says="The worst of each minute, of the ten worst nodes. Below 0.1 s is well; above "
            "0.5 s for ten minutes is an alert.",
            unit="s",
            width=8,
        ),
        Panel(
            title="Pokes not sent, and errors",
            kind=Kind.LINES,
            questions=(
                ask(f"sum by (errno) ({rate('pokepodsd_send_errors_total')})", "send: {{errno}}"),
                ask(f"sum by (error) ({rate('pokepodsd_icmp_errors_total')})", "ICMP: {{error}}"),
                ask(f"sum by (reason) ({rate('pokepodsd_strays_total')})", "stray: {{reason}}"),
            ),
            says="EPERM is the host's firewall, ENOBUFS a full queue, ENETUNREACH a missing route. "
            "Strays are answers that were not awaited any more.",
            width=8,
        ),
        Panel(
            title="Interval, held peers, reloads",
            kind=Kind.LINES,
            questions=(
                ask(
                    f"max by (layer) ({gauge('pokepodsd_interval_seconds')})", "{{layer}} interval"
                ),
                ask(f"sum ({gauge('pokepodsd_peers_held')})", "peers held"),
                ask(f"sum by (outcome) ({rate('pokepodsd_reloads_total')})", "reloads {{outcome}}"),
            ),
            says="The longest interval of any node: above the configured one, there are more "
            "targets than poke.max_rate carries. Held peers: somebody runs pokepodsd need.",
            width=8,
        ),
    ),
)

ROWS = (CLUSTER, MATRIX, TIMES, API, DAEMON)
