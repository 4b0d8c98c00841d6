"""Elements in order: sorted, the largest few, where they belong.

NaN counts as the largest number, equal elements keep their order. Positions are int64.
"""

from __future__ import annotations

import math
from operator import index
from typing import Any

from fastnn import _core
from fastnn.ops.core import (
    Tensor,
    as_float,
    as_tensor,
    constant,
    filled,
    follows_operands,
    normalize_axis,
    promote,
    record,
)
from fastnn.ops.indexing import as_indices, take_along_axis
from fastnn.ops.reduce import sum as _sum
from fastnn.ops.shape import expand_dims, reshape, squeeze

_sort: Any = _core.sort  # (values, positions), those that are wanted


def _sorted_rule(node: _core.Node, gradients: Any) -> Any:
    """Each gradient goes back to where its element came from."""
    shape, indices, axis = node.saved
    gradient = gradients[0] if isinstance(gradients, tuple) else gradients
    outer, inner = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
    rows = _core.arange(0.0, float(shape[axis] * inner), outer, "int64")
    columns = _core.arange(0.0, 1.0, inner, "int64")
    first = _core.binary(_core.reshape(rows, (outer, 1, 1)), columns, "add")
    along = _core.binary(indices, constant(inner, "int64"), "mul")
    count = indices.shape[axis]
    places = _core.binary(_core.reshape(along, (outer, count, inner)), first, "add")
    total = filled((math.prod(shape),), 0, gradient.dtype)
    flat = _core.reshape(gradient, (-1,))
    _core.scatter_add(total, flat, _core.reshape(places, (-1,)), 0)
    return _core.reshape(total, shape)


def _in_order(operation: str, x: Any, axis: Any) -> tuple[Tensor, int]:
    x = as_tensor(x, None, f"{operation}: x")
    if axis is None:
        return reshape(x, (-1,)), 0
    return x, normalize_axis(operation, axis, x.ndim)


def sort(x: Any, axis: int | None = -1, descending: bool = False) -> Tensor:
    """The elements along an axis (None: of the flat x) in order.

    Raises:
        ValueError: an axis that x does not have.

    >>> sort([3, 1, 2]).tolist()
    [1, 2, 3]
    """
    x, axis = _in_order("sort", x, axis)
    if not x.requires_grad:
        return _sort(x, axis, descending, -1, True, False)[0]
    values, indices = _sort(x, axis, descending)
    return record(values, _sorted_rule, (x.shape, indices, axis), x)


def argsort(x: Any, axis: int | None = -1, descending: bool = False) -> Tensor:
    """Where along an axis the elements of the sorted x are.

    >>> argsort([3, 1, 2, 1]).tolist()
    [1, 3, 2, 0]
    """
    x, axis = _in_order("argsort", x, axis)
    return _sort(x, axis, descending, -1, False, True)[1]


def top_k(x: Any, k: int, sorted: bool = True) -> tuple[Tensor, Tensor]:
    """(values, positions) of the k largest elements along the last axis, the largest first.

    x: [..., n]   results: [..., k]. The order is the same without `sorted`.

    Raises:
        ValueError: k is not in 0 to n.

    >>> values, indices = top_k([1.0, 4.0, 2.0, 4.0], 3)
    >>> values.tolist(), indices.tolist()
    ([4.0, 4.0, 2.0], [1, 3, 2])
    """
    x, axis = _in_order("top_k", x, -1)
    k = index(k)
    if not 0 <= k <= x.shape[axis]:
        raise ValueError(
            f"top_k: k is {k}, expected 0 to {x.shape[axis]}, the last axis of x with shape "
            f"{x.shape}"
        )
    values, indices = _sort(x, axis, True, k)
    saved = (x.shape, indices, axis)
    return record(values, _sorted_rule, saved, x), indices


@follows_operands
def in_top_k(targets: Any, predictions: Any, k: int) -> Tensor:
    """Whether fewer than k of the predictions are larger than the one at the target; bool.

    targets: [...] class numbers   predictions: [..., classes]   result: [...]. A target whose
    prediction is NaN is not among the top. IndexError for a target that is no class.

    >>> in_top_k([2, 0], [[0.1, 0.9, 0.8], [0.1, 0.9, 0.8]], k=2).tolist()
    [True, False]
    """
    targets = as_indices(targets, "in_top_k: targets")
    predictions = as_float(predictions, "in_top_k: predictions").detach()
    if targets.shape != predictions.shape[:-1] or not predictions.ndim:
        raise ValueError(
            f"in_top_k: targets have shape {targets.shape}, expected that of predictions, "
            f"{predictions.shape}, without its last axis"
        )
    classes = predictions.shape[-1]
    values = targets.numpy()
    wrong = values[(values < 0) | (values >= classes)]
    if wrong.size:
        raise IndexError(
            f"in_top_k: targets hold {wrong.flat[0]}, expected classes 0 to {classes - 1}"
        )
    own = take_along_axis(predictions, expand_dims(targets, -1), axis=-1)
    larger = _sum(_core.binary(own, predictions, "less"), axis=-1)
    # Nothing is larger than NaN, which is not the largest for that.
    number = squeeze(_core.binary(own, own, "equal"), -1)
    few = _core.binary(larger, constant(index(k), "int32"), "less")
    return _core.binary(few, number, "logical_and")


@follows_operands
def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> Tensor:
    """Where each of the values belongs in a sequence that ascends: how many of it come before.

    sorted_sequence: [n]   values: any shape, as the result. side: whether what is equal comes
    after the value ("left") or before it ("right").

    Raises:
        ValueError: the sequence has not one axis, or `side` is another word.

    >>> searchsorted([1.0, 2.0, 4.0], [2.0, 9.0]).tolist()
    [1, 3]
    """
    if side not in ("left", "right"):
        raise ValueError(f"searchsorted: side is {side!r}, expected 'left' or 'right'")
    edges, values = promote("searchsorted", sorted_sequence, values)
    if edges.ndim != 1:
        raise ValueError(
            f"searchsorted: sorted_sequence has shape {edges.shape}, expected one axis"
        )
    return _core.searchsorted(edges, values, side == "right")


@follows_operands
def digitize(x: Any, bins: Any) -> Tensor:
    """The number of the bin of each x: how many of the ascending `bins` are not above it.

    >>> digitize([0.2, 6.4, 3.0], [0.0, 1.0, 4.0]).tolist()
    [1, 3, 2]
    """
    return searchsorted(bins, x, "right")
