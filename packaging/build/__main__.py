"""`python packaging/build`: what `make packages` and `make install` run."""

import os
import sys
import tempfile
from pathlib import Path

import click
from bundle import make_bundle
from changelog import read_releases
from dependencies import read_dependencies
from errors import BuildError
from nfpm import Sources, make_packages
from stage import CONFIG, ROOT, Tree, settle, stage

_FORMATS = ("deb", "rpm", "archlinux")


@click.group()
def main() -> None:
    """Build what is installed, and packages of it."""
    # Whoever builds: it is for everybody.
    os.umask(0o022)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=False))
def bundle(folder: Path) -> None:
    """Install the locked dependencies into FOLDER."""
    make_bundle(ROOT / "packaging" / "lock" / "runtime.txt", folder)


@main.command()
@click.option("--bundle", "bundled", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--destdir", type=click.Path(path_type=Path), default=Path("/"), show_default=True)
@click.option("--prefix", default="/usr", show_default=True)
def install(bundled: Path, destdir: Path, prefix: str) -> None:
    """Put every file below DESTDIR."""
    is_kept = (destdir / CONFIG).exists()
    stage(Tree(destdir, prefix), bundled)
    if is_kept:
        click.echo(f"kept {destdir / CONFIG} as it was")


@main.command()
@click.option("--bundle", "bundled", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--format", "formats", type=click.Choice(_FORMATS), multiple=True, default=_FORMATS)
@click.argument("target", type=click.Path(path_type=Path))
def packages(bundled: Path, formats: tuple[str, ...], target: Path) -> None:
    """Write packages into TARGET."""
    target.mkdir(parents=True, exist_ok=True)
    releases = read_releases(ROOT / "CHANGELOG.md")
    with tempfile.TemporaryDirectory(prefix="pokepodsd-packages-") as folder:
        work = Path(folder)
        tree = work / "tree"
        stage(Tree(tree, "/usr"), bundled)
        settle(tree, epoch=int(releases[0].date.timestamp()))
        dependencies = read_dependencies(bundled)
        sources = Sources(tree=tree, releases=releases, dependencies=dependencies)
        make_packages(sources, formats, target.resolve(), work)


if __name__ == "__main__":
    try:
        main(prog_name="python packaging/build")
    except BuildError as error:
        sys.exit(f"error: {error}")
