"""Operations that move elements without computing with them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from operator import index
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.ops.core import (
    Tensor,
    as_tensor,
    normalize_axes,
    normalize_axis,
    record,
    strides_of,
)

_copy = _core.copy
MOST_AXES = 8
_IN_ORDER = [tuple(range(rank)) for rank in range(MOST_AXES + 1)]


def shape_argument(operation: str, shape: Any) -> tuple:
    try:
        return (index(shape),) if not isinstance(shape, (tuple, list)) else tuple(map(index, shape))
    except TypeError:
        raise TypeError(f"{operation}: shape must be integers, got {shape!r}") from None


# ---- the same elements under another shape -------------------------------------------------------


def reshape_rule(node: _core.Node, gradient: Any) -> Any:
    return _core.reshape(gradient, node.saved)


def reshape(x: Any, newshape: Any) -> Tensor:
    """The same elements, in row-major order, under another shape; one extent may be -1.

    Raises ValueError if the numbers of elements differ.

    >>> reshape([[1, 2], [3, 4]], (-1,)).tolist()
    [1, 2, 3, 4]
    """
    if not isinstance(x, Tensor):
        x = as_tensor(x, None, "reshape: x")
    if type(newshape) is not tuple:
        newshape = shape_argument("reshape", newshape)
    try:
        y = _core.reshape(x, newshape)
    except TypeError:
        raise TypeError(f"reshape: shape must be integers, got {newshape!r}") from None
    return record(y, reshape_rule, x.shape, x) if x.requires_grad else y


def ravel(x: Any) -> Tensor:
    """The elements in one axis."""
    return reshape(x, (-1,))


def expand_dims(x: Any, axis: Any) -> Tensor:
    """A new axis of extent 1 at ``axis``, or one at each of several places of the result.

    >>> expand_dims([1, 2], -1).shape
    (2, 1)
    """
    x = as_tensor(x, None, "expand_dims: x")
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    axes = normalize_axes("expand_dims", axis, x.ndim + count)
    rest = iter(x.shape)
    return reshape(x, tuple(1 if i in axes else next(rest) for i in range(x.ndim + count)))


def squeeze(x: Any, axis: Any = None) -> Tensor:
    """Without the axes of extent 1, or without the given ones.

    >>> squeeze([[1], [2]], -1).shape
    (2,)
    """
    x = as_tensor(x, None, "squeeze: x")
    axes = normalize_axes("squeeze", axis, x.ndim)
    if axis is None:
        axes = tuple(i for i in axes if x.shape[i] == 1)
    for i in axes:
        if x.shape[i] != 1:
            raise ValueError(f"squeeze: axis {i} of shape {x.shape} is not of extent 1")
    return reshape(x, tuple(extent for i, extent in enumerate(x.shape) if i not in axes))


# ---- other orders --------------------------------------------------------------------------------


def permuted(x: Tensor, axes: Sequence[int]) -> Tensor:
    """x with its axes in another order, not recorded."""
    strides = strides_of(x.shape)
    return _copy((x, [x.shape[i] for i in axes], [strides[i] for i in axes], 0), x.dtype)


def transpose_rule(node: _core.Node, gradient: Any) -> Any:
    axes = node.saved
    inverse = [0] * len(axes)
    for i, axis in enumerate(axes):
        inverse[axis] = i
    return permuted(gradient, inverse)


def transpose(x: Any, axes: Any = None) -> Tensor:
    """The axes in another order, reversed if not given.

    >>> transpose([[1, 2], [3, 4]]).tolist()
    [[1, 3], [2, 4]]
    """
    if not isinstance(x, Tensor):
        x = as_tensor(x, None, "transpose: x")
    if axes is None:
        return x.T
    axes = normalize_axes("transpose", tuple(axes) if np.iterable(axes) else axes, x.ndim)
    if len(axes) != x.ndim:
        raise ValueError(f"transpose: axes {axes} are not all of a tensor of {x.ndim} axes")
    if axes == _IN_ORDER[x.ndim] and type(x) is Tensor:
        return x
    y = permuted(x, axes)
    return record(y, transpose_rule, axes, x) if x.requires_grad else y


def moveaxis(x: Any, source: Any, destination: Any) -> Tensor:
    """Axes moved to other places, the others keeping their order."""
    x = as_tensor(x, None, "moveaxis: x")
    source = normalize_axes("moveaxis", source, x.ndim)
    destination = normalize_axes("moveaxis", destination, x.ndim)
    if len(source) != len(destination):
        raise ValueError("moveaxis: source and destination differ in length")
    order = [i for i in range(x.ndim) if i not in source]
    for place, axis in sorted(zip(destination, source)):
        order.insert(place, axis)
    return transpose(x, order)


def swapaxes(x: Any, axis1: Any, axis2: Any) -> Tensor:
    """Two axes exchanged."""
    x = as_tensor(x, None, "swapaxes: x")
    order = list(range(x.ndim))
    first = normalize_axis("swapaxes", axis1, x.ndim)
    second = normalize_axis("swapaxes", axis2, x.ndim)
    order[first], order[second] = second, first
    return transpose(x, order)


def _flipped(x: Tensor, axes: tuple) -> Tensor:
    strides = strides_of(x.shape)
    offset = 0
    for axis in axes:
        offset += max(x.shape[axis] - 1, 0) * strides[axis]
        strides[axis] = -strides[axis]
    return _copy((x, x.shape, strides, offset), x.dtype)


def _flip_rule(node: _core.Node, gradient: Any) -> Any:
    return _flipped(gradient, node.saved)


def flip(x: Any, axis: Any = None) -> Tensor:
    """The order of elements reversed along axes (None: all).

    >>> flip([1, 2, 3]).tolist()
    [3, 2, 1]
    """
    x = as_tensor(x, None, "flip: x")
    axes = normalize_axes("flip", axis, x.ndim)
    return record(_flipped(x, axes), _flip_rule, axes, x)


_LONG = 64  # elements of a row: two copies take less time than one by one


def _rolled(x: Tensor, shifts: tuple, axes: tuple) -> Tensor:
    for shift, axis in zip(shifts, axes):
        extent = x.shape[axis]
        if not extent or not shift % extent:
            continue
        if axis == x.ndim - 1 and extent >= _LONG:
            front = extent - shift % extent
            x = _core.concatenate((_part(x, axis, front, extent), _part(x, axis, 0, front)), axis)
        else:
            order = (np.arange(extent) - shift) % extent
            x = _core.gather(x, _core.from_numpy(order, x.device), axis)
    return x


def _part(x: Tensor, axis: int, start: int, stop: int) -> Tensor:
    """A copy of the elements from start to before stop along an axis."""
    strides = strides_of(x.shape)
    shape = (*x.shape[:axis], stop - start, *x.shape[axis + 1 :])
    return _copy((x, shape, strides, start * strides[axis]), x.dtype)


def _roll_rule(node: _core.Node, gradient: Any) -> Any:
    shifts, axes = node.saved
    return _rolled(gradient, tuple(-shift for shift in shifts), axes)


def roll(x: Any, shift: Any, axis: Any = None) -> Tensor:
    """Elements moved along axes, those that leave at the end coming in at the front.

    >>> roll([1, 2, 3], 1).tolist()
    [3, 1, 2]
    """
    x = as_tensor(x, None, "roll: x")
    if axis is None:
        return reshape(roll(ravel(x), shift, 0), x.shape)
    axes = normalize_axes("roll", axis, x.ndim)
    try:
        shifts = tuple(map(index, shift if isinstance(shift, (tuple, list)) else [shift]))
    except TypeError:
        raise TypeError(f"roll: shift must be integers, got {shift!r}") from None
    if len(shifts) == 1:
        shifts *= len(axes)
    if len(shifts) != len(axes):
        raise ValueError(f"roll: {len(shifts)} shifts for {len(axes)} axes")
    y = _rolled(x, shifts, axes)
    return record(_copy(x, x.dtype) if y is x else y, _roll_rule, (shifts, axes), x)


# ---- repetition ----------------------------------------------------------------------------------


def _pass_rule(node: _core.Node, gradient: Any) -> Any:
    return gradient  # summed to the operand's shape by backward


def broadcast_to(x: Any, shape: Any) -> Tensor:
    """x repeated along new axes and axes of extent 1, as operands of arithmetic are.

    Raises:
        ValueError: a negative extent, or a shape that x does not broadcast to.

    >>> broadcast_to([1, 2], (2, 2)).tolist()
    [[1, 2], [1, 2]]
    """
    x = as_tensor(x, None, "broadcast_to: x")
    shape = shape_argument("broadcast_to", shape)
    if any(extent < 0 for extent in shape):
        raise ValueError(f"broadcast_to: shape is {shape}, expected no negative extents")
    extra = len(shape) - x.ndim
    fits = extra >= 0 and all(a in (1, b) for a, b in zip(x.shape, shape[extra:]))
    if not fits:
        raise ValueError(
            f"broadcast_to: x has shape {x.shape}, which does not broadcast to {shape}"
        )
    strides = [0] * extra + [
        0 if a == 1 else stride for a, stride in zip(x.shape, strides_of(x.shape))
    ]
    return record(_copy((x, shape, strides, 0), x.dtype), _pass_rule, None, x)


def _repeated_rule(node: _core.Node, gradient: Any) -> Any:
    shape, new_axes = node.saved
    return _core.reduce(_core.reshape(gradient, shape), "sum", new_axes, False)


def _repeated(x: Tensor, repeats: dict, result: tuple) -> Tensor:
    """x with a new axis in front of axis i repeated repeats[i] times, seen as shape ``result``.

    An axis beyond the last one stands for one behind all.
    """
    shape: list[int] = []
    strides: list[int] = []
    new_axes: list[int] = []
    own = strides_of(x.shape)
    for i in range(x.ndim + 1):
        if i in repeats:
            new_axes.append(len(shape))
            shape.append(repeats[i])
            strides.append(0)
        if i < x.ndim:
            shape.append(x.shape[i])
            strides.append(own[i])
    y = _core.reshape(_copy((x, shape, strides, 0), x.dtype), result)
    return record(y, _repeated_rule, (tuple(shape), tuple(new_axes)), x)


def tile(x: Any, repeats: Any) -> Tensor:
    """Copies of the whole of x laid side by side along each axis.

    >>> tile([1, 2], 2).tolist()
    [1, 2, 1, 2]
    """
    x = as_tensor(x, None, "tile: x")
    repeats = shape_argument("tile", repeats)
    rank = max(len(repeats), x.ndim)
    repeats = (1,) * (rank - len(repeats)) + repeats
    x = reshape(x, (1,) * (rank - x.ndim) + x.shape)
    if any(count < 0 for count in repeats):
        raise ValueError(f"tile: repeats must not be negative, got {repeats}")
    wanted = {i: count for i, count in enumerate(repeats) if count != 1}
    while rank + len(wanted) > MOST_AXES:  # each takes an axis more for a while
        axis, count = wanted.popitem()
        before, after = x.shape[:axis], x.shape[axis + 1 :]
        slabs = reshape(x, (prod(before), x.shape[axis] * prod(after)))
        x = _repeated(slabs, {1: count}, (*before, x.shape[axis] * count, *after))
    shape = tuple(a * wanted.get(i, 1) for i, a in enumerate(x.shape))
    return _repeated(x, wanted, shape) if wanted else x


def repeat(x: Any, repeats: Any, axis: Any = None) -> Tensor:
    """Each element (or slice along ``axis``) repeated; a number, or one for each.

    TypeError for repeats that are not integers, ValueError for negative ones.

    >>> repeat([1, 2], 2).tolist()
    [1, 1, 2, 2]
    """
    x = as_tensor(x, None, "repeat: x")
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis("repeat", axis, x.ndim)
    counts = np.asarray(repeats)
    if counts.dtype.kind not in "iub" and counts.size:
        raise TypeError(f"repeat: repeats must be integers, got {counts.dtype}")
    counts = counts.astype(np.int64)
    if counts.min(initial=0) < 0:
        raise ValueError(f"repeat: repeats must not be negative, got {counts.min()}")
    if counts.ndim and counts.size != 1:
        from fastnn.ops.indexing import take

        if counts.shape != (x.shape[axis],):
            raise ValueError(
                f"repeat: {counts.size} repeats for axis {axis} of extent {x.shape[axis]}"
            )
        return take(x, np.repeat(np.arange(x.shape[axis]), counts), axis)
    count = int(counts.reshape(()))
    result = (*x.shape[:axis], x.shape[axis] * count, *x.shape[axis + 1 :])
    if x.ndim == MOST_AXES:  # one more for a while
        x, axis = reshape(x, (prod(x.shape[: axis + 1]), prod(x.shape[axis + 1 :]))), 0
    return _repeated(x, {axis + 1: count}, result)


def shape(x: Any) -> tuple:
    """The extents of x."""
    return as_tensor(x, None, "shape: x").shape
