"""A user's Python function in the form that Numba compiles, and a text of all that it depends on.

Both are made at once from the same values of globals, so that what is kept on disk under the hash
of the text is always what the text says.
"""

from __future__ import annotations

import hashlib
import types
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastnn.backends.jit.functions import original, scalar_function

from .compile import compiled
from .lines import WithLines
from .rules import KNOWN
from .user_syntax import branches, check, check_reference, defaults, place, references, scope

_FIXED_MODULES = ("numpy", "math", "fastnn")  # what their names mean does not change
_OF_TENSORS = ("fastnn.ops", "fastnn.tensor", "fastnn.activations", "fastnn.losses")


class Built(NamedTuple):
    """What Numba compiles, a hash of what it does, the same one in every process, and whether that
    depends on conditions.

    The hash is None where it cannot be told: the function refers to an array, or to a module of the
    user's as a whole.
    """

    function: Any
    fingerprint: str | None
    branches: bool


_built: dict[Callable, Built] = {}


class _Unknown(Exception):
    """A function depends on something that has no text."""


def _user_written(value: Any) -> bool:
    if not isinstance(value, types.FunctionType) or value in KNOWN:
        return False
    return str(value.__module__).split(".")[0] != "numpy"  # Numba has those that it knows


def _text(value: Any) -> str:
    if isinstance(value, Built):
        if value.fingerprint is None:
            raise _Unknown
        return value.fingerprint
    if value is None or isinstance(value, (bool, int, float, str, np.number)):
        return f"{type(value).__name__} {value!r}"
    if isinstance(value, (tuple, frozenset)):
        return repr([_text(item) for item in value])
    if isinstance(value, types.CodeType):
        return repr(
            [value.co_code, value.co_names, value.co_varnames, value.co_argcount]
            + [value.co_freevars, value.co_cellvars]
            + [_text(constant) for constant in value.co_consts]
        )
    if isinstance(value, types.ModuleType) and value.__name__.split(".")[0] in _FIXED_MODULES:
        return value.__name__
    if callable(value) and value in KNOWN:
        return f"{getattr(value, '__module__', '')}.{value.__name__}"
    raise _Unknown


def _fingerprint(function: Callable, referred: dict[tuple[str, ...], Any]) -> str | None:
    parts = [*sorted(referred.items()), ("", defaults(function)), ("", function.__code__)]
    try:
        text = repr([(path, _text(value)) for path, value in parts])
    except _Unknown:
        return None
    return hashlib.sha256(text.encode()).hexdigest()


def _referred(value: Any, path: tuple[str, ...], name: str, inside: tuple) -> Any:
    """What a function refers to, as it is compiled."""
    if isinstance(value, np.ndarray):  # which keeps its elements, as numbers keep their values
        return value.copy()
    check_reference(value, path, inside[-1], name)
    value = scalar_function(value)
    value = original(getattr(value, "py_func", value))  # py_func: of numba.njit
    if not _user_written(value):
        return value
    if str(value.__globals__.get("__name__")).startswith(_OF_TENSORS):
        raise TypeError(
            f"{name}: {'.'.join(path)} is a function of tensors, not of numbers "
            f"({place(inside[-1], path)})"
        )
    return _build(value, name, inside)


def _scope(names: dict[str, Any], referred: dict[tuple[str, ...], Any]) -> dict[str, Any]:
    """Names, and those in modules, with the values that were read."""
    copies: dict[tuple[str, ...], dict[str, Any]] = {(): dict(names)}

    def names_in(path: tuple[str, ...]) -> dict[str, Any]:
        if path not in copies:
            outer, copy = names_in(path[:-1]), types.ModuleType("")
            vars(copy).update(vars(outer[path[-1]]))
            outer[path[-1]], copies[path] = copy, vars(copy)
        return copies[path]

    for path, value in sorted(referred.items()):  # a module comes before what is read of it
        names_in(path[:-1])[path[-1]] = value.function if isinstance(value, Built) else value
    return copies[()]


def _build(function: Callable, name: str, inside: tuple = ()) -> Built:
    if function in inside:
        raise TypeError(f"{name}: {function.__name__} calls itself ({place(function)})")
    if function in _built:
        return _built[function]
    check(function, name)
    inside = (*inside, function)
    referred = {
        path: _referred(value, path, name, inside)
        for path, value in references(function, name).items()
    }
    code = function.__code__
    names = _scope(scope(function), referred)
    cells = [types.CellType(names[variable]) for variable in code.co_freevars]
    # Numba passes arguments by position only.
    code = code.replace(
        co_argcount=code.co_argcount + code.co_kwonlyargcount,
        co_kwonlyargcount=0,
        co_posonlyargcount=0,
    )
    copy = types.FunctionType(code, names, function.__name__, defaults(function), tuple(cells))
    _built[function] = Built(
        compiled(copy, compiler=WithLines, boundscheck=True),
        _fingerprint(function, referred),
        branches(code) or any(isinstance(one, Built) and one.branches for one in referred.values()),
    )
    return _built[function]


def compilable(function: Callable, name: str) -> Built:
    """The function for Numba, with all that it calls; TypeError for what no loop can hold.

    Globals have the values of the first call. name: that of the operation, for messages.
    """
    return _build(function, name)
