"""Quantiles: elements of the sorted x, and what lies between them.

Hyndman and Fan, "Sample quantiles in statistical packages" (1996), type 7. Over NaN the result is
NaN, but for functions whose names begin with nan, which leave NaN out. ``axis`` is None (all), an
integer or several.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.ops.arithmetic import maximum
from fastnn.ops.comparison import equal, where
from fastnn.ops.core import Tensor, as_float, filled, follows_operands, normalize_axes
from fastnn.ops.elementwise import ceil, floor, round
from fastnn.ops.indexing import take_along_axis
from fastnn.ops.order import sort
from fastnn.ops.reduce import sum as _sum
from fastnn.ops.shape import reshape, transpose

_METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


def _fractions(operation: str, q: Any, whole: float) -> Tensor:
    """q, of numbers from 0 to `whole`, as fractions: float64, 0-d or 1-d."""
    q = np.asarray(q, np.float64)
    if q.ndim > 1:
        raise ValueError(f"{operation}: q has shape {q.shape}, expected a number or one axis")
    for value in q.reshape(-1).tolist():
        if not 0 <= value <= whole:
            raise ValueError(f"{operation}: q must be from 0 to {whole:g}, got {value}")
    return _core.from_numpy(q / whole)


def _between(rows: Tensor, position: Tensor, method: str) -> Tensor:
    """The sorted rows [r, n] at fractional positions [r, q]."""
    if method == "nearest":
        position = round(position)
    low = ceil(position) if method == "higher" else floor(position)
    below = take_along_axis(rows, _core.copy(low, "int64"), axis=1)
    if method not in ("linear", "midpoint"):
        return below
    above = take_along_axis(rows, _core.copy(ceil(position), "int64"), axis=1)
    share = 0.5 if method == "midpoint" else _core.copy(position - low, rows.dtype)
    # Nothing lies between equal ones, be they infinite.
    same = equal(below, above)
    # Each has its share: their difference may be too large for a number.
    apart = [where(same, 0.0, side) for side in (below, above)]
    return where(same, below, apart[0] * (1.0 - share) + apart[1] * share)


def _quantile(
    operation: str,
    x: Any,
    fractions: Tensor,
    axis: Any,
    method: str,
    keepdims: bool,
    skip: bool = False,
) -> Tensor:
    """`skip`: leave NaN out."""
    x = as_float(x, f"{operation}: x")
    axes = normalize_axes(operation, axis, x.ndim)
    if method not in _METHODS:
        raise ValueError(f"{operation}: method is {method!r}, expected one of {_METHODS}")
    kept = [i for i in range(x.ndim) if i not in axes]
    shape = [x.shape[i] for i in kept]
    n = math.prod(x.shape[i] for i in axes)
    if n == 0:
        raise ValueError(f"{operation}: no elements over axes {axes} of shape {x.shape}")
    rows = sort(reshape(transpose(x, (*kept, *axes)), (math.prod(shape), n)))
    count = _sum(_core.copy(equal(rows, rows), "float64"), 1, keepdims=True)  # NaN is the last
    last = (
        maximum(count - 1.0, 0.0) if skip else filled(count.shape, n - 1.0, "float64", count.device)
    )
    y = _between(rows, reshape(fractions, (1, -1)) * last, method)
    if not skip:
        y = where(equal(count, n), y, float("nan"))
    if keepdims:
        shape = [1 if i in axes else extent for i, extent in enumerate(x.shape)]
    return reshape(transpose(y), (*fractions.shape, *shape))


@follows_operands
def quantile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """What a share q of the elements over axes lies below.

    Args:
        q: numbers from 0 to 1, one or several; several have an axis of the result, the first.
        method: what counts between two elements: "linear", "lower", "higher", "midpoint" or
            "nearest" (of two as near the one at the even position).

    Raises:
        ValueError: q outside [0, 1] or of two axes, an unknown method, no elements.

    Integers become floatx.

    >>> quantile([1.0, 2.0, 5.0], [0.5, 0.75]).tolist()
    [2.0, 3.5]
    """
    return _quantile("quantile", x, _fractions("quantile", q, 1.0), axis, method, keepdims)


@follows_operands
def percentile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """`quantile` with q in percent.

    >>> percentile([1.0, 2.0, 5.0], 75).item()
    3.5
    """
    return _quantile("percentile", x, _fractions("percentile", q, 100.0), axis, method, keepdims)


@follows_operands
def median(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The element in the middle of the sorted ones, or the mean of the two in the middle.

    >>> median([[1.0, 9.0, 2.0], [4.0, 1.0, 5.0]], axis=1).tolist()
    [2.0, 4.0]
    """
    return _quantile("median", x, _fractions("median", 0.5, 1.0), axis, "linear", keepdims)


@follows_operands
def nanquantile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """`quantile` of what is not NaN; NaN of nothing else.

    >>> nan = float("nan")
    >>> nanquantile([1.0, nan, 2.0, 5.0], [0.5, 0.75]).tolist()
    [2.0, 3.5]
    """
    fractions = _fractions("nanquantile", q, 1.0)
    return _quantile("nanquantile", x, fractions, axis, method, keepdims, True)


@follows_operands
def nanpercentile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """`percentile` of what is not NaN; NaN of nothing else."""
    fractions = _fractions("nanpercentile", q, 100.0)
    return _quantile("nanpercentile", x, fractions, axis, method, keepdims, True)


@follows_operands
def nanmedian(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """`median` of what is not NaN; NaN of nothing else."""
    fractions = _fractions("nanmedian", 0.5, 1.0)
    return _quantile("nanmedian", x, fractions, axis, "linear", keepdims, True)
