"""unary, unary_backward, binary, select, copy: every op code by the one loop of loops.py."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn.backends.jit import operations
from fastnn.backends.jit.casts import to_integer

from . import mathematics
from .arrays import Strided
from .cuda import compiled
from .loops import elementwise

_double = np.float64
_BITS = {"int32": 32, "int64": 64, "uint8": 8, "bool": 8}
# Rounded once in either precision, so that float32 need not become float64.
_EXACT = {
    *("linear", "neg", "abs", "sign", "square", "sqrt", "relu", "hard_tanh", "logical_not"),
    *("floor", "ceil", "round", "isfinite", "isnan", "add", "sub", "mul", "div"),
    *("maximum", "minimum", "equal", "not_equal", "less", "less_equal"),
    *("logical_and", "logical_or", "logical_xor"),
}


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


_exp, _log, _tanh = mathematics.exp, mathematics.log, mathematics.tanh
# Good to 2 ULP in float32; what is not in these tables is computed in float64.
_FLOAT32: dict[str, Callable] = {
    "exp": lambda x, a: _exp(x),
    "log": lambda x, a: _log(x),
    "tanh": lambda x, a: _tanh(x),
}


def _converter(op: str, dtype: str) -> Callable:
    """What elements become before a table's function gets them."""
    if dtype in _BITS:
        return np.int64
    return np.dtype(dtype).type if op in _EXACT else np.float64


_as_it_is = compiled(lambda x: x)


def _narrow(dtype: str) -> Callable:
    """What becomes of a result: integers that do not fit wrap around."""
    return np.dtype(dtype).type if dtype in ("int32", "uint8") else _as_it_is


@functools.cache
def unary_function(op: str, dtype: str) -> Any:
    """f(x, a) of an element of that type, compiled; its result may be wider."""
    if dtype == "float32" and op in _FLOAT32:
        return compiled(_FLOAT32[op])
    function, convert = compiled(_tables(dtype)["unary"][op]), _converter(op, dtype)
    narrow = _narrow(dtype)
    return compiled(lambda x, a: narrow(function(convert(x), a)))


@functools.cache
def slope_function(op: str) -> Any:
    """f'(value, a), compiled, in float64."""
    slope = compiled(_tables("float64")["derivative"][op])
    return compiled(lambda value, a: slope(_double(value), a))


@functools.cache
def _unary_backward(op: str) -> Any:
    slope = slope_function(op)
    return compiled(lambda dy, value, a: _double(dy) * slope(value, a))


@functools.cache
def _binary(op: str, dtype: str) -> Any:
    function, convert = compiled(_tables(dtype)["binary"][op]), _converter(op, dtype)
    narrow = _narrow(dtype)
    return compiled(lambda x1, x2: narrow(function(convert(x1), convert(x2))))


def unary(y: Any, x: Any, *, op: str, a: float = 0.0, b: float = 0.0) -> None:
    """y = f(x)."""
    elementwise(unary_function(op, str(x.dtype)), [y], [x], a)


def unary_backward(
    dx: Any, dy: Any, value: Any, *, op: str, a: float = 0.0, b: float = 0.0
) -> None:
    """dx = dy * f'(value)."""
    elementwise(_unary_backward(op), [dx], [dy, value], a)


def binary(y: Any, x1: Any, x2: Any, *, op: str) -> None:
    """y = f(x1, x2), broadcast."""
    elementwise(_binary(op, str(x1.dtype)), [y], [x1, x2])


_choose = compiled(lambda mask, x1, x2: x1 if mask != 0 else x2)


def select(y: Any, mask: Any, a: Any, b: Any) -> None:
    """y = a where mask, else b."""
    elementwise(_choose, [y], [mask, a, b])


@functools.cache
def cast_function(source: str, target: str) -> Any:
    """f(x, a): x in another type, times a if that is a float."""
    if target == "bool":
        return compiled(lambda x, a: x != 0)
    if source == target and not target.startswith("float"):
        return compiled(lambda x, a: x)
    if target.startswith("float"):
        convert = np.dtype(target).type
        return compiled(lambda x, a: convert(x) * convert(a))
    if source.startswith("float"):
        return compiled(to_integer(target))
    narrow = np.dtype(target).type
    return compiled(lambda x, a: narrow(np.int64(x)))


def copy(y: Any, x: Any, *, dtype: str, scale: float = 1.0) -> None:
    """y = x (an array or Strided) in the dtype of y, multiplied by scale if that is a float."""
    source = x.base if isinstance(x, Strided) else x
    elementwise(cast_function(str(source.dtype), dtype), [y], [x], scale)


FUNCTIONS = {f.__name__: f for f in (unary, unary_backward, binary, select, copy)}
