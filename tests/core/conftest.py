"""Owns how hypothesis runs here: reproducibly, and without a clock."""

from hypothesis import settings

settings.register_profile("core", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("core")
