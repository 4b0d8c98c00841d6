"""unary, unary_backward, binary, select: every op code by the one loop of loops.py."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn.backends.jit import operations

from . import elementary, error_function, mathematics, trigonometry
from .compile import compiled
from .loops import elementwise
from .power import power
from .program import Array, Operand, Stage

# float32 functions with polynomials of their own; the rest is computed in float64.
_FLOAT32 = {
    "exp": elementary.exp32,
    "expm1": elementary.expm1_32,
    "log": elementary.log32,
    "log1p": elementary.log1p32,
    "sigmoid": elementary.sigmoid32,
    "softplus": elementary.softplus32,
    "sin": trigonometry.sin32,
    "cos": trigonometry.cos32,
    "erf": error_function.erf32,
    "gelu": error_function.gelu32,
    "tanh": elementary.tanh32,
}
# Derivatives of such, f(v, a), which share steps with the functions themselves.
FLOAT32_SLOPES = {
    "erf": error_function.erf_slope32,
    "softplus": compiled(lambda x, a: elementary.sigmoid32(x)),
}
_FLOAT64 = {
    "sigmoid": elementary.sigmoid64,
    "softplus": elementary.softplus64,
    "gelu": error_function.gelu64,
}
_FLOAT64_SLOPES = {"gelu": error_function.gelu_slope64}
_BITS = {"int32": 32, "int64": 64, "uint8": 8, "bool": 8}
_double = np.float64


@functools.cache
def _tables(dtype: str) -> dict[str, dict[str, Callable]]:
    if dtype in _BITS:
        binary = operations.integer_binary(mathematics, _BITS[dtype])
        return {"unary": operations.INTEGER_UNARY, "binary": binary}
    return {
        "unary": operations.unary(mathematics),
        "binary": operations.binary(mathematics),
        "derivative": operations.derivative(mathematics),
    }


@functools.cache
def unary_function(op: str, dtype: str) -> Any:
    """f(x, a) of an element of that type, compiled."""
    own = {"float32": _FLOAT32, "float64": _FLOAT64}.get(dtype, {})
    if op in own:
        function = own[op]
        return compiled(lambda x, a: function(x))
    function = compiled(_tables(dtype)["unary"][op])
    return compiled(lambda x, a: function(_double(x), a)) if dtype == "float32" else function


@functools.cache
def _derivative_function(op: str, dtype: str) -> Any:
    if dtype == "float32" and op in FLOAT32_SLOPES:
        own = FLOAT32_SLOPES[op]
        return compiled(lambda dy, value, a: dy * own(value, a))
    slope = _FLOAT64_SLOPES.get(op) or compiled(_tables("float64")["derivative"][op])
    return compiled(lambda dy, value, a: _double(dy) * slope(_double(value), a))


@functools.cache
def _binary_function(op: str, dtype: str) -> Any:
    if op == "pow" and dtype == "float32":
        return compiled(lambda x1, x2: power(x1, x2))
    function = compiled(_tables(dtype)["binary"][op])
    convert = _double if dtype.startswith("float") else np.int64
    return compiled(lambda x1, x2: function(convert(x1), convert(x2)))


def unary(y: Operand, x: Operand, *, op: str, a: float, b: float) -> list[Stage]:
    """y = f(x)."""
    function = unary_function(op, x.dtype)
    return elementwise(f"unary {op} {x.dtype}", function, y, [x], {"a": a})


def slope_times(dx: Array, dy: Array, value: Array, op: str, a: float) -> list[Stage]:
    """dx = dy * f'(value) for the unary function of that op code."""
    function = _derivative_function(op, dx.dtype)
    return elementwise(f"unary_backward {op}", function, dx, [dy, value], {"a": a})


def unary_backward(
    dx: Operand, dy: Operand, value: Operand, *, op: str, a: float, b: float
) -> list[Stage]:
    """dx = dy * f'(value)."""
    return slope_times(dx, dy, value, op, a)


def binary(y: Operand, x1: Operand, x2: Operand, *, op: str) -> list[Stage]:
    """y = f(x1, x2)."""
    return elementwise(f"binary {op} {x1.dtype}", _binary_function(op, x1.dtype), y, [x1, x2])


_choose = compiled(lambda mask, a, b: a if mask != 0 else b)


def select(y: Operand, mask: Operand, a: Operand, b: Operand) -> list[Stage]:
    """y = a where mask, else b."""
    return elementwise(f"select {a.dtype}", _choose, y, [mask, a, b])


PLANNERS = {f.__name__: f for f in (unary, unary_backward, binary, select)}
