"""The one table of settings, which feeds the parser, the command line and the shipped sample.

Owns every setting's name, kind, default, limits and the reason for its default. Knows nothing of
files or of the command line.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

# Not the vocabulary's: every command has this table, and few have pokes to speak of.
_SECOND_NS: Final = 1_000_000_000
Value = str | int | bool | tuple[str, ...]


class Kind(Enum):
    """The kind of a setting's value, with how a person is told to write it."""

    TEXT = 'text in quotes, for example "auto"'
    CHOICE = "one of the listed words, in quotes"
    BOOLEAN = "true or false"
    INTEGER = "a whole number"
    DURATION = 'a duration in quotes, for example "5s" or "1m30s"'
    TEXT_LIST = 'a list of texts, for example ["kube-system"]'


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting; ``default``, ``least`` and ``most`` of a DURATION are nanoseconds."""

    section: str
    name: str
    kind: Kind
    default: Value
    help: str
    reason: str
    least: int | None = None
    most: int | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    """What a text, or each text of a list, must match as a whole; "" for anything."""
    wanted: str = "a text that is not empty"
    """What the pattern asks for, in words."""

    @property
    def key(self) -> str:
        """The key path, as in ``poke.interval``."""
        return f"{self.section}.{self.name}"

    @property
    def field(self) -> str:
        """The name of the field that holds the value, with its unit."""
        return f"{self.name}_ns" if self.kind is Kind.DURATION else self.name


_SOMETHING = r".+"
# A namespace is a label of RFC 1123.
_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
# A network device's name (at most 15 characters, no blank, no slash) as a glob, with its ranges.
_DEVICE_GLOB = r"[^\s/]{1,64}"
_LISTEN = r"off|(\[[0-9a-fA-F:.]+\]|[0-9.]+):[0-9]{1,5}"
_TEXTFILE = r"off|/.*\.prom"

SETTINGS: Final[tuple[Setting, ...]] = (
    Setting(
        section="kubernetes",
        name="kubeconfig",
        kind=Kind.TEXT,
        default="auto",
        pattern=_SOMETHING,
        help='The kubeconfig to use: "auto" finds the kubelet\'s, or a path.',
        reason="Every node already holds the kubelet's, and it may read what is needed first.",
    ),
    Setting(
        section="kubernetes",
        name="node_name",
        kind=Kind.TEXT,
        default="auto",
        pattern=_SOMETHING,
        help='This node\'s name where its certificate does not say it: "auto" is the host name.',
        reason="A kubelet's certificate names its node as system:node:NAME.",
    ),
    Setting(
        section="kubernetes",
        name="exclude_namespaces",
        kind=Kind.TEXT_LIST,
        default=("kube-system",),
        pattern=_LABEL,
        wanted="the name of a namespace",
        help="Namespaces whose pods are left out.",
        reason="The rule of the shell loop that this program comes from.",
    ),
    Setting(
        section="kubernetes",
        name="include_namespaces",
        kind=Kind.TEXT_LIST,
        default=(),
        pattern=_LABEL,
        wanted="the name of a namespace",
        help="If not empty: only these namespaces, and exclude_namespaces is not asked.",
        reason="Empty means all but the excluded.",
    ),
    Setting(
        section="kubernetes",
        name="label_selector",
        kind=Kind.TEXT,
        default="",
        help='Only pods that this label selector matches, for example "app=web,tier!=cache".',
        reason="Empty means every pod; the API server does the matching.",
    ),
    Setting(
        section="kubernetes",
        name="skip_ready",
        kind=Kind.BOOLEAN,
        default=False,
        help="Leave out pods that are Ready.",
        reason="Off, because a tunnel must also be kept open after the pods behind it are ready.",
    ),
    Setting(
        section="kubernetes",
        name="host_network",
        kind=Kind.BOOLEAN,
        default=False,
        help="Poke host-network pods too.",
        reason="Off, because their address is the node's, to which no tunnel leads.",
    ),
    Setting(
        section="kubernetes",
        name="own_pods",
        kind=Kind.BOOLEAN,
        default=True,
        help="Poke the pods of this node too.",
        reason="On, as in the shell loop; it shows a pod that is broken on its own node.",
    ),
    Setting(
        section="kubernetes",
        name="report",
        kind=Kind.CHOICE,
        default="none",
        choices=("none", "events", "condition"),
        help='What is written to this node\'s object when a verdict changes: "events", the '
        'condition PokePodsTunnelsReady ("condition"), or "none".',
        reason="Nothing is written to the cluster that nobody asked for.",
    ),
    Setting(
        section="poke",
        name="interval",
        kind=Kind.DURATION,
        default=5 * _SECOND_NS,
        least=_SECOND_NS // 2,
        most=200 * _SECOND_NS,
        help="Each pod gets one echo request in this time.",
        reason="The shell loop slept 5 s; conntrack forgets an unknown protocol after 600 s, "
        "and more than 200 s leaves no room for two lost pokes.",
    ),
    Setting(
        section="poke",
        name="timeout",
        kind=Kind.DURATION,
        default=_SECOND_NS,
        least=_SECOND_NS // 100,
        most=10 * _SECOND_NS,
        help="An answer that comes later than this counts as none; at most the interval.",
        reason="The shell loop's ping -W1; a node's round trip is below 10 ms.",
    ),
    Setting(
        section="poke",
        name="max_rate",
        kind=Kind.INTEGER,
        default=200,
        least=1,
        most=10_000,
        help="Packets a second, all targets together; with more targets the interval stretches.",
        reason="1,000 pods every 5 s; 200 small packets a second are nothing to a network.",
    ),
    Setting(
        section="poke",
        name="fail_after",
        kind=Kind.INTEGER,
        default=3,
        least=1,
        most=100,
        help="A target is down after this many failures in a row, and up after one reply.",
        reason="One lost packet is normal; three in a row are not.",
    ),
    Setting(
        section="poke",
        name="socket",
        kind=Kind.CHOICE,
        default="auto",
        choices=("auto", "datagram", "raw"),
        help='The kind of ICMP socket; "auto" is datagram where that is allowed, else raw.',
        reason="A datagram socket needs no privilege, but many distributions keep it closed.",
    ),
    Setting(
        section="tunnels",
        name="interval",
        kind=Kind.DURATION,
        default=30 * _SECOND_NS,
        least=_SECOND_NS // 2,
        most=200 * _SECOND_NS,
        help="Each tunnel to another node gets one echo request in this time.",
        reason="Linux' conntrack forgets an unknown protocol after 600 s "
        "(net.netfilter.nf_conntrack_generic_timeout); at 30 s many pokes may be lost.",
    ),
    Setting(
        section="tunnels",
        name="devices",
        kind=Kind.TEXT_LIST,
        default=(),
        pattern=_DEVICE_GLOB,
        wanted="the name of a network device, or a glob for some",
        help="More network devices whose routes lead to other nodes, as globs, "
        'for example ["tun*"].',
        reason="Tunnels that a known network plugin made are found without it; a host's own VPN "
        "is none of our business.",
    ),
    Setting(
        section="pods",
        name="scope",
        kind=Kind.CHOICE,
        default="auto",
        choices=("auto", "all", "per-node", "none"),
        help='Which pods are poked: "all", a few "per-node", "none" (the tunnels alone), or '
        '"auto": all, while poke.max_rate carries them within two intervals, else per-node.',
        reason="A few pods of each node show as much of the network as all of them.",
    ),
    Setting(
        section="pods",
        name="per_node",
        kind=Kind.INTEGER,
        default=3,
        least=1,
        most=110,
        help="How many pods of each node are poked where it is per-node.",
        reason="One may be broken by itself; three are not, at the same time.",
    ),
    Setting(
        section="log",
        name="level",
        kind=Kind.CHOICE,
        default="info",
        choices=("error", "warning", "notice", "info", "debug"),
        help="The least severe entries that are written.",
        reason="A quiet node writes a few lines a day at info.",
    ),
    Setting(
        section="log",
        name="failures",
        kind=Kind.CHOICE,
        default="changes",
        choices=("changes", "each"),
        help='"changes" writes when a belief changes, "each" every failed ping as well.',
        reason="A target that stays down would fill the journal.",
    ),
    Setting(
        section="log",
        name="summary",
        kind=Kind.DURATION,
        default=3600 * _SECOND_NS,
        least=60 * _SECOND_NS,
        most=7 * 24 * 3600 * _SECOND_NS,
        help="Where nothing was told for so long, one entry (at info) says how things are.",
        reason="Silence looks the same as a daemon that is gone.",
    ),
    Setting(
        section="metrics",
        name="listen",
        kind=Kind.TEXT,
        default="off",
        pattern=_LISTEN,
        wanted='"off", or an address with a port, for example "127.0.0.1:19747" or "[::1]:19747"',
        help="Where Prometheus finds the metrics, and `pokepodsd matrix` the status, over HTTP: "
        'an address with a port, for example "127.0.0.1:19747", or "off".',
        reason="No port is open that nobody asked for; 9100 to 9999 are all given to others.",
    ),
    Setting(
        section="metrics",
        name="textfile",
        kind=Kind.TEXT,
        default="off",
        pattern=_TEXTFILE,
        wanted='"off", or the absolute path of a file that ends in .prom',
        help='A file for node_exporter\'s textfile collector, written every 15 s, or "off".',
        reason="Where node_exporter runs anyway, no port is needed.",
    ),
    Setting(
        section="state",
        name="directory",
        kind=Kind.TEXT,
        default="auto",
        pattern=_SOMETHING,
        help='Where the last known targets are kept: "auto" is systemd\'s STATE_DIRECTORY, '
        "else /var/lib/pokepodsd.",
        reason="After a restart they are poked before the API server answers.",
    ),
)

BY_KEY: Final[dict[str, Setting]] = {setting.key: setting for setting in SETTINGS}
SECTIONS: Final[tuple[str, ...]] = tuple(dict.fromkeys(setting.section for setting in SETTINGS))
