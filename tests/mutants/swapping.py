"""Owns how a mutant gets into a running interpreter: as the code of the function that it changes.

So whoever holds the function, imported by name or bound, runs the mutant, and nothing is imported
a second time. Nothing is put back: this is for a process that ends after it.
"""

import ast
import importlib
import types
from typing import Any

from tests.mutants.making import Mutant


def swap_in(mutant: Mutant) -> None:
    """From here on this process runs the mutant."""
    module = importlib.import_module(f"pokepodsd.core.{mutant.module}")
    target = _find(module, mutant)
    made = _build(module, mutant)
    target.__code__ = made.__code__
    target.__defaults__ = made.__defaults__
    target.__kwdefaults__ = made.__kwdefaults__


def _find(module: types.ModuleType, mutant: Mutant) -> types.FunctionType:
    place = vars(module) if mutant.owner is None else vars(vars(module)[mutant.owner])
    found = place[mutant.function]
    if isinstance(found, (classmethod, staticmethod)):
        found = found.__func__
    assert isinstance(found, types.FunctionType), mutant.name
    return found


def _build(module: types.ModuleType, mutant: Mutant) -> types.FunctionType:
    code = mutant.code
    code.name = mutant.function
    code.decorator_list = []
    # Names in annotations are there for the type checker alone.
    code.returns = None
    arguments = code.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        argument.annotation = None
    for rest in (arguments.vararg, arguments.kwarg):
        if rest is not None:
            rest.annotation = None
    body: ast.stmt = code
    if mutant.owner is not None:
        body = ast.ClassDef(mutant.owner, [], [], [code], [])
    tree = ast.fix_missing_locations(ast.Module([body], []))
    made: dict[str, Any] = {}
    exec(compile(tree, mutant.name, "exec", dont_inherit=True), vars(module), made)
    if mutant.owner is None:
        found = made[mutant.function]
    else:
        found = vars(made[mutant.owner])[mutant.function]
    assert isinstance(found, types.FunctionType)
    return found
