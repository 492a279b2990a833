"""``pokepodsd check-config``: says whether the configuration is valid, and all that is wrong."""

import click

from pokepodsd.cli.invocation import Invocation
from pokepodsd.core.sample import sample


@click.command("check-config", short_help="Check the configuration file.")
@click.option("--sample", "wants_sample", is_flag=True, help="Print a commented sample instead.")
@click.pass_obj
def check_config(invocation: Invocation, *, wants_sample: bool) -> None:
    """Check the configuration file; exit with status 78 if it is not valid.

    \b
    Examples:
      pokepodsd check-config
      pokepodsd --config new.toml check-config   another file
      pokepodsd check-config --sample            every setting with its default
    """
    if wants_sample:
        click.echo(sample(), nl=False)
        return
    invocation.load()
    if invocation.path.exists():
        click.echo(f"{invocation.path}: valid")
    else:
        click.echo(f"{invocation.path}: does not exist, the defaults apply")
