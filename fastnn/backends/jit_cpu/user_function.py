"""elementwise: functions that users wrote, compiled as they are and differentiated by Numbers."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from numba.core import config

from fastnn.backends.jit.functions import FUNCTIONS, UserFunction

from . import more_rules, rules  # noqa: F401 (make operators and names known)
from .compile import compiled
from .compile_errors import reason
from .loops import elementwise as loop
from .numbers import partial, returned, returned_part, value, variable
from .program import Operand, Stage
from .user_code import compilable

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
    wanted = user.wanted or ()
    lines, slopes = [], []
    if user.gradient is None or user.wanted is None or user.sloped:
        varying = wanted if user.gradient is None else ()
        call = _call(user, "function", varying)
        lines.append(f"y = returned({call}, variable(x0, {len(varying)}, -1))")
    if user.gradient is None:
        slopes = [f"partial(y, {i})" for i in range(len(wanted))]
    elif wanted:
        lines.append(f"parts = {_call(user, 'gradient', ())}")
        part = "value(returned_part(parts, variable(x0, 0, -1), {}, {}))"
        slopes = [part.format(i, user.operands) for i in wanted]
    if user.wanted is None:
        results = ["value(y)"]
    elif user.sloped:
        results = ["value(y)", *slopes]
    else:
        operands = ["dy", *operands]
        results = [f"dy * {slope}" for slope in slopes]
    body = "\n    ".join([*lines, f"return {', '.join(results)}"])
    return f"def scalar({', '.join([*operands, *reals])}):\n    {body}\n"


@functools.cache
def scalar_function(number: int) -> tuple[str, Any, bool]:
    """A name for what is compiled, f(elements, constants) of the processor or a GPU, and whether it
    has conditions.

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
    return name, compiled(scope["scalar"]), any(one.branches for one in built.values())


def elementwise(
    ys: list[Operand], xs: list[Operand], *, function: int, outputs: int, constants: Sequence[float]
) -> list[Stage]:
    """ys = f(*xs), or gradients or the slope of f; see UserFunction."""
    user = FUNCTIONS[function]
    if config.DISABLE_JIT:
        raise RuntimeError(f"{user.name}: needs Numba's compiler; NUMBA_DISABLE_JIT turns it off")
    name, scalar, branches = scalar_function(function)
    reals = {f"c{i}": c for i, c in enumerate(constants)}
    stages = loop(name, scalar, ys, xs, reals, branches=branches)
    try:
        for stage in stages:
            stage.address()
    except Exception as error:  # Numba's own, which stays the __context__, and others
        raise TypeError(reason(user.name, error, user.function)) from None
    return stages
