"""Reductions that leave NaN out. ``axis`` and ``keepdims`` are those of the reductions."""

from __future__ import annotations

from typing import Any

from fastnn.ops.arithmetic import divide, subtract
from fastnn.ops.comparison import equal, where
from fastnn.ops.core import Tensor, as_float, as_tensor, cast, follows_operands
from fastnn.ops.cumulative import cumprod, cumsum
from fastnn.ops.elementwise import square
from fastnn.ops.reduce import any as _any
from fastnn.ops.reduce import argmax, argmin, prod, root_of_spread
from fastnn.ops.reduce import max as _max
from fastnn.ops.reduce import min as _min
from fastnn.ops.reduce import sum as _sum

_INFINITY = float("inf")


def _replaced(operation: str, x: Any, value: float) -> tuple[Tensor, Tensor | None]:
    """x with `value` in the place of NaN, and where it is a number; None: everywhere."""
    x = as_tensor(x, None, f"{operation}: x")
    if not x.dtype.startswith("float"):
        return x, None
    numbers = equal(x, x)
    return where(numbers, x, value), numbers


@follows_operands
def nansum(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The sum of what is not NaN.

    >>> nansum([1.0, float("nan"), 2.0]).item()
    3.0
    """
    return _sum(_replaced("nansum", x, 0.0)[0], axis, keepdims)


@follows_operands
def nanprod(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The product of what is not NaN."""
    return prod(_replaced("nanprod", x, 1.0)[0], axis, keepdims)


def nancumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """`cumsum` with 0 in the place of NaN."""
    return cumsum(_replaced("nancumsum", x, 0.0)[0], axis, dtype)


def nancumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """`cumprod` with 1 in the place of NaN."""
    return cumprod(_replaced("nancumprod", x, 1.0)[0], axis, dtype)


@follows_operands
def nanmean(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The mean of what is not NaN; NaN of nothing else.

    >>> nanmean([1.0, float("nan"), 2.0]).item()
    1.5
    """
    x, numbers = _replaced("nanmean", as_float(x, "nanmean: x"), 0.0)
    return divide(_sum(x, axis, keepdims), _sum(cast(numbers, x.dtype), axis, keepdims))


@follows_operands
def nanvar(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The variance of what is not NaN; NaN of nothing else."""
    x = as_float(x, "nanvar: x")
    numbers = equal(x, x)
    # NaN goes out before the square, whose slope would be NaN too; that of infinity stays.
    distances = where(numbers, subtract(where(numbers, x, 0.0), nanmean(x, axis, True)), 0.0)
    count = _sum(cast(numbers, x.dtype), axis, keepdims)
    return divide(_sum(square(distances), axis, keepdims), count)


@follows_operands
def nanstd(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The square root of `nanvar`."""
    return root_of_spread(nanvar(x, axis, keepdims))


def _extreme(operation: str, reduce: Any, worst: float, x: Any, axis: Any, keepdims: bool) -> Any:
    x, numbers = _replaced(operation, x, worst)
    y = reduce(x, axis, keepdims)
    return y if numbers is None else where(_any(numbers, axis, keepdims), y, float("nan"))


@follows_operands
def nanmax(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The largest of what is not NaN; NaN of nothing else.

    >>> nanmax([1.0, float("nan"), 2.0]).item()
    2.0
    """
    return _extreme("nanmax", _max, -_INFINITY, x, axis, keepdims)


@follows_operands
def nanmin(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The smallest of what is not NaN; NaN of nothing else."""
    return _extreme("nanmin", _min, _INFINITY, x, axis, keepdims)


def _arg_extreme(operation: str, find: Any, worst: float, x: Any, axis: Any, keepdims: bool) -> Any:
    replaced, numbers = _replaced(operation, x, worst)
    y = find(replaced, axis, keepdims)
    if numbers is None:
        return y
    # Where nothing is better than what took NaN's place, the first number has won.
    best = (_max if worst < 0 else _min)(replaced, axis, keepdims)
    first = argmax(cast(numbers, "uint8"), axis, keepdims)
    return where(_any(numbers, axis, keepdims), where(equal(best, worst), first, y), -1)


@follows_operands
def nanargmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """`argmax` of what is not NaN; -1 of nothing else.

    >>> nanargmax([1.0, float("nan"), 2.0]).item()
    2
    """
    return _arg_extreme("nanargmax", argmax, -_INFINITY, x, axis, keepdims)


@follows_operands
def nanargmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """`argmin` of what is not NaN; -1 of nothing else."""
    return _arg_extreme("nanargmin", argmin, _INFINITY, x, axis, keepdims)
