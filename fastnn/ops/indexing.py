"""Reading elements by position: x[...], take, take_along_axis, and their scattered gradients."""

from __future__ import annotations

from math import prod
from operator import index
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.ops.core import (
    Tensor,
    as_tensor,
    check_devices,
    filled,
    follows_operands,
    normalize_axis,
    record,
    strides_of,
)
from fastnn.ops.shape import reshape, transpose

_INDEX_DTYPES = ("int32", "int64")

# ---- take ----------------------------------------------------------------------------------------


def take_rule(node: _core.Node, gradient: Any) -> Any:
    shape, indices, axis = node.saved
    total = filled(shape, 0, gradient.dtype, gradient.device)
    _core.scatter_add(total, gradient, indices, axis)
    return total


def as_indices(indices: Any, what: str) -> Tensor:
    """Positions as an int32 or int64 Tensor; floats are an error."""
    indices = as_tensor(indices, None, what)
    if indices.dtype in _INDEX_DTYPES:
        return indices
    if indices.dtype in ("uint8", "bool") or indices.size == 0:
        return _core.copy(indices, "int64")
    raise TypeError(f"{what} must be integers, got {indices.dtype}")


def take(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """Slices of x along an axis, at positions given by integers of any shape.

    x: [a..., n, b...]   indices: [i...]   result: [a..., i..., b...]; axis None: of the flat x.
    Negative positions count from the end; others outside raise IndexError.

    >>> take([10, 20, 30], [2, -3]).tolist()
    [30, 10]
    """
    if not isinstance(x, Tensor):
        x = as_tensor(x, None, "take: x")
    if not (isinstance(indices, Tensor) and indices.dtype in _INDEX_DTYPES):
        indices = _indices_of(x, indices)
    if axis is None:
        x, axis = reshape(x, (-1,)), 0
    elif type(axis) is not int or not 0 <= axis < x.ndim:
        axis = normalize_axis("take", axis, x.ndim)
    if _core.devices_in_use():
        check_devices("take", x=x, indices=indices)
    return record(_core.gather(x, indices, axis), take_rule, (x.shape, indices, axis), x)


@follows_operands
def _indices_of(x: Tensor, indices: Any) -> Tensor:
    return as_indices(indices, "take: indices")


def _gather_nd_rule(node: _core.Node, gradient: Any) -> Any:
    shape, indices, batch_dims = node.saved
    total = filled(shape, 0, gradient.dtype, gradient.device)
    _core.scatter_nd_add(total, gradient, indices, batch_dims)
    return total


def _gather_nd(x: Tensor, indices: Tensor, batch_dims: int) -> Tensor:
    y = _core.gather_nd(x, indices, batch_dims)
    return record(y, _gather_nd_rule, (x.shape, indices, batch_dims), x)


@follows_operands
def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """For every position of ``indices``, the element of x at that index of the axis.

    indices: x's number of axes and extents, but for the axis; axis None: both are flattened

    >>> take_along_axis([[3, 4], [5, 6]], [[1], [0]], axis=1).tolist()
    [[4], [5]]
    """
    x = as_tensor(x, None, "take_along_axis: x")
    indices = as_indices(indices, "take_along_axis: indices")
    if axis is None:
        x, indices, axis = reshape(x, (-1,)), reshape(indices, (-1,)), 0
    axis = normalize_axis("take_along_axis", axis, x.ndim)
    if indices.ndim != x.ndim or any(
        a != b for i, (a, b) in enumerate(zip(x.shape, indices.shape)) if i != axis
    ):
        raise ValueError(
            f"take_along_axis: indices have shape {indices.shape}, expected that of x, {x.shape}, "
            f"but for axis {axis}"
        )
    order = [i for i in range(x.ndim) if i != axis] + [axis]
    moved = transpose(indices, order)
    y = _gather_nd(transpose(x, order), reshape(moved, (*moved.shape, 1)), x.ndim - 1)
    return transpose(y, [order.index(i) for i in range(x.ndim)])


# ---- x[...] --------------------------------------------------------------------------------------


def slice_rule(node: _core.Node, gradient: Any) -> Any:
    shape, taken, strides, offset = node.saved
    steps = strides_of(shape)
    plain = all(a == b for a, b in zip(strides, steps))
    if plain and len(taken) == len(shape):
        # Consecutive positions along every axis: the gradient is padded with zeros.
        before = []
        for step in steps:
            before.append(offset // step if step else 0)
            offset -= before[-1] * step
        after = tuple(n - b - t for n, b, t in zip(shape, before, taken))
        return _core.pad(_core.reshape(gradient, taken), tuple(before), after)
    places = np.full((), offset, np.int64)
    for extent, stride in zip(taken, strides):
        places = places[..., None] + np.arange(extent) * stride
    size = 1
    for extent in shape:
        size *= extent
    total = filled((size,), 0, gradient.dtype, gradient.device)
    flat = _core.reshape(gradient, (gradient.size,))
    there = _core.from_numpy(places.reshape(-1), gradient.device)
    _core.scatter_add(total, flat, there, 0)
    return _core.reshape(total, shape)


def _positions(item: Any, extent: int, axis: int) -> Any:
    """An advanced index: on the host as checked int64, or a Tensor, which is checked when read."""
    if isinstance(item, Tensor):
        return as_indices(item, "getitem: index")
    array = np.asarray(item)
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"getitem: an index must be integers or booleans, got {array.dtype}")
    array = array.astype(np.int64)
    if array.size and not (-extent <= array.min() and array.max() < extent):
        bad = int(array.max() if array.max() >= extent else array.min())
        raise IndexError(f"getitem: index {bad} is outside axis {axis} of extent {extent}")
    return np.where(array < 0, array + extent, array)


def _is_mask(item: Any) -> bool:
    return getattr(item, "dtype", None) in ("bool", np.dtype(bool))


def _key_items(key: Any) -> list:
    """What a key holds, lists as arrays; a mask of no axis is a TypeError."""
    items = []
    for item in key if isinstance(key, tuple) else (key,):
        if isinstance(item, list) or (isinstance(item, np.ndarray) and item.ndim):
            item = np.asarray(item)
        if isinstance(item, (bool, np.bool_)) or (_is_mask(item) and item.ndim == 0):
            raise TypeError(
                "getitem: a single bool is not an index; use a mask of one axis or more"
            )
        items.append(item)
    return items


def _expand_key(x: Tensor, key: Any) -> tuple[list, int]:
    """The key as a list with one entry an axis (slice, int or array) and None for new axes, and
    where in it the ellipsis was (0 if there was none)."""
    items = _key_items(key)
    if sum(item is Ellipsis for item in items) > 1:
        raise IndexError("getitem: an index may hold one ellipsis only")
    missing = x.ndim - sum(
        item.ndim if _is_mask(item) else 1
        for item in items
        if item is not None and item is not Ellipsis
    )
    if missing < 0:
        raise IndexError(f"getitem: too many indices for a tensor of {x.ndim} axes")
    entries: list[Any] = []
    axis = dots = 0
    for item in items:
        if item is Ellipsis:
            dots = len(entries)
            entries += [slice(None)] * missing
            axis += missing
        elif _is_mask(item):
            read = x.shape[axis : axis + item.ndim]
            if item.shape != read:
                raise IndexError(
                    f"getitem: the mask has shape {item.shape}, the axes it reads {read}"
                )
            entries += np.asarray(item).nonzero()
            axis += item.ndim
        else:
            entries.append(item)
            axis += item is not None
    return entries + [slice(None)] * (x.ndim - axis), dots


def _is_integer(item: Any) -> bool:
    return isinstance(item, (int, np.integer)) or (
        isinstance(item, (Tensor, np.ndarray)) and item.ndim == 0 and "int" in str(item.dtype)
    )


@follows_operands
def getitem(x: Tensor, key: Any) -> Tensor:
    """x[key] as in NumPy: slices, integers, None, Ellipsis, integer arrays, boolean masks.

    Keys of Python integers and slices alone are read in C and do not come here. The result of a
    mask has as many elements as the mask has true ones, so a mask is read on the host.
    """
    if isinstance(key, tuple) and len(key) == 1:
        (key,) = key
    if _is_mask(key) and key.ndim > 0 and key.shape == x.shape[: key.ndim]:
        places = _core.from_numpy(np.flatnonzero(np.asarray(key)), x.device)
        return take(reshape(x, (prod(key.shape), *x.shape[key.ndim :])), places, 0)
    entries, dots = _expand_key(x, key)
    advanced = any(
        isinstance(item, (Tensor, np.ndarray)) and not _is_integer(item) for item in entries
    )
    slices: list[slice | int] = []
    extents: list[int] = []
    arrays: dict[int, Any] = {}
    axis = 0
    for item in entries:
        if item is None:
            extents.append(1)
            continue
        extent = x.shape[axis]
        if isinstance(item, slice):
            slices.append(item)
            extents.append(len(range(*item.indices(extent))))
        elif advanced:
            arrays[len(extents)] = _positions(item, extent, axis)
            slices.append(slice(None))
            extents.append(extent)
        elif _is_integer(item):
            slices.append(index(item))
        else:
            raise TypeError(f"getitem: {type(item).__name__} {item!r} is not an index")
        axis += 1
    y = x[tuple(slices)]
    if y.shape != tuple(extents):
        y = reshape(y, tuple(extents))
    return _advanced(y, arrays, dots) if arrays else y


def _advanced(x: Tensor, arrays: dict, dots: int) -> Tensor:
    """x at the positions of broadcast index arrays, {axis: positions}; the ellipsis before axis
    ``dots`` parts those on its two sides, though it stands for no axis."""
    axes = list(arrays)
    if len(axes) == 1:
        (axis,) = axes
        indices = arrays[axis]
        if not isinstance(indices, Tensor):
            indices = _core.from_numpy(indices, x.device)
        return take(x, indices, axis)
    from fastnn.ops.joining import stack
    from fastnn.ops.shape import broadcast_to

    try:
        common = np.broadcast_shapes(*[part.shape for part in arrays.values()])
    except ValueError:
        shapes = ", ".join(str(part.shape) for part in arrays.values())
        raise IndexError(f"getitem: index arrays of shapes {shapes} do not broadcast") from None
    if any(isinstance(part, Tensor) for part in arrays.values()):
        parts = [broadcast_to(as_tensor(part, "int64"), common) for part in arrays.values()]
        indices = stack(parts, -1)
    else:
        hosts = [np.broadcast_to(part, common) for part in arrays.values()]
        indices = _core.from_numpy(np.stack(hosts, -1), x.device)
    rest = [axis for axis in range(x.ndim) if axis not in arrays]
    y = _gather_nd(transpose(x, axes + rest), indices, 0)
    adjacent = axes[-1] - axes[0] == len(axes) - 1 and not axes[0] < dots <= axes[-1]
    if not adjacent or axes[0] == 0:
        return y
    # Adjacent index arrays leave their axes where they were.
    count, front = len(common), axes[0]
    order = [*range(count, count + front), *range(count), *range(count + front, y.ndim)]
    return transpose(y, order)
