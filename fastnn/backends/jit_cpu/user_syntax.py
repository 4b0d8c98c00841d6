"""What a user's function says: the names that it reads, and what compiled code has no place for."""

from __future__ import annotations

import builtins
import dis
import inspect
import os
import random
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

# Instructions of what cannot be compiled, in the words of messages.
_REFUSED = {
    "IMPORT_NAME": "imports",
    "STORE_GLOBAL": "changes a global",
    "DELETE_GLOBAL": "changes a global",
    "SETUP_WITH": "has a with statement",
    "BEFORE_WITH": "has a with statement",
    "LOAD_SPECIAL": "has a with statement",
    "SETUP_FINALLY": "has a try statement",
    "PUSH_EXC_INFO": "has a try statement",
    "DELETE_FAST": "deletes a variable",
    "DELETE_DEREF": "deletes a variable",
    "YIELD_VALUE": "yields or has a generator expression",
    "BUILD_SET": "makes a set",
    "FORMAT_VALUE": "makes a string",
    "FORMAT_SIMPLE": "makes a string",
    "FORMAT_WITH_SPEC": "makes a string",
}
_STRINGS = ("str", "repr")  # Numba has them, but not with the digits of a number
_CONTAINERS = (list, set, frozenset, dict)
_GENERATORS = (random.Random, np.random.RandomState, np.random.Generator)
_GLOBALS, _VARIABLES = ("LOAD_GLOBAL", "LOAD_NAME"), ("LOAD_DEREF", "LOAD_CLASSDEREF")
_ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD")
_CONSTANTS = ("LOAD_CONST", "LOAD_SMALL_INT")
_GROWING = ("BINARY_POWER", "BINARY_MULTIPLY", "BINARY_LSHIFT")  # until Python 3.10
_GROWING_SIGNS = ("**", "*", "<<")


def _instructions(code: types.CodeType) -> Iterator[tuple[dis.Instruction, int]]:
    """Those of a function and of the functions inside it, with their lines."""
    line = code.co_firstlineno
    starts = dict(dis.findlinestarts(code))
    for instruction in dis.get_instructions(code):
        line = starts.get(instruction.offset) or line
        yield instruction, line
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _instructions(constant)


def at(file: str, line: int) -> str:
    """A place, in the words of messages."""
    return f"{os.path.basename(file)}:{line}"


def _at(function: Callable, line: int) -> str:
    return at(function.__code__.co_filename, line)


def place(function: Callable, path: tuple[str, ...] = ()) -> str:
    """Where a function stands, or where it reads such a name, or something of that."""
    code, n = function.__code__, len(path)
    lines = [line for whole, line in _paths(code).items() if path and whole[:n] == path]
    return _at(function, max(lines, default=code.co_firstlineno))


def check(function: Callable, name: str) -> None:
    """TypeError for what cannot be compiled in any function."""
    code = function.__code__
    whole = 0  # numbers in a row, of which Python computes what fits 128 bits itself
    for instruction, line in _instructions(code):
        whole = 0 if instruction.is_jump_target else whole
        grows = instruction.opname in _GROWING or (
            instruction.opname == "BINARY_OP" and instruction.argrepr in _GROWING_SIGNS
        )
        if whole >= 2 and grows:
            raise TypeError(
                f"{name}: has a number of more than 128 bits ({_at(function, line)}), which does "
                "not fit int64"
            )
        constant = instruction.opname in _CONSTANTS and type(instruction.argval) is int
        whole = whole + 1 if constant else 0
        if instruction.opname == "RAISE_VARARGS":
            raise TypeError(
                f"{name}: raises or asserts ({_at(function, line)}), for which there is no place "
                "in compiled loops; give math.nan instead"
            )
        what = _REFUSED.get(instruction.opname)
        if isinstance(instruction.argval, frozenset):  # what a set of constants becomes
            what = _REFUSED["BUILD_SET"]
        if instruction.opname == "STORE_DEREF" and instruction.argval in code.co_freevars:
            what = "changes a variable of the function around it"
        if instruction.opname in _GLOBALS and instruction.argval in _STRINGS:
            what = _REFUSED["FORMAT_VALUE"]
        if what:
            raise TypeError(f"{name}: {what} ({_at(function, line)}), which cannot be compiled")
        if instruction.argval == "print" and instruction.opname in _GLOBALS:
            raise TypeError(
                f"{name}: prints ({_at(function, line)}), which compiled loops cannot do"
            )
    if code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
        raise TypeError(f"{name}: takes *args or **kwargs ({place(function)}), expected names")
    if code.co_kwonlyargcount > len(function.__kwdefaults__ or ()):
        raise TypeError(f"{name}: a parameter after * has no default ({place(function)})")
    if code.co_flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        raise TypeError(f"{name}: is a generator or a coroutine ({place(function)})")


def check_reference(value: Any, path: tuple[str, ...], function: Callable, name: str) -> None:
    """TypeError for what no compiled function can refer to: a list, a set, a dictionary, and what
    draws random numbers, of which threads would get others in every run.

    path: that the function reads it by; name: of the operation or kernel
    """
    if _draws(value):
        raise TypeError(
            f"{name}: {'.'.join(path)} draws random numbers ({place(function, path)}), which "
            "compiled functions cannot do; draw them before, and take them as an operand"
        )
    if (container := _container_in(value)) is None:
        return
    within = "" if container is value else "a tuple with "
    raise TypeError(
        f"{name}: reads {'.'.join(path)}, {within}a {type(container).__name__} "
        f"({place(function, path)}), expected a tuple or an array of constants"
    )


def _draws(value: Any) -> bool:
    if isinstance(value, tuple):
        return any(map(_draws, value))
    own = isinstance(getattr(value, "__self__", value), _GENERATORS)
    return own or getattr(value, "__module__", None) == "fastnn.random"


def _container_in(value: Any) -> Any:
    if isinstance(value, tuple):
        return next((c for item in value if (c := _container_in(item)) is not None), None)
    return value if isinstance(value, _CONTAINERS) else None


def branches(code: types.CodeType) -> bool:
    """Whether a function has conditions."""
    return any("_IF_" in instruction.opname for instruction, _ in _instructions(code))


def defaults(function: Callable) -> tuple | None:
    """Of all parameters that have one, in their order."""
    code, keyword_only = function.__code__, function.__kwdefaults__ or {}
    names = code.co_varnames[code.co_argcount :][: code.co_kwonlyargcount]
    return (*(function.__defaults__ or ()), *(keyword_only[name] for name in names)) or None


def _paths(code: types.CodeType) -> dict[tuple[str, ...], int]:
    """Names that are read, with the attributes that are read of them, and the lines where.

    For example ("np", "linalg", "norm").
    """
    paths: list[tuple[tuple[str, ...], int]] = [
        ((name,), code.co_firstlineno) for name in code.co_freevars
    ]
    follows = False
    for instruction, line in _instructions(code):
        if instruction.opname in _GLOBALS or (
            instruction.opname in _VARIABLES and instruction.argval in code.co_freevars
        ):
            paths.append(((instruction.argval,), line))
            follows = True
        elif instruction.opname in _ATTRIBUTES and follows:
            paths[-1] = ((*paths[-1][0], instruction.argval), line)
        elif instruction.opname != "EXTENDED_ARG":
            follows = False
    return dict(paths)


def scope(function: Callable) -> dict[str, Any]:
    """The names that a function sees beside its own, and their values now."""
    names = dict(function.__globals__)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        try:
            names[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            names.pop(name, None)
    return names


def references(function: Callable, name: str) -> dict[tuple[str, ...], Any]:
    """What a function refers to by its path: a name, and what is read of it if it is a module."""
    names, found = scope(function), {}
    for path in sorted(_paths(function.__code__)):
        if path[0] not in names:
            if path[0] in function.__code__.co_freevars or not hasattr(builtins, path[0]):
                where = place(function, path)
                raise NameError(f"{name}: name {path[0]!r} is not defined ({where})")
            continue
        value, taken = names[path[0]], 1
        for attribute in path[1:]:
            if not isinstance(value, types.ModuleType) or not hasattr(value, attribute):
                break
            value, taken = getattr(value, attribute), taken + 1
        found[path[:taken]] = value
    return found


def reading(function: Callable, module: Any, attribute: str | None) -> str | None:
    """Where a function, or one that it refers to, reads an attribute of a module."""
    functions = [function]
    for one in functions:  # which grow
        for path, line in _paths(one.__code__).items():
            value = scope(one).get(path[0])
            for name in path[1:]:
                if value is module and name == attribute:
                    return _at(one, line)
                value = getattr(value, name, None)
            value = getattr(value, "py_func", value)  # of numba.njit
            if isinstance(value, types.FunctionType) and value not in functions:
                functions.append(value)
    return None
