"""Tensors joined and cut along an axis, triangles and grids."""

from __future__ import annotations

import itertools
from operator import index
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.ops.comparison import where
from fastnn.ops.core import (
    Tensor,
    as_tensor,
    constant,
    filled,
    follows_operands,
    normalize_axis,
    promote,
    record,
    strides_of,
)
from fastnn.ops.shape import broadcast_to, reshape, squeeze


def _part(x: Tensor, axis: int, start: int, stop: int) -> Tensor:
    """A range of positions along one axis, not recorded."""
    if axis == 0:
        return _core.rows(x, start, stop)
    strides = strides_of(x.shape)
    shape = (*x.shape[:axis], stop - start, *x.shape[axis + 1 :])
    return _core.copy((x, shape, strides, start * strides[axis]), x.dtype)


def _concatenate_rule(node: _core.Node, gradient: Any) -> Any:
    axis, extents = node.saved
    parts, start = [], 0
    for extent, needed in zip(extents, node.needs):
        parts.append(_part(gradient, axis, start, start + extent) if needed else None)
        start += extent
    return tuple(parts)


def concatenate(xs: Any, axis: int = 0) -> Tensor:
    """Tensors joined along an axis; their other extents must agree. Dtypes are promoted.

    >>> concatenate([[1, 2], [3]]).tolist()
    [1, 2, 3]
    """
    if isinstance(xs, Tensor) or not hasattr(xs, "__iter__"):
        raise TypeError("concatenate: xs must be a list of tensors")
    xs = promote("concatenate", *xs)
    if not xs:
        raise ValueError("concatenate: there are no tensors")
    axis = normalize_axis("concatenate", axis, xs[0].ndim)
    first = xs[0].shape
    before, after = first[:axis], first[axis + 1 :]
    for i, x in enumerate(xs):
        shape = x.shape
        if len(shape) != len(first) or shape[:axis] != before or shape[axis + 1 :] != after:
            raise ValueError(
                f"concatenate: xs[{i}] has shape {x.shape}, xs[0] {first}; they may differ along "
                f"axis {axis} only"
            )
    y = _core.concatenate(xs, axis)
    return record(y, _concatenate_rule, (axis, [x.shape[axis] for x in xs]), *xs)


def _stack_rule(node: _core.Node, gradient: Any) -> Any:
    axis, shape = node.saved, gradient.shape
    shape = shape[:axis] + shape[axis + 1 :]
    return tuple(
        _core.reshape(_part(gradient, axis, i, i + 1), shape) if needed else None
        for i, needed in enumerate(node.needs)
    )


@follows_operands
def stack(x: Any, axis: int = 0) -> Tensor:
    """Tensors of one shape joined along a new axis.

    >>> stack([[1, 2], [3, 4]], axis=1).tolist()
    [[1, 3], [2, 4]]
    """
    if not np.iterable(x):
        raise TypeError("stack: x must be a list of tensors")
    xs = [as_tensor(item, None, f"stack: x[{i}]") for i, item in enumerate(x)]
    for i, item in enumerate(xs):
        if item.shape != xs[0].shape:
            raise ValueError(f"stack: x[{i}] has shape {item.shape}, x[0] {xs[0].shape}")
    if not xs:
        raise ValueError("stack: there are no tensors")
    shape = xs[0].shape
    axis = normalize_axis("stack", axis, len(shape) + 1)
    xs = promote("stack", *xs)
    slab = (*shape[:axis], 1, *shape[axis:])
    y = _core.concatenate([_core.reshape(item, slab) for item in xs], axis)
    return record(y, _stack_rule, axis, *xs)


def _split_rule(node: _core.Node, gradients: Any) -> Any:
    dtype, axis, shapes = node.saved
    if not isinstance(gradients, tuple):  # of one part
        return gradients
    device = next(part.device for part in gradients if part is not None)
    parts = [
        filled(shape, 0, dtype, device) if part is None else part
        for part, shape in zip(gradients, shapes)
    ]
    return _core.concatenate(parts, axis)


def split(x: Any, indices_or_sections: Any, axis: int = 0) -> list:
    """x cut along an axis into equal parts (a number) or at positions (a list).

    >>> [part.tolist() for part in split([1, 2, 3, 4], 2)]
    [[1, 2], [3, 4]]
    """
    x = as_tensor(x, None, "split: x")
    axis = normalize_axis("split", axis, x.ndim)
    extent = x.shape[axis]
    if isinstance(indices_or_sections, (tuple, list, np.ndarray)):
        places = [index(i) + (extent if i < 0 else 0) for i in indices_or_sections]
        inner = [min(max(place, 0), extent) for place in places]
    else:
        try:
            sections = index(indices_or_sections)
        except TypeError:
            raise TypeError(
                f"split: indices_or_sections must be an integer or several, got "
                f"{indices_or_sections!r}"
            ) from None
        if sections <= 0 or extent % sections:
            raise ValueError(f"split: axis {axis} of extent {extent} has no {sections} equal parts")
        inner = [extent // sections * i for i in range(1, sections)]
    cuts = [0, *inner, extent]
    parts = tuple(_part(x, axis, a, max(a, b)) for a, b in itertools.pairwise(cuts))
    return list(record(parts, _split_rule, (x.dtype, axis, [p.shape for p in parts]), x))


def unstack(x: Any, num: Any = None, axis: int = 0) -> list:
    """The slices along an axis, without it."""
    x = as_tensor(x, None, "unstack: x")
    axis = normalize_axis("unstack", axis, x.ndim)
    return [squeeze(part, axis) for part in split(x, x.shape[axis], axis)] if x.shape[axis] else []


def _triangle(operation: str, x: Any, k: int, lower: bool) -> Tensor:
    x = as_tensor(x, None, f"{operation}: x")
    if x.ndim < 2:
        raise ValueError(f"{operation}: x has shape {x.shape}, expected two axes or more")
    rows, columns = x.shape[-2:]
    k = min(max(index(k), -rows), columns)  # those beyond give the same
    inside = np.tri(rows, columns, k if lower else k - 1, dtype=bool)
    mask = _core.from_numpy(inside if lower else ~inside, x.device)
    return where(mask, x, constant(0, x.dtype))


def tril(x: Any, k: int = 0) -> Tensor:
    """x with the elements above diagonal k of its last two axes set to 0."""
    return _triangle("tril", x, k, True)


def triu(x: Any, k: int = 0) -> Tensor:
    """x with the elements below diagonal k of its last two axes set to 0."""
    return _triangle("triu", x, k, False)


@follows_operands
def meshgrid(*x: Any, indexing: str = "xy") -> list:
    """Coordinate grids from vectors: indexing "xy" or "ij"."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing is {indexing!r}, expected 'xy' or 'ij'")
    xs = [as_tensor(item, None, f"meshgrid: x{i + 1}") for i, item in enumerate(x)]
    axes = list(range(len(xs)))  # along which each of them runs
    if indexing == "xy" and len(xs) > 1:
        axes[:2] = 1, 0
    extents = [xs[axis].size for axis in axes]
    return [
        broadcast_to(reshape(item, [-1 if k == axis else 1 for k in range(len(xs))]), extents)
        for axis, item in zip(axes, xs)
    ]
