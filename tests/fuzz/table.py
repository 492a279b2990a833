"""Every parser that is fuzzed: the one table, which both ways of running use."""

from typing import Final

from tests.fuzz import asked, cluster, corpus, files, kernel
from tests.fuzz.datagrams import datagrams
from tests.fuzz.target import Target

_POD_WORDS: Final = (
    *(b'"metadata"', b'"spec"', b'"status"', b'"podIPs"', b'"podIP"', b'"hostIP"', b'"ip"'),
    *(b'"managedFields":[', b']},"spec":{', b'"items"', b'"continue"', b'"resourceVersion"'),
    *(
        b'"type":"ERROR"',
        b'"BOOKMARK"',
        b"null",
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b"\\ud800",
        b"1e999",
    ),
)
_TOML_WORDS: Final = (
    *(b"[poke]", b"[kubernetes]", b"[log]", b"[metrics]", b"interval", b"listen", b"= ", b'"""'),
    *(
        b"'''",
        b"[[",
        b"]]",
        b"{",
        b"}",
        b"\n",
        b'"5s"',
        b"1e5",
        b"0x",
        b"1979-05-27",
        b"\x1b",
        b".",
    ),
)
_YAML_WORDS: Final = (
    *(b"clusters:", b"users:", b"user:", b"cluster:", b"contexts:", b"current-context:", b"token"),
    *(b"tokenFile", b"server", b"&a ", b"*a", b"<<: ", b"!!python/", b"!!binary ", b"- ", b"? "),
    *(b"|\n", b"%YAML 1.1\n", b"---\n", b"1:59:59", b"[", b"]", b"{", b"}", b"null", b"0o7"),
)
_DER_WORDS: Final = (
    *(b"\x30\x82", b"\x30\x80", b"\x06\x03\x55\x04\x03", b"\x0c\x0b", b"\x17\x0d", b"\x18\x0f"),
    *(b"\x31\x0b", b"\x02\x84\xff\xff\xff\xff", b"\x00\x00", b"system:node:", b"-----BEGIN "),
    *(b"-----END CERTIFICATE-----", b"\x1f\xff\xff\xff\x7f", b"\x06\x20" + b"\xff" * 31 + b"\x7f"),
)
_HTTP_WORDS: Final = (
    *(b"GET ", b"HEAD ", b" HTTP/1.1\r\n", b" HTTP/0.9\r\n", b"\r\n", b"\n", b"Accept: ", b"q=0."),
    *(b"application/vnd.google.protobuf", b";", b",", b"Content-Length: 9\r\n", b"Expect: 100\r\n"),
)

TARGETS: Final[dict[str, Target]] = {
    "apiserver": Target(
        entry=cluster.answer, seeds=corpus.answers, longest=64 * 1024, words=_POD_WORDS
    ),
    "netlink": Target(entry=kernel.netlink, seeds=datagrams),
    "icmp": Target(entry=kernel.icmp, seeds=corpus.echoes, longest=2048),
    "kubeconfig": Target(
        entry=files.kubeconfig,
        seeds=corpus.kubeconfigs,
        words=_YAML_WORDS,
    ),
    "certificate": Target(
        entry=files.certificate,
        seeds=corpus.certificates,
        longest=4096,
        words=_DER_WORDS,
    ),
    "configuration": Target(
        entry=files.configuration, seeds=corpus.configurations, words=_TOML_WORDS
    ),
    "state": Target(entry=files.state, seeds=corpus.states, words=_POD_WORDS),
    "control": Target(entry=asked.control, seeds=corpus.requests, words=_POD_WORDS),
    "pipe": Target(entry=cluster.line, seeds=corpus.piped, words=_POD_WORDS),
    "status": Target(entry=asked.status, seeds=corpus.statuses, words=_POD_WORDS),
    "matrix": Target(entry=asked.matrix, seeds=corpus.documents, words=_POD_WORDS),
    "prometheus": Target(entry=asked.prometheus, seeds=corpus.samples, words=_POD_WORDS),
    "numbers": Target(entry=asked.numbers, seeds=corpus.numbers, words=_POD_WORDS),
    "http": Target(entry=asked.http, seeds=corpus.questions, words=_HTTP_WORDS),
}
"""By the name that they are asked for by."""


def seeds(name: str) -> list[bytes]:
    """What the search begins with: what the other tests have, and what was found before."""
    return [*TARGETS[name].seeds(), *corpus.found(name)]
