"""What the client certificate of a kubeconfig says: whose it is, and from when to when.

Owns the reading of the certificate. Checks none: what it is worth is the API server's to say.
"""

import contextlib
import re
import ssl
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from pyasn1.codec.der.decoder import decode
from pyasn1.error import PyAsn1Error
from pyasn1_modules import rfc5280

from pokepodsd.core.model import NodeName
from pokepodsd.errors import CredentialsError

_AUTO = "auto"

_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
# Kubernetes' prefix of a node's user name (Node authorization, kubernetes.io).
_NODE_USER = "system:node:"


def node_name(file: str | None, *, setting: str, host_name: str) -> tuple[NodeName, str]:
    """This node's name and where it was learnt: its certificate, else the setting, else the host.

    ``file`` is the client certificate's, if there is one. Kubernetes node names are in lower case,
    as the kubelet makes them of the host name.

    Raises:
        CredentialsError: it cannot be read.
    """
    common_name = _common_name(file)
    if common_name.startswith(_NODE_USER):
        return NodeName(common_name.removeprefix(_NODE_USER)), "certificate"
    if setting != _AUTO:
        return NodeName(setting), "setting"
    return NodeName(host_name.lower()), "host name"


def validity(file: str | None) -> tuple[datetime, datetime] | None:
    """The client certificate's notBefore and notAfter; None where there is no certificate.

    Raises:
        CredentialsError: it cannot be read.
    """
    with _decoding(file):
        certificate = _certificate(file)
        if certificate is None:
            return None
        limits = certificate["tbsCertificate"]["validity"]
        begin, end = (limits[name].getComponent() for name in ("notBefore", "notAfter"))
        return begin.asDateTime, end.asDateTime


def out_of_time(file: str | None, now: datetime) -> str:
    """Why the client certificate is of no use now, in words; "" where it is not that."""
    with contextlib.suppress(CredentialsError):
        limits = validity(file)
        if limits is not None and now >= limits[1]:
            return f"the client certificate expired on {limits[1]:%Y-%m-%d %H:%M} UTC: {file}"
        if limits is not None and now < limits[0]:
            begin = f"{limits[0]:%Y-%m-%d %H:%M}"
            return (
                f"the client certificate is valid from {begin} UTC on: is this host's clock behind?"
            )
    return ""


def _common_name(file: str | None) -> str:
    """The CN of a PEM file's first certificate; "" where there is none to be read."""
    with _decoding(file):
        certificate = _certificate(file)
        if certificate is None:
            return ""
        names = certificate["tbsCertificate"]["subject"]["rdnSequence"]
        for attribute in (item for name in names for item in name):
            if attribute["type"] == rfc5280.id_at_commonName:
                value, _ = decode(bytes(attribute["value"]), asn1Spec=rfc5280.X520CommonName())
                return str(value.getComponent())
    return ""


def _certificate(file: str | None) -> Any:
    """A PEM file's first certificate; None where there is none."""
    if not file:
        return None
    found = _CERTIFICATE.search(Path(file).read_text(encoding="ascii"))
    if found is None:
        return None
    der = ssl.PEM_cert_to_DER_cert(found.group())
    return decode(der, asn1Spec=rfc5280.Certificate())[0]


@contextlib.contextmanager
def _decoding(file: str | None) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, PyAsn1Error) as error:
        raise CredentialsError(
            f"{file} holds no certificate that can be read ({type(error).__name__})"
        ) from error
