"""elementwise: functions that users wrote, compiled as they are and differentiated by Numbers."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from numba.core import types
from numba.core.errors import NumbaError

from fastnn.backends.jit.functions import FUNCTIONS, UserFunction

from . import rules  # noqa: F401 (makes operators and names known)
from .compile import ELEMENTS, compiled
from .loops import elementwise as loop
from .numbers import PLAIN, NumberType, lifted, partial, value, variable
from .program import Operand, Stage
from .compile_errors import reason, words
from .user_code import compilable, fingerprint

_ELEMENT = "variable(x{i}, {partials}, {place})"


def _constants(user: UserFunction) -> list[str]:
    return [f"c{i}" if c is None else repr(c) for i, c in enumerate(user.constants)]


def _types(user: UserFunction, dtype: str, partials: int) -> tuple[Any, ...]:
    number = NumberType(ELEMENTS[dtype], partials)
    kinds = {None: types.float64, bool: types.boolean, int: types.int64}
    fixed = [kinds[c if c is None else type(c)] for c in user.constants]
    return (*[number] * user.operands, *fixed)


def _returned(user: UserFunction, function: Any, arguments: tuple) -> Any:
    """Compiles a user's function; what it returns."""
    dispatcher = compilable(function, user.name)
    try:
        dispatcher.compile(arguments)
    except NumbaError as error:
        raise TypeError(reason(user.name, error)) from error
    return dispatcher.overloads[arguments].signature.return_type


def _check_number(user: UserFunction, returned: Any) -> None:
    if not isinstance(returned, (NumberType, *PLAIN)):
        raise TypeError(f"{user.name}: must return one number for each element, returns {words(returned)}")


def _value_source(user: UserFunction, dtype: str) -> str:
    arguments = _types(user, dtype, 0)
    _check_number(user, _returned(user, user.function, arguments))
    elements = [_ELEMENT.format(i=i, partials=0, place=-1) for i in range(user.operands)]
    call = f"function({', '.join([*elements, *_constants(user)])})"
    return f"return value(lifted({call}, {elements[0]}))"


def _derived_source(user: UserFunction, dtype: str, wanted: Sequence[int]) -> str:
    n = len(wanted)
    arguments = _types(user, dtype, n)
    _check_number(user, _returned(user, user.function, arguments))
    elements = [
        _ELEMENT.format(i=i, partials=n, place=wanted.index(i) if i in wanted else -1)
        for i in range(user.operands)
    ]
    call = f"function({', '.join([*elements, *_constants(user)])})"
    results = ", ".join(f"dy * partial(y, {i})" for i in range(n))
    return f"y = lifted({call}, {elements[0]})\n    return {results}"


def _given_source(user: UserFunction, dtype: str, wanted: Sequence[int]) -> str:
    returned = _returned(user, user.gradient, _types(user, dtype, 0))
    several = isinstance(returned, types.BaseTuple)
    parts = list(returned) if several else [returned]
    if len(parts) != user.operands or not all(isinstance(p, (NumberType, *PLAIN)) for p in parts):
        raise TypeError(
            f"{user.name}: gradient must return {user.operands} "
            f"number{'s, a tuple' if user.operands > 1 else ''}, returns {words(returned)}"
        )
    elements = [_ELEMENT.format(i=i, partials=0, place=-1) for i in range(user.operands)]
    call = f"gradient({', '.join([*elements, *_constants(user)])})"
    results = ", ".join(
        f"dy * value(lifted(y{f'[{i}]' if several else ''}, {elements[0]}))" for i in wanted
    )
    return f"y = {call}\n    return {results}"


@functools.cache
def _scalar_function(number: int, dtype: str) -> tuple[str, Any]:
    """A name for what is compiled, and f(elements, constants) of that type."""
    user = FUNCTIONS[number]
    operands = [f"x{i}" for i in range(user.operands)]
    reals = [f"c{i}" for i, c in enumerate(user.constants) if c is None]
    scope: dict[str, Any] = {
        "variable": variable,
        "lifted": lifted,
        "value": value,
        "partial": partial,
        "function": compilable(user.function, user.name),
        "__name__": __name__,
    }
    if user.wanted is None:
        body = _value_source(user, dtype)
    elif user.gradient is None:
        operands, body = ["dy", *operands], _derived_source(user, dtype, user.wanted)
    else:
        operands, body = ["dy", *operands], _given_source(user, dtype, user.wanted)
        scope["gradient"] = compilable(user.gradient, user.name)
    source = f"def scalar({', '.join([*operands, *reals])}):\n    {body}\n"
    exec(source, scope)
    name = f"{source} {dtype} {fingerprint(user.function)} {fingerprint(user.gradient)}"
    return name, compiled(scope["scalar"])


def elementwise(
    ys: list[Operand], xs: list[Operand], *, function: int, outputs: int, constants: Sequence[float]
) -> list[Stage]:
    """ys = f(*xs), or the gradients of f."""
    name, scalar = _scalar_function(function, xs[0].dtype)
    reals = {f"c{i}": value for i, value in enumerate(constants)}
    return loop(name, scalar, ys, xs, reals)

