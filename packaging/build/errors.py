"""The one error of the build."""


class BuildError(Exception):
    """The packages cannot be built; the text says what is wrong and where."""
