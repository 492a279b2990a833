"""One kubeconfig with the files that it names; notices when they are replaced.

Owns the files. What the formats mean is the `kubernetes` package's business: certificates, tokens
and token files work as far as it carries them. An exec plugin is run before it is asked, and what
the plugin gave stands in the plugin's place.
"""

import contextlib
import logging
import os
import re
import stat
from collections.abc import Iterator, Mapping, Set
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from pokepodsd.edge.kubeconfig.document import in_force, is_file_name, named_plugin, take_credential
from pokepodsd.edge.kubeconfig.plugin import Plugin, PluginError, run
from pokepodsd.edge.kubeconfig.trust import examine
from pokepodsd.errors import CredentialsError, PluginFailedError

if TYPE_CHECKING:
    from kubernetes.client.configuration import Configuration

# As long as a cloud's command line takes on a busy node, and longer. client-go waits without end.
PLUGIN_SECONDS = 30.0
# A kubeconfig is some kB; a chain of certificates, or many contexts, some more. The parser takes
# seconds for this.
_MOST_BYTES = 1024 * 1024
_MOST_VALUES = 100_000
# The beginnings of the package's own texts that quote no value but a path or a key.
_HARMLESS = ("File does not exist", "Invalid kube-config file. Expected key ")
# "Bearer" or "Basic", and what may follow (RFC 9110, 11.4).
_HEADER_VALUE = re.compile(r"[A-Za-z]+ [!-~]+")
_FILE_KEYS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


class Kubeconfig:
    """One kubeconfig file, with the files that it names."""

    def __init__(
        self,
        path: Path,
        *,
        scratch: Path,
        plugin_seconds: float = PLUGIN_SECONDS,
        users: Set[int] = frozenset(),
    ) -> None:
        """``scratch`` is a private folder, for inline keys that the TLS library wants as files.

        ``plugin_seconds`` is how long an exec plugin may take; ``users`` may write the files,
        besides root and the user of this process.
        """
        self._path = path
        self._scratch = scratch
        self._plugin_seconds = plugin_seconds
        self._users = users
        self._files = [path]
        self._seen: list[object] = []
        self._expires: datetime | None = None

    def load(self) -> "Configuration":
        """Read the credentials, running an exec plugin where one is named.

        Raises:
            CredentialsError: something is missing, unreadable or malformed.
            UntrustedError: somebody else may write one of the files, or the plugin.
        """
        # Taken before the files are read: what is replaced meanwhile counts as a change.
        self._seen = self._fingerprint()
        self._examine(self._path)
        document = _parse(self._path)
        plugin = self._plugin(document)
        named = [self._path, *_named_files(document, self._path)]
        program = plugin.place() if plugin else None
        if (files := [*named, program] if program else named) != self._files:
            self._files = files
            self._seen[1:] = self._fingerprint()[1:]
        for file in named:
            self._examine(file)
        expires = self._ask(plugin, program, document) if plugin else None
        configuration, provided = _read(document, self._path, self._scratch)
        self._expires = _future(expires or provided)
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
        """The kubeconfig, the files and the plugin that it names, by what `load` has seen."""
        return tuple(self._files)

    def _examine(self, file: Path) -> None:
        """Check that it is ours alone, and can be read; one that is missing is told later."""
        examine(file, users=self._users)
        try:
            status = file.stat()
            if not stat.S_ISREG(status.st_mode):
                raise CredentialsError(f"{file} is no file")
            if status.st_size > _MOST_BYTES:
                raise CredentialsError(f"{file} is larger than {_MOST_BYTES // 1024} kB")
            file.open("rb").close()
        except FileNotFoundError:
            return
        except OSError as error:
            raise CredentialsError(f"{file} cannot be read: {error.strerror}") from error

    def _plugin(self, document: Mapping[str, Any]) -> Plugin | None:
        try:
            return named_plugin(document, self._path.parent)
        except ValueError as error:
            raise CredentialsError(f"{self._path}: {error}") from None

    def _ask(
        self, plugin: Plugin, program: Path | None, document: Mapping[str, Any]
    ) -> datetime | None:
        """Put into the document what its exec plugin says; until when that holds."""
        try:
            if program is not None:
                examine(program, users=self._users)
            return take_credential(document, run(plugin, program, seconds=self._plugin_seconds))
        except PluginError as error:
            raise PluginFailedError(
                f"{self._path}: the exec plugin {plugin.command} gave no credentials: {error}; "
                "run it by hand to see why"
            ) from None

    def _fingerprint(self) -> list[object]:
        """Which file, its time, size, mode and owner; of what a symlink points to, not the link."""
        return [_identity(path) for path in self._files]


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
    if not _is_bounded(document):
        raise CredentialsError(
            f"{path} is not a kubeconfig: an alias makes it endless, or too large"
        )
    return document


def _is_bounded(document: object) -> bool:
    """Whether it can be written out: a YAML alias repeats what it names."""
    waiting, left = [document], _MOST_VALUES
    while waiting and len(waiting) <= left:
        left -= 1
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return not waiting


def _read(
    document: dict[str, Any], path: Path, scratch: Path
) -> tuple["Configuration", datetime | None]:
    """The credentials, and when they expire if they say so."""
    # Not before there is a kubeconfig: a host that has none never pays for this import.
    from kubernetes.client.configuration import Configuration  # noqa: PLC0415
    from kubernetes.config import kube_config  # noqa: PLC0415
    from kubernetes.config.config_exception import ConfigException  # noqa: PLC0415

    # The package keeps every inline key that it ever saw, in memory and as a file.
    kube_config._cleanup_temp_files()  # noqa: SLF001
    configuration = Configuration()
    try:
        with _unlogged():
            loader = kube_config.KubeConfigLoader(
                config_dict=document,
                config_base_path=str(path.parent),
                temp_file_path=str(scratch),
            )
            loader.load_and_set(configuration)
    except OSError as error:
        raise CredentialsError(f"{path}: {_one_line(error)}") from error
    except ConfigException as error:
        text = str(error) if str(error).startswith(_HARMLESS) else "malformed"
        raise CredentialsError(f"{path}: {text}") from None
    except Exception as error:  # noqa: BLE001
        # The package lets through whatever a malformed file makes it stumble over. Its text
        # may quote the file: it is not kept as a cause.
        raise CredentialsError(f"{path}: malformed ({type(error).__name__})") from None
    return configuration, getattr(loader, "expiry", None)


def _named_files(document: Mapping[str, Any], path: Path) -> Iterator[Path]:
    for values in (in_force(document, "user"), in_force(document, "cluster")):
        for key in _FILE_KEYS:
            if not ((name := values.get(key)) and isinstance(name, str)):
                continue
            if not is_file_name(name):
                raise CredentialsError(f"{path}: its {key} is not the name of a file")
            yield path.parent / name


def _identity(path: Path) -> object:
    try:
        status = os.stat(path)
    except OSError as error:
        return error.errno
    what = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
    return (*what, status.st_mode, status.st_uid, status.st_gid)


@contextlib.contextmanager
def _unlogged() -> Iterator[None]:
    """The package logs what went wrong, which may quote a secret, to the root logger."""
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
