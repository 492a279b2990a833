"""Certificates: one authority in a folder, server and client certificates from it.

Owns: files `ca.crt` and `ca.key`, so that a restarted server has the same authority. Refuses:
several groups in one certificate, since trustme writes exactly one O; the node and administrator
certificates of a cluster have one each.
"""

import datetime
import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography import x509

# RFC 5280 wants the alternative names non-empty where they are present.
CLIENT_NAME = "client.invalid"
MASTERS = "system:masters"
NODES = "system:nodes"


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """Certificate and key, PEM."""

    certificate: bytes
    key: bytes

    @property
    def pem(self) -> bytes:
        """Certificate and key in one file, as the kubelet keeps them."""
        return self.certificate + self.key

    @property
    def serial(self) -> str:
        """As the request log of the server writes it."""
        parsed = x509.load_pem_x509_certificate(self.certificate)
        text = f"{parsed.serial_number:X}"
        return text.zfill(len(text) + len(text) % 2)


class Authority:
    """A certificate authority that lives in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        certificate, key = folder / "ca.crt", folder / "ca.key"
        if certificate.exists():
            self._ca = trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
        else:
            folder.mkdir(parents=True, exist_ok=True)
            self._ca = trustme.CA(organization_name="kubernetes")
            key.touch(mode=0o600)
            self._ca.private_key_pem.write_to_path(str(key))
            self._ca.cert_pem.write_to_path(str(certificate))

    @property
    def certificate_path(self) -> Path:
        return self.folder / "ca.crt"

    @property
    def certificate(self) -> bytes:
        return self._ca.cert_pem.bytes()

    def issue(
        self,
        user: str,
        groups: Sequence[str] = (),
        *,
        not_before: datetime.datetime | None = None,
        not_after: datetime.datetime | None = None,
    ) -> IssuedCertificate:
        """A client certificate: user in CN, group in O."""
        if len(groups) > 1:
            raise ValueError(f"one group a certificate, not {list(groups)}")
        leaf = self._ca.issue_cert(
            CLIENT_NAME,
            common_name=user,
            organization_name=groups[0] if groups else None,
            not_before=not_before,
            not_after=not_after,
        )
        chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
        return IssuedCertificate(chain, leaf.private_key_pem.bytes())

    def issue_node(self, node: str) -> IssuedCertificate:
        return self.issue(f"system:node:{node}", [NODES])

    def make_server_context(
        self, names: Sequence[str], *, not_after: datetime.datetime | None = None
    ) -> ssl.SSLContext:
        """Client certificates are asked for and not required, as kube-apiserver does."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        leaf = self._ca.issue_cert(*names, common_name="kube-apiserver", not_after=not_after)
        leaf.configure_cert(context)
        self._ca.configure_trust(context)
        context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def write_server_files(self, names: Sequence[str]) -> tuple[Path, Path]:
        """The same certificate and its key as files, as a real kube-apiserver wants them."""
        leaf = self._ca.issue_cert(*names, common_name="kube-apiserver")
        certificate, key = self.folder / "server.crt", self.folder / "server.key"
        certificate.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        key.write_bytes(leaf.private_key_pem.bytes())
        return certificate, key


def server_names(listen: str, more: Sequence[str]) -> list[str]:
    names = ["localhost", "kubernetes", "127.0.0.1", "::1", *more]
    if not ipaddress.ip_address(listen).is_unspecified:
        names.append(listen)
    return list(dict.fromkeys(names))
