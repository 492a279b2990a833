"""The command line: arguments in, exit status out.

Owns the options, which come from the table of settings, and the exits: every error of ours becomes
one line on stderr and its exit status here, and nowhere else.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from pokepodsd import __version__
from pokepodsd.cli import output
from pokepodsd.cli.invocation import DEFAULT_PATH, Invocation
from pokepodsd.core.escaping import escape
from pokepodsd.core.settings import SETTINGS, Setting
from pokepodsd.errors import PokepodsdError

# Each in a module of its own, which is imported for its command alone: the daemon does not pay
# for the table that another command draws.
_COMMANDS = {
    "check": ("check", "check"),
    "check-config": ("checkconfig", "check_config"),
    "matrix": ("matrix", "matrix"),
    "need": ("need", "need"),
    "once": ("once", "once"),
    "rbac": ("rbac", "rbac"),
    "run": ("run", "run"),
    "status": ("status", "status"),
    "trace": ("trace", "trace"),
}


class _Group(click.Group):
    """Ends the program with the status of our errors; click's own are usage, status 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"pokepodsd.cli.{module}"), name)
        return command

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program."""
        output.prepare()
        try:
            return super().main(*args, **kwargs)
        except OSError as error:
            # The help and the version are written before any command is invoked.
            if (status := output.status_of(error)) is None:
                raise
            sys.exit(status)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return self._invoke(ctx)
        except OSError as error:
            if (status := output.status_of(error)) is None:
                raise
            sys.exit(status)

    def _invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PokepodsdError as error:
            for line in error.lines:
                click.echo(f"pokepodsd: {escape(line)}", err=True)
            sys.exit(error.exit_status)


class _SettingOption(click.Option):
    """A setting as an option, which would fill pages: the manual page lists them."""

    def get_help_record(self, ctx: click.Context) -> None:
        """None, as for what has no line of its own."""


def _setting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """One option a setting, from the table."""
    for setting in reversed(SETTINGS):
        option = click.option(
            f"--{setting.section}-{setting.name.replace('_', '-')}",
            setting.key.replace(".", "_"),
            metavar=setting.kind.name,
            callback=_reader_of(setting),
            help=setting.help,
            cls=_SettingOption,
        )
        command = option(command)
    return command


def _reader_of(setting: Setting) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    def read(context: click.Context, parameter: click.Parameter, text: str | None) -> Any:
        if text is None:
            return None
        # Imported late, for the sake of the commands that need no configuration.
        from pokepodsd.core.values import check_value, parse_text  # noqa: PLC0415

        try:
            value = parse_text(setting, text)
            check_value(setting, value)
        except ValueError as error:
            raise click.BadParameter(str(error), context, parameter) from error
        return value

    return read


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    "path",
    # Not checked for being readable: that is a fault of the configuration, not of the usage.
    type=click.Path(path_type=Path, dir_okay=False, readable=False),
    default=DEFAULT_PATH,
    show_default=True,
    help="The configuration file; one that does not exist means the defaults.",
)
@_setting_options
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def main(context: click.Context, /, path: Path, **values: Any) -> None:
    """Open the tunnels between Kubernetes nodes, and keep them open, by poking pods.

    Every setting of the configuration may stand before the command, as --SECTION-NAME VALUE: what
    is poke.interval in the file is --poke-interval. pokepodsd.toml(5) describes them all.

    \b
    Examples:
      pokepodsd check                     is this host fit for it?
      pokepodsd status                    is all well, and what is not?
      pokepodsd status --watch            the same, live
      pokepodsd trace node-b              one node or pod, layer by layer
      pokepodsd once                      poke every pod once, without the daemon
      pokepodsd need node-b               must this tunnel still be poked?
      pokepodsd check-config              every mistake at once, with its line
      pokepodsd --poke-interval 10s run   one setting that differs from the file

    \b
    Exit status:
      0   all well
      1   something is not; status, trace, once: something does not answer;
          check: a fault; matrix: a pair that fails; need: a tunnel needs it
      2   wrong usage
      3   status: the daemon does not run
      69  the API server, its credentials, the daemon or a source cannot be
          used; status, trace: nobody is known by that name
      74  what there is to say cannot be written: the disk is full
      75  need: it cannot be said
      77  missing privilege
      78  the configuration is not valid
      141 nobody reads what there is to say: the pipe is closed
    """
    overrides: dict[str, dict[str, Any]] = {}
    for setting in SETTINGS:
        value = values[setting.key.replace(".", "_")]
        if value is not None:
            overrides.setdefault(setting.section, {})[setting.name] = value
    context.obj = Invocation(path=path, overrides=overrides)
