"""The steps to a server one by one: its name, a connection, TLS. Says which of them fails.

Owns what each step says when it fails. The requests themselves are `edge.apiserver`'s.
"""

import socket
import ssl

from pokepodsd.errors import ApiError


class UnresolvedError(ApiError):
    """The name has no address."""


class UnreachableError(ApiError):
    """None of the addresses takes a connection."""


class UntrustedError(ApiError):
    """TLS fails: a certificate that is not trusted, or no TLS at all."""


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, in the resolver's order; waits as long as the resolver does.

    Raises:
        UnresolvedError: there are none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        # ValueError: what cannot be a name at all.
        raise UnresolvedError(getattr(error, "strerror", None) or str(error)) from error
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def connect(addresses: list[str], port: int, *, seconds: float) -> str:
    """The first address that takes a connection; each has an equal share of the time.

    Raises:
        UnreachableError: none does, with each one's reason.
    """
    reasons = []
    for address in addresses:
        try:
            socket.create_connection((address, port), seconds / len(addresses)).close()
        except TimeoutError:
            reasons.append(f"{address}: no answer")
        except OSError as error:
            reasons.append(f"{address}: {error.strerror or error}")
        else:
            return address
    raise UnreachableError("; ".join(reasons))


def handshake(
    address: str, port: int, *, name: str, authority: str | None, is_verified: bool, seconds: float
) -> str:
    """Speak TLS to an address; the version spoken. ``authority`` is a PEM file; None: the host's.

    Raises:
        UntrustedError: it fails, with the reason.
    """
    try:
        context = ssl.create_default_context(cafile=authority)
    except (OSError, ValueError) as error:
        raise UntrustedError(f"the authority's certificate cannot be read ({error})") from error
    if not is_verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((address, port), seconds) as connection,
            context.wrap_socket(connection, server_hostname=name) as secured,
        ):
            return str(secured.version())
    except ssl.SSLCertVerificationError as error:
        raise UntrustedError(error.verify_message.rstrip(".")) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise UntrustedError(str(reason)) from error
