"""Makes the byte-code of what is installed beside this file anew, for the Python that runs it.

Called when the package is installed, and on Debian when its default Python changes. Elsewhere a new
minor version of Python runs without byte-code, slower, until the package is installed again. The
package has none of its own: it is one for every Python.
"""

import importlib.util
import py_compile
import shutil
from pathlib import Path

LIB = Path(__file__).resolve().parent / "lib"
# Two thirds of all byte-code, and half of that are docstrings of generated code, which nobody
# reads at run time: without them 11 MB less of disk.
WITHOUT_DOCSTRINGS = LIB / "kubernetes"


def main() -> None:
    """Replace all byte-code; a module that this Python cannot compile is left without."""
    for folder in [*LIB.rglob("__pycache__")]:
        shutil.rmtree(folder)
    for source in LIB.rglob("*.py"):
        level = 2 if source.is_relative_to(WITHOUT_DOCSTRINGS) else 0
        py_compile.compile(
            str(source),
            cfile=importlib.util.cache_from_source(str(source)),
            optimize=level,
            quiet=2,
        )


if __name__ == "__main__":
    main()
