"""`continue` tokens, in the form of apiserver pkg/storage/continue.go.

Owns: writing, reading and the words for what is broken. Refuses: snapshots.
"""

import base64
import binascii
import json
from dataclasses import dataclass

from tests.apiserver.status import StatusError, bad_request

_LITERALS = {"n": "null", "t": "true", "f": "false"}


@dataclass(frozen=True, slots=True)
class Continuation:
    """`version` of -1 goes on with what is current; `start` is the first key that may follow."""

    version: int
    start: str

    def encode(self) -> str:
        fields = {"v": "meta.k8s.io/v1", "rv": self.version, "start": self.start}
        text = json.dumps(fields, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def continue_after(version: int, key: str) -> Continuation:
    return Continuation(version, key + "\0")


def decode(token: str) -> Continuation:
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        fields = json.loads(text)
    except binascii.Error:
        raise _invalid("illegal base64 data at input byte 0") from None
    except ValueError:
        raise _invalid(_describe_as_go(text.decode(errors="replace"))) from None
    if fields.get("v") != "meta.k8s.io/v1":
        problem = f'server does not recognize this encoded version "{fields.get("v", "")}"'
        raise _invalid(problem)
    return Continuation(int(fields["rv"]), str(fields["start"]))


def _describe_as_go(text: str) -> str:
    """What Go's encoding/json says of the first wrong character of a value."""
    if not text:
        return "unexpected end of JSON input"
    literal = _LITERALS.get(text[0])
    if literal is None:
        return f"invalid character '{text[0]}' looking for beginning of value"
    for found, expected in zip(text, literal, strict=False):
        if found != expected:
            return f"invalid character '{found}' in literal {literal} (expecting '{expected}')"
    return "unexpected end of JSON input"


def _invalid(problem: str) -> StatusError:
    return bad_request(f"invalid continue token: continue key is not valid: {problem}")
