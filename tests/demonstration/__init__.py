"""The demonstration that `python -m tests.demo` gives: its stage, its voice and its story."""
