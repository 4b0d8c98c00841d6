"""What a layer class's ``call`` and ``build`` take.

Signatures are looked at once per class, through code objects: ``inspect`` is slow to import.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Signature(NamedTuple):
    """The parameters of a method without ``self``."""

    names: tuple[str, ...]  # those that may be given by name
    positional: tuple[str, ...]  # those that may be given by position
    defaults: dict[str, Any]
    variadic: bool  # takes *args
    keywords: bool  # takes **kwargs


def signature_of(function: Callable) -> Signature:
    """The parameters of a function whose first one is ``self``."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    code = getattr(function, "__code__", None)
    if code is None:  # written in C, or a callable object
        return Signature((), (), {}, True, True)
    count, keyword_only = code.co_argcount, code.co_kwonlyargcount
    positional = code.co_varnames[1:count]
    names = positional + code.co_varnames[count : count + keyword_only]
    values = function.__defaults__ or ()
    defaults = dict(zip(positional[len(positional) - len(values) :], values))
    defaults.update(function.__kwdefaults__ or {})
    return Signature(
        names, positional, defaults, bool(code.co_flags & 0x04), bool(code.co_flags & 0x08)
    )


def bind(signature: Signature, args: tuple, kwargs: dict) -> dict[str, Any]:
    """The given arguments by parameter name, in the order of the parameters."""
    given = dict(zip(signature.positional, args))
    given.update(kwargs)
    return {name: given[name] for name in signature.names if name in given} | {
        name: value for name, value in kwargs.items() if name not in signature.names
    }


def first_argument(signature: Signature, args: tuple, kwargs: dict) -> Any:
    """The input of a call: its first argument, by position or by name."""
    if args:
        return args[0]
    return next(iter(bind(signature, args, kwargs).values()), None)
