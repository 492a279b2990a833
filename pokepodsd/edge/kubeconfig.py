"""Finds the kubelet's kubeconfig and its credentials; notices when they are replaced.

Owns the files. What the formats mean is the `kubernetes` package's business: certificates, tokens,
token files and exec plugins work as far as it carries them. No text of an error holds what a file
says, since that may be a secret.
"""

import contextlib
import logging
import os
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from pokepodsd.errors import CredentialsError

if TYPE_CHECKING:
    from kubernetes.client.configuration import Configuration

AUTO = "auto"

# Where distributions keep the kubelet's kubeconfig.
KNOWN_PLACES = (
    "/etc/kubernetes/kubelet.conf",  # kubeadm
    "/var/lib/rancher/k3s/agent/kubelet.kubeconfig",  # k3s
    "/var/lib/rancher/rke2/agent/kubelet.kubeconfig",  # RKE2
    "/var/lib/k0s/kubelet.conf",  # k0s
    "/var/snap/microk8s/current/credentials/kubelet.config",  # MicroK8s
    "/var/lib/kubelet/kubeconfig",  # EKS, GKE, AKS, OpenShift
)
# The beginnings of the package's own texts that quote no value but a path or a key.
_HARMLESS = ("File does not exist", "Invalid kube-config file. Expected key ")
# "Bearer" or "Basic", and what may follow (RFC 9110, 11.4).
_HEADER_VALUE = re.compile(r"[A-Za-z]+ [!-~]+")
_FILE_KEYS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


def find(setting: str, *, root: Path = Path("/")) -> Path:
    """The kubeconfig to use: the one set, or with "auto" the one a kubelet on this host uses.

    Raises:
        CredentialsError: there is none; the text lists what was tried.
    """
    if setting != AUTO:
        return Path(setting)
    tried = [*_from_kubelets(root / "proc"), *KNOWN_PLACES]
    for place in tried:
        path = root / place.lstrip("/")
        # A folder that may not be looked into is as good as none.
        with contextlib.suppress(OSError):
            path.stat()
            return path
    raise CredentialsError(
        "no kubeconfig of a kubelet was found; tried the --kubeconfig of a running kubelet, "
        f"{', '.join(dict.fromkeys(tried))}. Set kubernetes.kubeconfig to its path; where the "
        "distribution is not kubeadm, the unit sees it only with a drop-in of "
        "/usr/share/pokepodsd/drop-ins"
    )


class Kubeconfig:
    """One kubeconfig file, with the files that it names."""

    def __init__(self, path: Path, *, scratch: Path) -> None:
        """``scratch`` is a private folder, for inline keys that the TLS library wants as files."""
        self._path = path
        self._scratch = scratch
        self._files = [path]
        self._seen: list[object] = []
        self._expires: datetime | None = None

    def load(self) -> "Configuration":
        """Read the credentials, running an exec plugin where one is named.

        Raises:
            CredentialsError: something is missing, unreadable or malformed.
        """
        # Taken before the files are read: what is replaced meanwhile counts as a change.
        self._seen = self._fingerprint()
        document = _parse(self._path)
        named = [self._path, *_named_files(document, self._path.parent)]
        if named != self._files:
            self._files = named
            self._seen = self._fingerprint()
        configuration, self._expires = _read(document, self._path, self._scratch)
        # Under "authorization" in release 35 of the package, "BearerToken" in 37.
        for key, token in configuration.api_key.items():
            # A token file ends in a newline, which no header may hold.
            configuration.api_key[key] = _header_value(token, self._path)
        # The package's hook would put back the token as it was before each request.
        configuration.refresh_api_key_hook = None
        return configuration

    def is_changed(self) -> bool:
        """Whether a file was replaced since `load`, or the credentials expired."""
        if self._expires is not None and self._expires <= datetime.now(tz=UTC):
            return True
        return self._seen != self._fingerprint()

    @property
    def files(self) -> tuple[Path, ...]:
        """The kubeconfig and the files that it names, by what `load` has seen."""
        return tuple(self._files)

    def _fingerprint(self) -> list[object]:
        """Inode, time and size of each file; of what a symlink points to, not of the link."""
        return [_identity(path) for path in self._files]


def _from_kubelets(proc: Path) -> Iterator[str]:
    """The --kubeconfig of each kubelet that runs here and may be looked at."""
    for entry in sorted(proc.glob("[0-9]*/cmdline")):
        try:
            arguments = entry.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            # The process ended meanwhile, or may not be looked at.
            continue
        if Path(arguments[0]).name != "kubelet":
            continue
        for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
            name, _, value = argument.partition("=")
            if name == "--kubeconfig" and (value or following):
                yield value or following


def _parse(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise CredentialsError(f"{path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        # The error's own text quotes the file, and so may hold a key: it is not kept as a cause.
        raise CredentialsError(f"{path} is not YAML{where}") from None
    if not isinstance(document, dict):
        raise CredentialsError(f"{path} is not a kubeconfig")
    return document


def _read(
    document: dict[str, Any], path: Path, scratch: Path
) -> tuple["Configuration", datetime | None]:
    """The credentials, and when they expire if they say so."""
    # Not before there is a kubeconfig: a host that has none never pays for this import.
    from kubernetes.client.configuration import Configuration  # noqa: PLC0415
    from kubernetes.config.config_exception import ConfigException  # noqa: PLC0415
    from kubernetes.config.kube_config import KubeConfigLoader  # noqa: PLC0415

    configuration = Configuration()
    try:
        with _unlogged():
            loader = KubeConfigLoader(
                config_dict=document,
                config_base_path=str(path.parent),
                temp_file_path=str(scratch),
            )
            loader.load_and_set(configuration)
        _check_exec(document, configuration, path)
    except CredentialsError:
        raise
    except OSError as error:
        raise CredentialsError(f"{path}: {_one_line(error)}") from error
    except ConfigException as error:
        text = str(error) if str(error).startswith(_HARMLESS) else "malformed"
        raise CredentialsError(f"{path}: {text}") from None
    except Exception as error:  # noqa: BLE001
        # The package lets through whatever a malformed file makes it stumble over. Its text
        # may quote the file: it is not kept as a cause.
        raise CredentialsError(f"{path}: malformed ({type(error).__name__})") from None
    return configuration, _future(getattr(loader, "expiry", None))


def _named_files(document: Mapping[str, Any], folder: Path) -> Iterator[Path]:
    for section, inner in (("users", "user"), ("clusters", "cluster")):
        for item in document.get(section) or ():
            values = item.get(inner) if isinstance(item, dict) else None
            for key in _FILE_KEYS:
                name = values.get(key) if isinstance(values, dict) else None
                if isinstance(name, str):
                    yield folder / name


def _identity(path: Path) -> object:
    try:
        status = os.stat(path)
    except OSError as error:
        return error.errno
    return (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)


def _check_exec(document: Mapping[str, Any], configuration: "Configuration", path: Path) -> None:
    """An exec plugin that failed: the package only logs it, and would go on as anonymous."""
    if configuration.api_key or configuration.cert_file:
        return
    for item in document.get("users") or ():
        command = ((item.get("user") or {}).get("exec") or {}).get("command")
        if command:
            raise CredentialsError(
                f"{path}: the exec plugin {command} gave no credentials; run it by hand to see why"
            )


@contextlib.contextmanager
def _unlogged() -> Iterator[None]:
    """The package logs what an exec plugin said, which may be a secret, to the root logger."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _future(expiry: datetime | None) -> datetime | None:
    """When to renew; credentials that are expired by this host's clock are the server's to judge.

    A clock that is ahead would otherwise make an exec plugin run without end.
    """
    return expiry if expiry is not None and expiry > datetime.now(tz=UTC) else None


def _header_value(token: str, path: Path) -> str:
    value = token.strip()
    if not _HEADER_VALUE.fullmatch(value):
        raise CredentialsError(f"{path}: its token is not one line of ASCII without blanks")
    return value


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
