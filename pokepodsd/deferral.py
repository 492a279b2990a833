"""Packages whose own code runs only when something of it is used.

Some packages import all that they have as soon as any part of them is imported. Here such a package
is found and known as always, and its submodules are imported as always, but its `__init__` waits
until an attribute is asked for that no submodule is. Nothing is taken away: whoever uses more of a
package gets more of it, later. (`importlib.util.LazyLoader` does not wait: it takes the import of a
submodule for a use.)

Not for several threads that use one package's rest for the first time at once.

Owns the way. Which packages, and why, is for those who use them to say.
"""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    # At run time it would import zip files and temporary folders: 5 ms of every command.
    from importlib.abc import Loader

Homes = Mapping[str, str]
"""Attributes of a package that are imported from one of its submodules, by their names."""


def defer(packages: Mapping[str, Homes]) -> None:
    """From now on let the code of these packages wait; those that were imported stay as they are.

    An attribute that has a home is taken from there, without the package's own code.
    """
    sys.meta_path.insert(0, _Finder(packages))


class _Finder:
    def __init__(self, packages: Mapping[str, Homes]) -> None:
        self._packages = packages

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where a package of ours is, as the import system would find it; None for any other."""
        if fullname not in self._packages:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = cast("Loader", _Loader(spec.loader, self._packages[fullname]))
        return spec


class _Loader:
    def __init__(self, loader: "Loader", homes: Homes) -> None:
        self._loader = loader
        self._homes = homes

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As the package's own loader does."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Have it wait. From here on the module says of itself what it would say without us."""
        module.__loader__ = self._loader
        spec = cast(ModuleSpec, module.__spec__)
        spec.loader = self._loader
        spec.loader_state = self._homes
        module.__class__ = _Deferred


class _Deferred(ModuleType):
    """A package whose code has not run."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__all__":
            # The import system and debuggers look for these, and use nothing; `import *` does.
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        spec = cast(ModuleSpec, self.__spec__)
        if (home := spec.loader_state.get(name)) is not None:
            return getattr(import_module(f"{self.__name__}.{home}"), name)
        if find_spec(f"{self.__name__}.{name}") is not None:
            return import_module(f"{self.__name__}.{name}")
        self.__class__ = ModuleType  # type: ignore[assignment]
        cast("Loader", spec.loader).exec_module(self)
        return getattr(self, name)
