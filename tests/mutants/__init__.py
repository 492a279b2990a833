"""Mutants of the core: which changes of a line the tests of the core do not see.

`python -m tests.mutants` makes every mutant of mutmut, leaves out those that mypy refuses, and runs
the tests that enter the changed function against each of the others.
"""
