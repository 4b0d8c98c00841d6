"""A user's Python function in the form that Numba compiles, and what it depends on."""

from __future__ import annotations

import builtins
import dis
import hashlib
import inspect
import os
import types
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fastnn.backends.jit.functions import scalar_function

from .compile import compiled
from .rules import KNOWN

_compiled: dict[Callable, Any] = {}
_FIXED_MODULES = ("numpy", "math", "fastnn")  # what their names mean does not change


def _instructions(code: types.CodeType) -> Iterator[dis.Instruction]:
    """Those of a function and of the functions inside it."""
    yield from dis.get_instructions(code)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _instructions(constant)


def _place(function: Callable) -> str:
    code = function.__code__
    return f"{os.path.basename(code.co_filename)}, line {code.co_firstlineno}"


def _check(function: Callable, name: str) -> None:
    code = function.__code__
    if any(i.opname == "RAISE_VARARGS" for i in _instructions(code)):
        raise TypeError(
            f"{name}: raises or asserts ({_place(function)}), for which there is no place in "
            "compiled loops; return math.nan instead"
        )
    for missing in _global_names(function):
        if missing not in function.__globals__ and not hasattr(builtins, missing):
            raise NameError(f"{name}: name {missing!r} is not defined ({_place(function)})")
    if code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
        raise TypeError(f"{name}: takes *args or **kwargs ({_place(function)}), expected names")
    if code.co_kwonlyargcount > len(function.__kwdefaults__ or ()):
        raise TypeError(f"{name}: a parameter after * has no default ({_place(function)})")
    if code.co_flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        raise TypeError(f"{name}: is a generator or a coroutine ({_place(function)})")


def _user_written(value: Any) -> bool:
    return isinstance(value, types.FunctionType) and value not in KNOWN


def _global_names(function: Callable) -> list[str]:
    reads = ("LOAD_GLOBAL", "LOAD_NAME")
    return sorted({i.argval for i in _instructions(function.__code__) if i.opname in reads})


def _referred(function: Callable) -> dict[str, Any]:
    """The globals that a function refers to."""
    scope = function.__globals__
    return {name: scope[name] for name in _global_names(function) if name in scope}


def _callee(value: Any, name: str, inside: tuple) -> Any:
    value = scalar_function(value)
    return _build(value, name, inside) if _user_written(value) else value


def _build(function: Callable, name: str, inside: tuple = ()) -> Any:
    if function in inside:
        raise TypeError(f"{name}: {function.__name__} calls itself ({_place(function)})")
    if function in _compiled:
        return _compiled[function]
    _check(function, name)
    inside = (*inside, function)
    scope = dict(function.__globals__)
    for key, value in _referred(function).items():
        scope[key] = _callee(value, name, inside)
    cells = [types.CellType(_callee(c.cell_contents, name, inside)) for c in _cells(function)]
    code = function.__code__
    # Numba passes arguments by position only.
    code = code.replace(
        co_argcount=code.co_argcount + code.co_kwonlyargcount,
        co_kwonlyargcount=0,
        co_posonlyargcount=0,
    )
    copy = types.FunctionType(code, scope, function.__name__, _defaults(function), tuple(cells))
    _compiled[function] = compiled(copy)
    return _compiled[function]


def _cells(function: Callable) -> tuple:
    return function.__closure__ or ()


def _defaults(function: Callable) -> tuple | None:
    code, keyword_only = function.__code__, function.__kwdefaults__ or {}
    names = code.co_varnames[code.co_argcount :][: code.co_kwonlyargcount]
    return (*(function.__defaults__ or ()), *(keyword_only[name] for name in names)) or None


def compilable(function: Callable, name: str) -> Any:
    """The function for Numba, with all that it calls; TypeError for what no loop can hold.

    Globals have the values of the first call. name: that of the operation, for messages.
    """
    return _build(function, name)


class _Unknown(Exception):
    """A function depends on something that has no text."""


def _text(value: Any, seen: set) -> str:
    value = scalar_function(value)
    value = getattr(value, "py_func", value)
    if value is None or isinstance(value, (bool, int, float, str, np.number)):
        return repr(value)
    if isinstance(value, (tuple, frozenset)):
        return repr([_text(item, seen) for item in value])
    if isinstance(value, types.CodeType):
        return repr(
            [value.co_code, value.co_names, value.co_varnames, value.co_argcount]
            + [_text(constant, seen) for constant in value.co_consts]
        )
    if isinstance(value, types.ModuleType) and value.__name__.split(".")[0] in _FIXED_MODULES:
        return value.__name__
    if isinstance(value, types.FunctionType) and value not in KNOWN:
        if value in seen:
            return value.__qualname__
        seen.add(value)
        refers = [*_referred(value).items(), ("", _defaults(value))]
        refers += [
            (name, c.cell_contents) for name, c in zip(value.__code__.co_freevars, _cells(value))
        ]
        return repr([_text(value.__code__, seen), [(k, _text(v, seen)) for k, v in refers]])
    if callable(value) and value in KNOWN:
        return f"{getattr(value, '__module__', '')}.{value.__name__}"
    raise _Unknown


def fingerprint(function: Callable | None) -> str:
    """Tells a function from all others by what it does, also in another process.

    Where that cannot be told (it refers to an array, a module of the user's), it is never the same.
    """
    try:
        return hashlib.sha256(_text(function, set()).encode()).hexdigest()
    except _Unknown:
        return uuid.uuid4().hex
