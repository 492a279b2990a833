"""Files that pokepodsd reads: kubeconfigs, certificates, its configuration, its last targets."""

import ssl
from collections.abc import Iterable
from functools import cache
from typing import Final

from pokepodsd.cli.invocation import Invocation
from pokepodsd.core.config import Config
from pokepodsd.core.model import Target
from pokepodsd.core.settings import SETTINGS, Setting
from pokepodsd.edge import statefile
from pokepodsd.edge.certificate import node_name, validity
from pokepodsd.edge.kubeconfig import Kubeconfig
from pokepodsd.errors import ConfigError, CredentialsError, StateFileError
from tests.fuzz.places import fenced, folder, written
from tests.fuzz.shown import check_entry

_LONGEST_LINE: Final = 1_000


def kubeconfig(data: bytes) -> None:
    """A kubeconfig; no plugin of it runs, and what it names outside its folder is not there."""
    forget = _library()
    path = written("kubeconfig/kubelet.conf", data)
    scratch = folder() / "scratch"
    scratch.mkdir(exist_ok=True)
    try:
        with fenced():
            loaded = Kubeconfig(path, scratch=scratch)
            try:
                loaded.load()
                loaded.is_changed()
            except CredentialsError as error:
                _check_error(error)
            assert path in loaded.files
    finally:
        forget()


def certificate(data: bytes) -> None:
    """A certificate, in DER; after a first byte of 255 the file that has it in PEM."""
    is_file = data[:1] == b"\xff"
    pem = data[1:] if is_file else ssl.DER_cert_to_PEM_cert(data).encode()
    path = str(written("certificate/client.pem", pem))
    try:
        name, source = node_name(path, setting="auto", host_name="Host")
        assert source in ("certificate", "host name")
        check_entry(name)
        name.encode()
    except CredentialsError as error:
        _check_error(error)
    try:
        limits = validity(path)
        assert limits is None or all(one.isoformat() for one in limits)
    except CredentialsError as error:
        _check_error(error)


def configuration(data: bytes) -> None:
    """A configuration: valid, or complaints of a line each."""
    path = written("configuration/pokepodsd.toml", data)
    try:
        config = Invocation(path=path, overrides={}).load()
    except ConfigError as error:
        _check_error(error)
        return
    for setting in SETTINGS:
        _check_setting(config, setting)


def state(data: bytes) -> None:
    """A file of last known targets: all of it, or as good as none."""
    path = written("state/targets.json", data)
    try:
        looked_at: list[Target] | None = statefile.peek(path.parent)
    except StateFileError as error:
        check_entry(str(error))
        looked_at = None
    try:
        read = statefile.read(path.parent)
    except StateFileError as error:
        check_entry(str(error))
        assert looked_at is None
        assert not path.exists()
        return
    assert read == looked_at
    _check_targets(read)
    statefile.Writer(path.parent, read).finish()
    assert statefile.read(path.parent) == read


def _check_error(error: ConfigError | CredentialsError) -> None:
    assert error.lines
    for line in error.lines:
        check_entry(line)
        assert len(line) < _LONGEST_LINE


def _check_setting(config: Config, setting: Setting) -> None:
    value = getattr(getattr(config, setting.section), setting.field)
    for text in value if isinstance(value, tuple) else (value,):
        str(text).encode()


def _check_targets(targets: Iterable[Target]) -> None:
    for target in targets:
        for text in (target.name, target.namespace, target.node or "", target.host, target.id):
            text.encode()
        check_entry(str(target))


@cache
def _library():  # type: ignore[no-untyped-def]
    """What has the kubernetes package forget the files that it made of inline data.

    Its import, and all that it opens for it, comes before the fence.
    """
    import kubernetes.client  # noqa: PLC0415
    from kubernetes.config import kube_config  # noqa: PLC0415

    kubernetes.client.Configuration()
    return kube_config._cleanup_temp_files
