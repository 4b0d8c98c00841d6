"""elementwise: functions that users wrote, compiled as they are and differentiated by Numbers."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from numba.core import config

from fastnn.backends.jit.functions import FUNCTIONS, UserFunction

from . import rules  # noqa: F401 (makes operators and names known)
from .compile import compiled
from .compile_errors import reason
from .effects import Effect, PureTile
from .loops import elementwise as loop
from .numbers import partial, returned, returned_part, value, variable
from .program import Operand, Stage
from .user_code import compilable
from .user_syntax import place

_SCOPE: dict[str, Any] = {
    "partial": partial,
    "returned": returned,
    "returned_part": returned_part,
    "value": value,
    "variable": variable,
    "__name__": __name__,
}


def _call(user: UserFunction, function: str, wanted: Sequence[int]) -> str:
    """A call with the elements as Numbers; the wanted ones are the variables."""
    places = [wanted.index(i) if i in wanted else -1 for i in range(user.operands)]
    elements = [f"variable(x{i}, {len(wanted)}, {place})" for i, place in enumerate(places)]
    constants = [f"c{i}" if c is None else repr(c) for i, c in enumerate(user.constants)]
    return f"{function}({', '.join([*elements, *constants])})"


def _source(user: UserFunction) -> str:
    operands = [f"x{i}" for i in range(user.operands)]
    reals = [f"c{i}" for i, c in enumerate(user.constants) if c is None]
    if user.wanted is None:
        call = _call(user, "function", ())
        results = [f"value(returned({call}, variable(x0, 0, -1)))"]
    elif user.gradient is None:
        n = len(user.wanted)
        call = f"returned({_call(user, 'function', user.wanted)}, variable(x0, {n}, -1))"
        results = [f"dy * partial(y, {i})" for i in range(n)]
    else:
        call = _call(user, "gradient", ())
        parts = [
            f"returned_part(y, variable(x0, 0, -1), {i}, {user.operands})" for i in user.wanted
        ]
        results = [f"dy * value({part})" for part in parts]
    if user.wanted is None:
        body = f"return {results[0]}"
    else:
        operands = ["dy", *operands]
        body = f"y = {call}\n    return {', '.join(results)}"
    return f"def scalar({', '.join([*operands, *reals])}):\n    {body}\n"


@functools.cache
def scalar_function(number: int) -> tuple[str, Any]:
    """A name for what is compiled, and f(elements, constants) of the processor or a GPU.

    The name is "" if nothing tells it from others.
    """
    user = FUNCTIONS[number]
    given = {"function": user.function, "gradient": user.gradient}
    built = {key: compilable(f, user.name) for key, f in given.items() if f is not None}
    scope = _SCOPE | {key: one.function for key, one in built.items()}
    source = _source(user)
    exec(source, scope)
    fingerprints = [one.fingerprint for one in built.values()]
    name = "" if None in fingerprints else f"{source} {fingerprints}"
    return name, compiled(scope["scalar"])


def elementwise(
    ys: list[Operand], xs: list[Operand], *, function: int, outputs: int, constants: Sequence[float]
) -> list[Stage]:
    """ys = f(*xs), or the gradients of f."""
    user = FUNCTIONS[function]
    where = place(user.function)
    if config.DISABLE_JIT:
        raise RuntimeError(f"{user.name}: needs Numba's compiler; NUMBA_DISABLE_JIT turns it off")
    name, scalar = scalar_function(function)
    stages = loop(name, scalar, ys, xs, {f"c{i}": c for i, c in enumerate(constants)})
    try:
        for stage in stages:
            stage.kernel.tile = PureTile
            stage.address()
    except Effect as effect:
        raise TypeError(
            f"{user.name}: {effect} ({where}), which a function of elements cannot do"
        ) from None
    except Exception as error:  # Numba's own, and others where it did not expect such a function
        raise TypeError(reason(user.name, error, where)) from error
    return stages
