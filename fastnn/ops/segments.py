"""Reductions over groups of rows: each row has the number of the segment it belongs to.

The numbers are read on the host.
"""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.dtypes import FLOATS
from fastnn.ops.core import (
    Tensor,
    as_tensor,
    cast,
    filled,
    follows_operands,
    like,
    record,
    saved_output,
)
from fastnn.ops.indexing import as_indices, take

_binary = _core.binary


def _rows(operation: str, data: Any, segment_ids: Any, num_segments: Any) -> tuple:
    """The rows, their segments' numbers and how many segments there are.

    Rows of segments that do not exist are left out, as JAX and Keras do.
    """
    data = as_tensor(data, None, f"{operation}: data")
    ids = as_indices(segment_ids, f"{operation}: segment_ids").numpy().astype(np.int64)
    if data.ndim == 0 or ids.shape != data.shape[:1]:
        raise ValueError(
            f"{operation}: segment_ids has shape {ids.shape}, expected one a row of data, which "
            f"has shape {data.shape}"
        )
    count = int(ids.max(initial=-1)) + 1 if num_segments is None else index(num_segments)
    if count < 0:
        raise ValueError(f"{operation}: num_segments must not be negative, got {count}")
    inside = (ids >= 0) & (ids < count)
    if not inside.all():
        data, ids = take(data, np.flatnonzero(inside), 0), ids[inside]
    return data, _core.from_numpy(ids, data.device), count


def _summed(data: Tensor, ids: Tensor, count: int) -> Tensor:
    total = filled((count, *data.shape[1:]), 0, data.dtype, data.device)
    _core.scatter_add(total, data, ids, 0)
    return total


def _spread(x: Tensor, ids: Tensor) -> Tensor:
    """For every row, what its segment has."""
    return _core.gather(x, ids, 0)


def _segment_sum_rule(node: _core.Node, gradient: Any) -> Any:
    return _spread(gradient, node.saved[0])


@follows_operands
def segment_sum(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The sums of rows with the same number: result[i] adds the data[j] of segment_ids[j] == i.

    data: [n, ...]   segment_ids: integers [n]; rows with others than 0 to num_segments - 1 are left
        out   num_segments: the largest number and one more if None
    sorted: whether the numbers ascend; makes no difference
    result: [num_segments, ...], 0 for a segment without rows

    >>> segment_sum([1.0, 2.0, 4.0], [0, 2, 0]).tolist()
    [5.0, 0.0, 2.0]
    """
    data, ids, count = _rows("segment_sum", data, segment_ids, num_segments)
    if data.dtype not in FLOATS:
        total = np.zeros((count, *data.shape[1:]), np.int64)
        np.add.at(total, ids.numpy(), data.numpy())
        dtype = "int32" if data.dtype in ("bool", "uint8") else data.dtype
        return _core.from_numpy(total.astype(dtype), data.device)
    return record(_summed(data, ids, count), _segment_sum_rule, (ids,), data)


def _reduced(function: Any, start: Any, data: Tensor, ids: Tensor, count: int) -> Tensor:
    total = np.full((count, *data.shape[1:]), start, data.dtype)
    function.at(total, ids.numpy(), data.numpy())
    return _core.from_numpy(total, data.device)


def _segment_extreme_rule(node: _core.Node, gradient: Any) -> Any:
    data, y, ids = node.saved
    hits = _core.copy(_binary(data, _spread(y, ids), "equal"), data.dtype)
    share = _spread(_binary(gradient, _summed(hits, ids, y.shape[0]), "div"), ids)
    return _core.select(_core.copy(hits, "bool"), share, like(share, 0))


def _extreme(operation: str, function: Any, sign: int, arguments: tuple) -> Tensor:
    data, ids, count = _rows(operation, *arguments)
    if data.dtype in FLOATS:
        start: Any = sign * float("inf")
    else:
        data = cast(data, "int32") if data.dtype == "bool" else data
        limits = np.iinfo(data.dtype)
        start = limits.max if sign > 0 else limits.min
    y = _reduced(function, start, data, ids, count)
    saved = saved_output(y, data)
    return y if saved is None else record(y, _segment_extreme_rule, (data, *saved, ids), data)


@follows_operands
def segment_max(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The largest of rows with the same number; equal ones share the gradient.

    Arguments as of segment_sum. A segment without rows has the least number of the dtype.

    >>> segment_max([1.0, 2.0, 4.0], [0, 1, 0]).tolist()
    [4.0, 2.0]
    """
    return _extreme("segment_max", np.maximum, -1, (data, segment_ids, num_segments))


@follows_operands
def segment_min(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The smallest of rows with the same number; equal ones share the gradient.

    Arguments as of segment_sum. A segment without rows has the largest number of the dtype.
    """
    return _extreme("segment_min", np.minimum, 1, (data, segment_ids, num_segments))


def _segment_prod_rule(node: _core.Node, gradient: Any) -> Any:
    data, ids, count = node.saved
    zero, one = like(data, 0), like(data, 1)
    at_zero = _binary(data, zero, "equal")
    others = _core.select(at_zero, one, data)
    product = _spread(_reduced(np.multiply, 1, others, ids, count), ids)
    zeros = _spread(_summed(_core.copy(at_zero, data.dtype), ids, count), ids)
    # At a zero the derivative is the product of the others, which counts if there is no second.
    only = _core.select(at_zero, _binary(zeros, one, "equal"), _binary(zeros, zero, "equal"))
    slope = _core.select(only, _binary(product, others, "div"), zero)
    return _binary(_spread(gradient, ids), slope, "mul")


@follows_operands
def segment_prod(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The products of rows with the same number; arguments as of segment_sum.

    >>> segment_prod([3.0, 2.0, 4.0], [0, 1, 0]).tolist()
    [12.0, 2.0]
    """
    data, ids, count = _rows("segment_prod", data, segment_ids, num_segments)
    if data.dtype in ("bool", "uint8"):
        data = cast(data, "int32")
    y = _reduced(np.multiply, 1, data, ids, count)
    return record(y, _segment_prod_rule, (data, ids, count), data)
