"""The way to one target, poked now: who it is, and what answers at each layer.

Owns the doing of `pokepodsd trace`, with the running daemon, without it, and without the API.
"""

from pokepodsd.tracing.finding import Finder
from pokepodsd.tracing.poking import walk

__all__ = ["Finder", "walk"]
