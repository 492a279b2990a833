"""Owns what all boxes of a session stand on: the roots, unpacked, and the package on top of each.

Each is made once, when it is first asked for. Boxes write above them, and never into them.
"""

from pathlib import Path

from tests.lab import Lab
from tests.system import package, roots
from tests.system.box import Box

RECIPES = {recipe.suite: recipe for recipe in roots.RECIPES}


class Library:
    """Layers of boxes, by the suite of Debian, uppermost first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def bare(self, suite: str) -> list[Path]:
        """What Debian has."""
        folder = self._folder / suite
        if not folder.exists():
            folder.mkdir()
            roots.unpack(roots.cached_archive(RECIPES[suite]), folder)
        return [folder]

    def installed(self, suite: str, file: Path) -> list[Path]:
        """And the deb on top of it, installed in a box as an operator does, and not started."""
        layer = self._folder / f"{suite}-installed"
        if not layer.exists():
            with Lab(1) as lab, Box(self.bare(suite), lab.nodes[0]) as box:
                package.install(box, file)
                box.power_off()
                box.layer.rename(layer)
        return [layer, *self.bare(suite)]
