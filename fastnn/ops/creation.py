"""Tensors from nothing (zeros, ones, ranges, identity, one-hot); conversion from and to NumPy."""

from __future__ import annotations

import math
import sys
from operator import index
from typing import Any

import numpy as np

from fastnn import _core, config
from fastnn.dtypes import FLOATS, INTEGERS, is_int, result_type, standardize_dtype
from fastnn.ops.core import (
    Tensor,
    as_tensor,
    cast,
    filled,
    follows_operands,
    like,
    normalize_axis,
)
from fastnn.ops.reduce import amax
from fastnn.ops.shape import broadcast_to, moveaxis, reshape, shape_argument
from fastnn.utils.integers import integer


def convert_to_tensor(x: Any, dtype: Any = None, sparse: Any = None, ragged: Any = None) -> Tensor:
    """x as a Tensor, the same one if it is a Tensor of that dtype already (not if a Variable).

    >>> convert_to_tensor([1.0, 2.0]).dtype
    'float32'
    """
    if sparse or ragged:
        raise ValueError("convert_to_tensor: sparse and ragged tensors are not available")
    x = as_tensor(x, None if dtype is None else standardize_dtype(dtype))
    return x if type(x) is Tensor else reshape(x, x.shape)


def convert_to_numpy(x: Any) -> np.ndarray:
    """x as a NumPy array: a read-only view of a Tensor's elements."""
    return np.asarray(x)


def is_tensor(x: Any) -> bool:
    """Whether x is a Tensor."""
    return isinstance(x, Tensor)


def _extents(operation: str, shape: Any) -> tuple:
    shape = shape_argument(operation, shape)
    if any(extent < 0 for extent in shape):
        raise ValueError(f"{operation}: shape {shape} has a negative extent")
    return shape


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """A tensor of that shape with every element ``fill_value`` (a number or a scalar Tensor)."""
    return _full(shape, fill_value, dtype, None)


def _full(shape: Any, fill_value: Any, dtype: Any, device: str | None) -> Tensor:
    shape = _extents("full", shape)
    dtype = result_type(fill_value) if dtype is None else standardize_dtype(dtype)
    number = isinstance(fill_value, (bool, int, float))
    if number and (fill_value or math.copysign(1, fill_value) > 0):  # `filled` makes 0.0 of -0.0
        return filled(shape, fill_value, dtype, device)
    return broadcast_to(as_tensor(fill_value, dtype, "full: fill_value"), shape)


def zeros(shape: Any, dtype: Any = None) -> Tensor:
    """A tensor of zeros, of floatx unless told.

    >>> zeros((2, 3)).shape
    (2, 3)
    """
    return filled(_extents("zeros", shape), 0, standardize_dtype(dtype))


def ones(shape: Any, dtype: Any = None) -> Tensor:
    """A tensor of ones, of floatx unless told."""
    return filled(_extents("ones", shape), 1, standardize_dtype(dtype))


def empty(shape: Any, dtype: Any = None) -> Tensor:
    """A tensor whose elements are not set."""
    return _core.empty(_extents("empty", shape), standardize_dtype(dtype))


def empty_like(x: Any, dtype: Any = None) -> Tensor:
    """A tensor of x's shape (and dtype unless told) whose elements are not set."""
    x = as_tensor(x, None, "empty_like: x")
    dtype = x.dtype if dtype is None else standardize_dtype(dtype)
    return _core.empty(x.shape, dtype, x.device)


def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """A tensor of x's shape (and dtype unless told) with every element ``fill_value``."""
    x = as_tensor(x, None, "full_like: x")
    return _full(x.shape, fill_value, x.dtype if dtype is None else dtype, x.device)


def zeros_like(x: Any, dtype: Any = None) -> Tensor:
    """Zeros of x's shape and dtype."""
    return full_like(x, 0, dtype)


def ones_like(x: Any, dtype: Any = None) -> Tensor:
    """Ones of x's shape and dtype."""
    return full_like(x, 1, dtype)


_EXACT = 2**52  # of start, stop and step: every i * step is then an integer of a double, too


def _arange_count(start: Any, stop: Any, step: Any, integers: bool) -> int:
    """How many elements arange has: exact for integers."""
    try:
        if integers:
            count = max(-((start - stop) // step), 0)
        elif all(map(math.isfinite, (start, stop, step))):
            count = max(math.ceil((stop - start) / step), 0)
        else:
            count = sys.maxsize
    except (ValueError, OverflowError):  # beyond a double
        count = sys.maxsize
    if count > sys.maxsize // 8:  # bytes of an int64
        raise ValueError(
            f"arange: start {start}, stop {stop} and step {step} make no number of elements "
            "that memory can hold"
        )
    return count


def _wide_arange(start: int, step: int, count: int) -> Tensor:
    """int64 elements that doubles do not hold, modulo 2**64, which drops out of those that fit."""
    first, stride = np.uint64(start % 2**64), np.uint64(step % 2**64)
    return _core.from_numpy((np.arange(count, dtype=np.uint64) * stride + first).view(np.int64))


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Tensor:
    """Numbers from start (0 if there is one argument) to before stop.

    ValueError for a step of 0, NaN or infinity; OverflowError for integers beyond the dtype.

    >>> arange(1, 4).tolist()
    [1, 2, 3]
    """
    if stop is None:
        start, stop = 0, start
    dtype = result_type(start, stop, step) if dtype is None else standardize_dtype(dtype)
    start, stop, step = (x.item() if hasattr(x, "item") else x for x in (start, stop, step))
    if step == 0:
        raise ValueError("arange: step is 0")
    integers = is_int(dtype) and all(isinstance(x, int) for x in (start, stop, step))
    count = _arange_count(start, stop, step, integers)
    if integers and count:
        limits = np.iinfo(dtype)
        for value in (start, start + (count - 1) * step):
            if not limits.min <= value <= limits.max:
                raise OverflowError(f"arange: {value} does not fit {dtype}")
        if max(abs(start), abs(stop), abs(step)) > _EXACT:
            return cast(_wide_arange(start, step, count), dtype)
    return _core.arange(float(start), float(step), count, dtype)


def _spaced(operation: str, function: Any, start: Any, stop: Any, num: Any, **options: Any) -> Any:
    """NumPy's function of that name, on checked arguments."""
    try:
        num = index(num)
    except TypeError:
        raise TypeError(f"{operation}: num must be an integer, got {num!r}") from None
    if num < 0:
        raise ValueError(f"{operation}: num must not be negative, got {num}")
    return function(np.asarray(start), np.asarray(stop), num, **options)


def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """``num`` numbers at equal distances from start to stop; ValueError if it is negative.

    endpoint: whether stop is the last of them   retstep: also returns the distance
    axis: where they lie in the result, if start and stop are arrays

    >>> linspace(0, 1, 3).tolist()
    [0.0, 0.5, 1.0]
    """
    options = {"endpoint": endpoint, "retstep": True, "axis": axis}
    values, step = _spaced("linspace", np.linspace, start, stop, num, **options)
    if standardize_dtype(dtype) in INTEGERS:
        values = np.floor(values)
    numbers = as_tensor(values, standardize_dtype(dtype))
    if not retstep:
        return numbers
    return numbers, as_tensor(step, numbers.dtype if numbers.dtype in FLOATS else config.floatx())


def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: float = 10,
    dtype: Any = None,
    axis: int = 0,
) -> Tensor:
    """``num`` powers of base, whose exponents are at equal distances from start to stop.

    >>> logspace(0, 2, 3).tolist()
    [1.0, 10.0, 100.0]
    """
    options = {"endpoint": endpoint, "base": base, "axis": axis}
    values = _spaced("logspace", np.logspace, start, stop, num, **options)
    return as_tensor(values, standardize_dtype(dtype))


def geomspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Tensor:
    """``num`` numbers from start to stop, each the same multiple of the one before.

    >>> geomspace(1, 8, 4).tolist()
    [1.0, 2.0, 4.0, 8.0]
    """
    options = {"endpoint": endpoint, "axis": axis}
    values = _spaced("geomspace", np.geomspace, start, stop, num, **options)
    return as_tensor(values, standardize_dtype(dtype))


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """Ones on diagonal k of an N by M matrix, zeros elsewhere."""
    N = integer("eye: N", N)
    columns = N if M is None else integer("eye: M", M)
    labels = _core.arange(float(k), 1.0, N, "int64")
    return _core.one_hot(labels, columns, 1.0, 0.0, standardize_dtype(dtype))


def identity(n: int, dtype: Any = None) -> Tensor:
    """The identity matrix."""
    return eye(n, dtype=dtype)


@follows_operands
def one_hot(
    x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Tensor:
    """A new axis with 1 at the position that x names; labels out of range, and NaN, give zeros.

    x: integers; floats lose their fraction   result: x.shape with ``num_classes`` at ``axis``

    >>> one_hot([1, 0], 3).tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    if sparse:
        raise ValueError("one_hot: sparse tensors are not available")
    x = as_tensor(x, None, "one_hot: x")
    if x.dtype in FLOATS:
        x = _core.select(_core.unary(x, "isnan"), like(x, -1), x)
    if x.dtype not in ("int32", "int64"):
        x = cast(x, "int64")
    y = _core.one_hot(x, num_classes, 1.0, 0.0, standardize_dtype(dtype))
    axis = normalize_axis("one_hot", axis, y.ndim)
    return y if axis == y.ndim - 1 else moveaxis(y, -1, axis)


@follows_operands
def multi_hot(
    inputs: Any,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: Any = None,
    sparse: bool = False,
) -> Tensor:
    """1 at every position that a row of ``inputs`` names."""
    if sparse:
        raise ValueError("multi_hot: sparse tensors are not available")
    if num_classes is None:
        raise ValueError("multi_hot: num_classes must be given")
    rows = one_hot(inputs, num_classes, dtype=dtype)
    y = amax(rows, axis=-2) if rows.ndim > 1 else rows
    return y if axis in (-1, y.ndim - 1) else moveaxis(y, -1, axis)
