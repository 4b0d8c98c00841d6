"""unary, unary_backward, binary, select, copy: every function of elements by the one loop here."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastnn.backends.jit import operations

from . import mathematics
from .arrays import Strided, contiguous_strides, flat
from .cuda import compiled, cuda, kernel, launch

_double = np.float64
_BITS = {"int32": 32, "int64": 64, "uint8": 8, "bool": 8}
# Rounded once in either precision, so that float32 need not become float64.
_EXACT = {
    *("linear", "neg", "abs", "sign", "square", "sqrt", "relu", "hard_tanh", "logical_not"),
    *("floor", "ceil", "round", "isfinite", "isnan", "add", "sub", "mul", "div"),
    *("maximum", "minimum", "equal", "not_equal", "less", "less_equal"),
    *("logical_and", "logical_or", "logical_xor"),
}


# ---- The loop ------------------------------------------------------------------------------------


@functools.cache
def _loops(function: Any) -> tuple[Any, Any]:
    """Kernels of y = function(x1, x2, x3, a): for arrays of one layout, and for any."""

    @kernel
    def straight(y, x1, x2, x3, n, a):
        for i in range(cuda.grid(1), n, cuda.gridsize(1)):
            y[i] = function(x1[i], x2[i], x3[i], a)

    @kernel
    def strided(y, x1, x2, x3, n, a, shape, strides1, strides2, strides3, first1, first2, first3):
        for i in range(cuda.grid(1), n, cuda.gridsize(1)):
            rest, at1, at2, at3 = i, first1, first2, first3
            for axis in range(len(shape) - 1, -1, -1):
                place = rest % shape[axis]
                rest //= shape[axis]
                at1 += place * strides1[axis]
                at2 += place * strides2[axis]
                at3 += place * strides3[axis]
            y[i] = function(x1[at1], x2[at2], x3[at3], a)

    return straight, strided


def _broadcast(x: Any, shape: tuple[int, ...]) -> Strided:
    if not isinstance(x, Strided):
        x = Strided(flat(x), 0, tuple(x.shape), contiguous_strides(x.shape))
    strides = [0 if extent == 1 else step for extent, step in zip(x.shape, x.strides)]
    return Strided(x.base, x.offset, shape, (0,) * (len(shape) - len(strides)) + tuple(strides))


def _merged(shape: tuple[int, ...], strides: list[tuple[int, ...]]) -> tuple[list, list]:
    """Shape and strides without axes of extent 1, axes that continue each other as one."""
    extents: list[int] = []
    steps: list[tuple[int, ...]] = []
    for extent, step in zip(shape, zip(*strides)):
        if extent == 1:
            continue
        if extents and all(outer == extent * inner for outer, inner in zip(steps[-1], step)):
            extents[-1] *= extent
            steps[-1] = step
        else:
            extents.append(extent)
            steps.append(step)
    return extents, steps


def apply(function: Any, y: Any, inputs: Sequence[Any], a: float = 0.0) -> None:
    """y = function(x1, x2, x3, a) of up to three inputs, arrays or Strided, broadcast to y.

    A function of fewer inputs gets the first again. ``function`` is compiled once: it should be the
    same object every time.
    """
    shape = tuple(y.shape)
    given = [*inputs, *[inputs[0]] * (3 - len(inputs))]
    operands = [_broadcast(x, shape) for x in given]
    extents, steps = _merged(shape, [x.strides for x in operands])
    straight, strided = _loops(function)
    bases = [x.base for x in operands]
    offsets = [x.offset for x in operands]
    if not any(offsets) and all(step == (1, 1, 1) for step in steps) and len(steps) < 2:
        launch(straight, y.size, flat(y), *bases, y.size, a)
    else:
        strides = list(zip(*steps)) if steps else [(0,)] * 3
        extents_ = tuple(extents) or (1,)
        launch(strided, y.size, flat(y), *bases, y.size, a, extents_, *strides, *offsets)


# ---- The primitives ------------------------------------------------------------------------------


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


@functools.cache
def unary_function(op: str, dtype: str) -> Any:
    """f(x, a) of an element of that type, compiled; its result may be wider."""
    if dtype == "float32" and op in _FLOAT32:
        return compiled(_FLOAT32[op])
    function, convert = compiled(_tables(dtype)["unary"][op]), _converter(op, dtype)
    return compiled(lambda x, a: function(convert(x), a))


@functools.cache
def slope_function(op: str) -> Any:
    """f'(value, a), compiled, in float64."""
    slope = compiled(_tables("float64")["derivative"][op])
    return compiled(lambda value, a: slope(_double(value), a))


@functools.cache
def _unary(op: str, dtype: str) -> Any:
    function = unary_function(op, dtype)
    return compiled(lambda x1, x2, x3, a: function(x1, a))


@functools.cache
def _unary_backward(op: str) -> Any:
    slope = slope_function(op)
    return compiled(lambda dy, value, x3, a: _double(dy) * slope(value, a))


@functools.cache
def _binary(op: str, dtype: str) -> Any:
    function, convert = compiled(_tables(dtype)["binary"][op]), _converter(op, dtype)
    return compiled(lambda x1, x2, x3, a: function(convert(x1), convert(x2)))


def unary(y: Any, x: Any, *, op: str, a: float = 0.0, b: float = 0.0) -> None:
    """y = f(x)."""
    apply(_unary(op, str(x.dtype)), y, [x], a)


def unary_backward(
    dx: Any, dy: Any, value: Any, *, op: str, a: float = 0.0, b: float = 0.0
) -> None:
    """dx = dy * f'(value)."""
    apply(_unary_backward(op), dx, [dy, value], a)


def binary(y: Any, x1: Any, x2: Any, *, op: str) -> None:
    """y = f(x1, x2), broadcast."""
    apply(_binary(op, str(x1.dtype)), y, [x1, x2])


_choose = compiled(lambda mask, x1, x2, a: x1 if mask != 0 else x2)


def select(y: Any, mask: Any, a: Any, b: Any) -> None:
    """y = a where mask, else b."""
    apply(_choose, y, [mask, a, b])


@functools.cache
def cast_function(source: str, target: str) -> Any:
    if target == "bool":
        return compiled(lambda x1, x2, x3, a: x1 != 0)
    if source == target and not target.startswith("float"):
        return compiled(lambda x1, x2, x3, a: x1)
    if target.startswith("float"):
        convert = np.dtype(target).type
        return compiled(lambda x1, x2, x3, a: convert(x1) * convert(a))
    return compiled(lambda x1, x2, x3, a: np.int64(x1))


def copy(y: Any, x: Any, *, dtype: str, scale: float = 1.0) -> None:
    """y = x (an array or Strided) in the dtype of y, multiplied by scale if that is a float."""
    source = x.base if isinstance(x, Strided) else x
    apply(cast_function(str(source.dtype), dtype), y, [x], scale)


FUNCTIONS = {f.__name__: f for f in (unary, unary_backward, binary, select, copy)}
