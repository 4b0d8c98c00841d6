"""Counting and looking up values: histograms, members, which are the same.

All but the weights of `bincount` is computed on the host by NumPy.
"""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from fastnn.ops.core import (
    Tensor,
    as_float,
    as_tensor,
    check_devices,
    follows_operands,
    normalize_axis,
    promote,
)
from fastnn.ops.indexing import as_indices
from fastnn.ops.segments import segment_sum
from fastnn.ops.shape import ravel, reshape


@follows_operands
def bincount(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Tensor:
    """How often each of the integers 0, 1, ... comes in x.

    x: integers [n], or [batch, n]: each row is counted by itself
    weights: x's shape; then their sums, of their dtype. Differentiable.
    minlength: the least number of counts
    result: int32 [counts] or [batch, counts], with a count for the largest integer at least

    >>> bincount([1, 1, 3]).tolist()
    [0, 2, 0, 1]
    """
    if sparse:
        raise ValueError("bincount: sparse tensors are not available")
    values = as_indices(x, "bincount: x").numpy().astype(np.int64)
    if values.ndim not in (1, 2):
        raise ValueError(f"bincount: x has shape {values.shape}, expected one or two axes")
    if values.min(initial=0) < 0:
        raise ValueError(f"bincount: x holds {values.min()}, expected no negative integers")
    if weights is not None:
        weights = as_tensor(weights, None, "bincount: weights")
        if weights.shape != values.shape:
            raise ValueError(f"bincount: weights have shape {weights.shape}, x {values.shape}")
    length = max(int(values.max(initial=-1)) + 1, index(minlength))
    rows = values.shape[0] if values.ndim == 2 else 1
    places = (values.reshape(rows, -1) + length * np.arange(rows)[:, None]).reshape(-1)
    shape = (*values.shape[:-1], length)
    if weights is None:
        counts = np.bincount(places, minlength=rows * length)
        return as_tensor(counts.astype(np.int32).reshape(shape))
    return reshape(segment_sum(ravel(weights), places, rows * length), shape)


@follows_operands
def histogram(x: Any, bins: Any = 10, range: Any = None) -> tuple[Tensor, Tensor]:
    """How many elements lie in each of ``bins`` intervals, and the intervals' ends.

    bins: a number of intervals of one width   range: (least, largest), that of x if None
    Other elements are not counted; the last interval has its right end.

    >>> counts, edges = histogram([1.0, 2.0, 2.5], bins=2, range=(1.0, 3.0))
    >>> counts.tolist(), edges.tolist()
    ([1.0, 2.0], [1.0, 2.0, 3.0])
    """
    x = as_float(x, "histogram: x")
    if index(bins) <= 0:
        raise ValueError(f"histogram: bins must be positive, got {bins}")
    if range is not None and not (len(range) == 2 and range[0] <= range[1]):
        raise ValueError(f"histogram: range must be (least, largest), got {range!r}")
    try:
        counts, edges = np.histogram(x.numpy(), bins=index(bins), range=range)
    except ValueError as error:  # NaN or infinity in x
        raise ValueError(f"histogram: x: {error}") from None
    return as_tensor(counts.astype(x.dtype)), as_tensor(edges.astype(x.dtype))


@follows_operands
def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each element of x1 is one of x2 (invert: is none of them).

    assume_unique: whether no value comes twice in x1 or in x2; makes no difference

    >>> isin([1, 2, 3], [2, 5]).tolist()
    [False, True, False]
    """
    x1, x2 = promote("isin", x1, x2)
    check_devices("isin", x1=x1, x2=x2)
    return as_tensor(np.isin(x1.numpy(), x2.numpy(), invert=invert))


@follows_operands
def nonzero(x: Any) -> tuple:
    """The positions of elements that are not zero: a Tensor of int64 for each axis.

    >>> [axis.tolist() for axis in nonzero([[0, 5], [7, 0]])]
    [[0, 1], [1, 0]]
    """
    x = as_tensor(x, None, "nonzero: x")
    return tuple(as_tensor(part) for part in np.atleast_1d(x.numpy()).nonzero())


@follows_operands
def unique(
    x: Any,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """The different elements of x, ascending, or its different slices along an axis.

    sorted: makes no difference; they always are
    return_index, return_inverse, return_counts: also where each comes first, which one each element
        of x is (of x's shape; along an axis one number a slice), and how often each comes: int32
    size: how many the result has: the rest is left out, or is fill_value (the least if None)

    >>> unique([3, 1, 3]).tolist()
    [1, 3]
    """
    x = as_tensor(x, None, "unique: x")
    if axis is not None:
        axis = normalize_axis("unique", axis, x.ndim)
    if size is not None and index(size) < 0:
        raise ValueError(f"unique: size is {size}, expected at least 0")
    values, first, inverse, counts = np.unique(
        x.numpy(), return_index=True, return_inverse=True, return_counts=True, axis=axis
    )
    inverse = inverse.reshape(x.shape if axis is None else -1)
    if size is not None:
        along = 0 if axis is None else axis
        missing = index(size) - values.shape[along]
        values = np.take(values, np.arange(min(values.shape[along], size)), along)
        first, counts = first[:size], counts[:size]
        if missing > 0:
            if not len(first):
                raise ValueError(f"unique: x has no elements to fill size {size} with")
            least = np.take(values, [0] * missing, along)
            more = least if fill_value is None else np.full_like(least, fill_value)
            values = np.concatenate([values, more], along)
            first = np.pad(first, (0, missing), constant_values=first[0])
            counts = np.pad(counts, (0, missing))
    results = [as_tensor(values)]
    for wanted, part in (
        (return_index, first),
        (return_inverse, inverse),
        (return_counts, counts),
    ):
        if wanted:
            results.append(as_tensor(part.astype(np.int32)))
    return results[0] if len(results) == 1 else tuple(results)
