"""All checks in their order, and what each needs of the others."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from pokepodsd.edge import systemd
from pokepodsd.preflight import clock, configuration, daemons, service, sockets, state, tunnels
from pokepodsd.preflight.finding import Finding
from pokepodsd.preflight.sequence import Sequence
from pokepodsd.preflight.unit import NAME, PROPERTIES, Unit
from pokepodsd.preflight.world import Settings, World

_FILE = configuration.CONFIGURATION.check


def read_unit(root: Path = Path("/")) -> Unit | None:
    """The unit as systemd has it; None where systemd does not run, or does not answer."""
    if not systemd.is_booted(root):
        return None
    try:
        return Unit(systemd.show(NAME, PROPERTIES))
    except systemd.SystemdError:
        return None


def examine(world: World) -> Iterator[Finding]:
    """Every finding, as soon as there is one."""
    sequence = Sequence()
    settings, complaints = configuration.read_settings(world)
    yield from sequence.step(
        configuration.CONFIGURATION,
        lambda: configuration.check_configuration(settings, complaints, world=world),
    )
    yield from _examine_unit(sequence, world)
    yield from sequence.step(
        state.STATE, lambda: state.check_state(world, settings), needs=_setting("state.directory")
    )
    yield from sequence.step(clock.CLOCK, lambda: clock.check_clock(world))
    yield from _examine_api(sequence, world, settings)
    yield from sequence.step(
        sockets.SOCKETS,
        lambda: sockets.check_sockets(world, settings),
        needs=_setting("poke.socket"),
    )
    yield from _examine_tunnels(sequence, world, settings)
    # The last, because to start it again mends nothing while anything else is broken.
    yield from sequence.step(service.SERVICE, lambda: service.check_service(world))


def _setting(*keys: str) -> tuple[str, ...]:
    """What a check needs that goes by a setting."""
    return (_FILE, *(f"{_FILE}.{key}" for key in keys))


def _examine_unit(sequence: Sequence, world: World) -> Iterator[Finding]:
    unit = world.unit
    if unit is not None and unit.is_loaded:
        yield from sequence.step(service.ENABLED, lambda: service.check_enabled(unit))
        yield from sequence.step(service.FILE, lambda: service.check_file(unit, world=world))
        yield from sequence.step(
            service.WATCHDOG, lambda: service.check_watchdog(unit, world=world)
        )
    yield from sequence.step(daemons.DAEMONS, lambda: daemons.check_daemons(world))
    yield from sequence.step(daemons.SOCKET, lambda: daemons.check_socket(world))


def _examine_api(sequence: Sequence, world: World, settings: Settings) -> Iterator[Finding]:
    # The kubernetes package takes most of a second: only now.
    from pokepodsd.preflight import api, credentials, rights  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="pokepodsd-") as scratch:
        kubelets = credentials.Credentials(world, settings, Path(scratch))
        server = api.Api(kubelets, wall_ns=world.wall_ns)
        asked = rights.Rights(server, kubelets, settings)
        found = credentials.KUBECONFIG
        needed = _setting("kubernetes.kubeconfig", "kubernetes.node_name")
        yield from sequence.step(found, kubelets.check_kubeconfig, needs=needed)
        for topic, check, need in (
            (credentials.CERTIFICATE, kubelets.check_certificate, found),
            (api.NAME, server.check_name, found),
            (api.CONNECTION, server.check_connection, api.NAME),
            (api.TLS, server.check_tls, api.CONNECTION),
            (api.ANSWER, server.check_answer, api.TLS),
            (api.CLOCK, server.check_clock, api.ANSWER),
            (rights.ALL_PODS, asked.check_all_pods, api.ANSWER),
            (rights.OWN_PODS, asked.check_own_pods, api.ANSWER),
            (rights.NODES, asked.check_nodes, api.ANSWER),
        ):
            needs = (credentials.CERTIFICATE.check,) if topic is api.ANSWER else ()
            yield from sequence.step(topic, check, needs=(need.check, *needs))
        yield from sequence.step(
            rights.REPORT,
            asked.check_report,
            needs=(*_setting("kubernetes.report"), api.ANSWER.check),
        )


def _examine_tunnels(sequence: Sequence, world: World, settings: Settings) -> Iterator[Finding]:
    seen = tunnels.Tunnels(world, settings)
    needs = _setting("tunnels.devices")
    yield from sequence.step(tunnels.DEVICES, seen.check_devices, needs=needs)
    for topic, check in (
        (tunnels.WAYS, seen.check_ways),
        (tunnels.RP_FILTER, seen.check_filter),
    ):
        yield from sequence.step(topic, check, needs=(tunnels.DEVICES.check,))
    yield from sequence.step(
        tunnels.CONNTRACK, seen.check_conntrack, needs=_setting("tunnels.interval")
    )
