"""Writing at positions: new tensors in which some elements are others'. Also slices by numbers.

Positions are read on the host.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import index
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.ops.comparison import where
from fastnn.ops.core import Tensor, as_tensor, cast, follows_operands, promote
from fastnn.ops.indexing import as_indices, take
from fastnn.ops.joining import concatenate
from fastnn.ops.padding import pad
from fastnn.ops.segments import segment_max, segment_min, segment_prod, segment_sum
from fastnn.ops.shape import reshape, shape_argument


def _places(operation: str, indices: Any, shape: tuple) -> tuple[np.ndarray, int]:
    """The rows that indices [..., depth] name in the first depth axes seen as one; the depth."""
    array = as_indices(indices, f"{operation}: indices").numpy().astype(np.int64)
    depth = array.shape[-1] if array.ndim else 0
    if not 0 < depth <= len(shape):
        raise ValueError(
            f"{operation}: indices have shape {array.shape}, whose last axis must count 1 to "
            f"{len(shape)} axes of shape {shape}"
        )
    extents = np.array(shape[:depth])
    array = array.reshape(-1, depth)
    outside = ((array < -extents) | (array >= extents)).any(-1)
    if outside.any():
        wrong = tuple(array[outside.argmax()].tolist())
        raise IndexError(f"{operation}: index {wrong} is outside shape {tuple(shape[:depth])}")
    array = np.where(array < 0, array + extents, array)
    return np.ravel_multi_index(tuple(array.T), shape[:depth]), depth


def _rows_of(operation: str, name: str, values: Tensor, count: int, rest: tuple) -> Tensor:
    if values.size != count * math.prod(rest):
        raise ValueError(
            f"{operation}: {name} has shape {values.shape}, expected {count} times {rest}"
        )
    return reshape(values, (count, *rest))


def scatter(indices: Any, values: Any, shape: Any) -> Tensor:
    """Zeros of a shape with values added at positions; those of one position add up.

    indices: integers [..., depth], positions along the first ``depth`` axes
    values: [..., rest of shape]
    Raises IndexError for a position outside.

    >>> scatter([[0], [2], [0]], [1.0, 2.0, 3.0], (4,)).tolist()
    [4.0, 0.0, 2.0, 0.0]
    """
    shape = tuple(shape_argument("scatter", shape))
    places, depth = _places("scatter", indices, shape)
    values = as_tensor(values, None, "scatter: values")
    rows = _rows_of("scatter", "values", values, len(places), shape[depth:])
    return reshape(segment_sum(rows, places, math.prod(shape[:depth])), shape)


_REDUCTIONS: dict[str, Callable] = {
    "add": segment_sum,
    "max": segment_max,
    "min": segment_min,
    "mul": segment_prod,
}


def _written(rows: Tensor, places: np.ndarray, updates: Tensor) -> Tensor:
    """rows with others in some places; of several for one place the last counts."""
    winner = np.arange(rows.shape[0])
    winner[places] = rows.shape[0] + np.arange(len(places))
    return take(concatenate([rows, updates], 0), winner, 0)


@follows_operands
def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Tensor:
    """``inputs`` with updates written at positions.

    indices: integers [..., depth], positions along the first ``depth`` axes of inputs
    updates: [..., rest of inputs' shape]
    reduction: None writes (the last update of a position counts); "add", "max", "min" and "mul"
        combine all updates of a position with what is there
    Raises IndexError for a position outside.

    >>> scatter_update([1.0, 2.0, 3.0], [[1], [1]], [5.0, 7.0]).tolist()
    [1.0, 7.0, 3.0]
    """
    if reduction is not None and reduction not in _REDUCTIONS:
        raise ValueError(
            f"scatter_update: reduction is {reduction!r}, expected None, {', '.join(_REDUCTIONS)}"
        )
    inputs = as_tensor(inputs, None, "scatter_update: inputs")
    updates = as_tensor(updates, inputs.dtype, "scatter_update: updates")
    shape = inputs.shape
    places, depth = _places("scatter_update", indices, shape)
    count, rest = math.prod(shape[:depth]), shape[depth:]
    rows = reshape(inputs, (count, *rest))
    updates = _rows_of("scatter_update", "updates", updates, len(places), rest)
    if reduction is None:
        return reshape(_written(rows, places, updates), shape)
    segments = np.concatenate([np.arange(count), places])
    total = _REDUCTIONS[reduction](concatenate([rows, updates], 0), segments, count)
    return cast(reshape(total, shape), inputs.dtype)


def _corner(operation: str, name: str, given: Any, rank: int) -> list:
    numbers = [index(n) for n in np.asarray(given).reshape(-1).tolist()]
    if len(numbers) != rank:
        raise ValueError(f"{operation}: {name} has {len(numbers)} numbers, inputs {rank} axes")
    return numbers


def _window(operation: str, shape: tuple, start: list, extents: list) -> tuple:
    """The slices of a block; ValueError if it is not inside."""
    for axis, (first, count, extent) in enumerate(zip(start, extents, shape)):
        if first < 0 or count < 0 or first + count > extent:
            raise ValueError(
                f"{operation}: {count} positions from {first} on are not in axis {axis} of extent "
                f"{extent}"
            )
    return tuple(np.s_[first : first + count] for first, count in zip(start, extents))


def slice(inputs: Any, start_indices: Any, shape: Any) -> Tensor:
    """A block of a shape that begins at a position; -1 in the shape: to the end of the axis.

    Raises ValueError for a block that is not wholly inside.

    >>> slice([[1, 2, 3], [4, 5, 6]], (0, 1), (2, 2)).tolist()
    [[2, 3], [5, 6]]
    """
    x = as_tensor(inputs, None, "slice: inputs")
    start = _corner("slice", "start_indices", start_indices, x.ndim)
    wanted = _corner("slice", "shape", shape, x.ndim)
    extents = [n - s if e == -1 else e for e, s, n in zip(wanted, start, x.shape)]
    return x[_window("slice", x.shape, start, extents)]


@follows_operands
def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Tensor:
    """``inputs`` with the block at a position replaced by updates.

    Raises ValueError for a block that is not wholly inside.

    >>> slice_update([0, 0, 0], [1], [7, 8]).tolist()
    [0, 7, 8]
    """
    x = as_tensor(inputs, None, "slice_update: inputs")
    updates = as_tensor(updates, x.dtype, "slice_update: updates")
    start = _corner("slice_update", "start_indices", start_indices, x.ndim)
    if updates.ndim != x.ndim:
        raise ValueError(f"slice_update: updates have shape {updates.shape}, inputs {x.shape}")
    window = _window("slice_update", x.shape, start, list(updates.shape))
    inside = np.zeros(x.shape, bool)
    inside[window] = True
    around = [(a, n - a - count) for a, n, count in zip(start, x.shape, updates.shape)]
    if around:  # else there is no axis to pad
        updates = pad(updates, around)
    return where(_core.from_numpy(inside, x.device), updates, x)


def get_item(x: Any, key: Any) -> Tensor:
    """x[key].

    >>> get_item([1, 2, 3], np.s_[1:]).tolist()
    [2, 3]
    """
    return as_tensor(x, None, "get_item: x")[key]


@follows_operands
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Tensor:
    """Element by element, that of the first of several tensors whose condition is true.

    condlist: conditions   choicelist: as many tensors   default: where none is true

    >>> select([[True, False], [True, True]], [[1, 2], [3, 4]]).tolist()
    [1, 4]
    """
    if len(condlist) != len(choicelist) or not condlist:
        raise ValueError(
            f"select: condlist has {len(condlist)} conditions, choicelist {len(choicelist)} choices"
        )
    *choices, default = promote("select", *choicelist, default)
    for condition, choice in zip(reversed(condlist), reversed(choices)):
        default = where(condition, choice, default)
    return default


@follows_operands
def unravel_index(indices: Any, shape: Any) -> tuple:
    """Positions in the flat tensor as positions along each axis of a shape, int32; int64 along
    axes that need it.

    Negative ones count from the end; others outside raise IndexError.

    >>> [axis.tolist() for axis in unravel_index([3, 5], (2, 3))]
    [[1, 1], [0, 2]]
    """
    shape = tuple(shape_argument("unravel_index", shape))
    flat = as_indices(indices, "unravel_index: indices").numpy().astype(np.int64)
    size = math.prod(shape)
    if size > 2**63 - 1:
        raise OverflowError(f"unravel_index: shape {shape} has more elements than int64 counts")
    outside = (flat < -size) | (flat >= size)
    if outside.any():
        wrong = flat.reshape(-1)[outside.reshape(-1).argmax()]
        raise IndexError(f"unravel_index: index {wrong} is outside shape {shape}")
    flat = np.where(flat < 0, flat + size, flat)
    parts = []
    for extent in reversed(shape):
        flat, part = np.divmod(flat, extent or 1)
        parts.append(as_tensor(part.astype(np.int32 if extent <= 2**31 else np.int64)))
    return tuple(reversed(parts))
