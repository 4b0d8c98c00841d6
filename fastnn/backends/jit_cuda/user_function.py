"""elementwise: functions that users wrote, the same ones as on the CPU.

Numba compiles what jit_cpu makes of them for a GPU as it is: numbers that carry their derivatives,
polynomials and all.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numba

from . import loops
from .cuda import simulated


@functools.cache
def _checked(number: int, dtypes: tuple[str, ...], results: int, constants: int) -> Any:
    """The function of elements; TypeError for what the CPU refuses: no GPU can raise either."""
    # Teaches Numba a type and the names of fastnn.ops: only where it is used.
    from fastnn.backends.jit_cpu import user_function
    from fastnn.backends.jit_cpu.program import Operand

    ys = [Operand(i, (1,), dtypes[0]) for i in range(results)]
    xs = [Operand(results + i, (1,), dtype) for i, dtype in enumerate(dtypes)]
    given = (0.0,) * constants
    user_function.elementwise(ys, xs, function=number, outputs=results, constants=given)
    return user_function.scalar_function(number)[1]


@functools.cache
def _callable_from_python(scalar: Any, types: tuple[Any, ...]) -> Any:
    """The function for the simulator, whose kernels are Python, compiled for the CPU."""
    function = numba.njit(error_model="numpy")(scalar.py_func)
    function.compile(types)
    return function


def elementwise(
    ys: list, xs: list, *, function: int, outputs: int, constants: Sequence[float]
) -> None:
    """ys = f(*xs), or the gradients of f."""
    dtypes = tuple(str(x.dtype) for x in xs)
    scalar = _checked(function, dtypes, len(ys), len(constants))
    if simulated:
        types = [*(numba.from_dtype(x.dtype) for x in xs), *[numba.float64] * len(constants)]
        scalar = _callable_from_python(scalar, tuple(types))
    loops.elementwise(scalar, ys, xs, *constants)


FUNCTIONS = {"elementwise": elementwise}
