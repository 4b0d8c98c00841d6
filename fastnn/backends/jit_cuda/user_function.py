"""elementwise: functions that users wrote, the same ones as on the CPU.

Numba compiles what jit_cpu makes of them for a GPU as it is: numbers that carry their derivatives,
polynomials and all.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numba
from numba.core.errors import NumbaError

from fastnn.backends.jit.functions import FUNCTIONS as USERS

from . import loops
from .cuda import simulated


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
    # Teaches Numba a type and the names of fastnn.ops: only where it is used.
    from fastnn.backends.jit_cpu.compile_errors import reason
    from fastnn.backends.jit_cpu.user_function import scalar_function

    try:
        _, scalar = scalar_function(function)
        if simulated:
            types = [*(numba.from_dtype(x.dtype) for x in xs), *[numba.float64] * len(constants)]
            scalar = _callable_from_python(scalar, tuple(types))
        loops.elementwise(scalar, ys, xs, *constants)
    except NumbaError as error:
        raise TypeError(reason(USERS[function].name, error)) from error


FUNCTIONS = {"elementwise": elementwise}
