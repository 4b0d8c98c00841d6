"""Tensors laid beside each other, cut and turned along axes that the name implies."""

from __future__ import annotations

from operator import index
from typing import Any

from fastnn.ops.core import Tensor, as_tensor, follows_operands, normalize_axis
from fastnn.ops.joining import concatenate, split
from fastnn.ops.shape import expand_dims, flip, ravel, reshape, swapaxes, transpose

# ---- joining -------------------------------------------------------------------------------------


@follows_operands
def append(x1: Any, x2: Any, axis: int | None = None) -> Tensor:
    """x2 behind x1 along an axis; axis None: both in one axis.

    >>> append([1, 2], [[3], [4]]).tolist()
    [1, 2, 3, 4]
    """
    if axis is None:
        x1, x2, axis = ravel(x1), ravel(x2), 0
    return concatenate([x1, x2], axis)


def _with_axes(operation: str, xs: Any, least: int) -> list:
    """Tensors with ``least`` axes or more: vectors are rows, and a depth comes last."""
    if isinstance(xs, Tensor) or not hasattr(xs, "__iter__"):
        raise TypeError(f"{operation}: xs must be a list of tensors")
    tensors = [as_tensor(x, None, f"{operation}: xs[{i}]") for i, x in enumerate(xs)]
    shaped = []
    for x in tensors:
        if x.ndim == 0:
            x = reshape(x, (1,))
        if least > 1 and x.ndim == 1:
            x = expand_dims(x, 0)
        if least > 2 and x.ndim == 2:
            x = expand_dims(x, 2)
        shaped.append(x)
    return shaped


@follows_operands
def vstack(xs: Any) -> Tensor:
    """Tensors below each other: along axis 0, vectors as rows.

    >>> vstack([[1, 2], [3, 4]]).tolist()
    [[1, 2], [3, 4]]
    """
    return concatenate(_with_axes("vstack", xs, 2), 0)


@follows_operands
def hstack(xs: Any) -> Tensor:
    """Tensors side by side: along axis 1, vectors along their only one.

    >>> hstack([[1, 2], [3]]).tolist()
    [1, 2, 3]
    """
    xs = _with_axes("hstack", xs, 1)
    return concatenate(xs, 0 if xs and xs[0].ndim == 1 else 1)


@follows_operands
def dstack(xs: Any) -> Tensor:
    """Tensors behind each other: along axis 2, which matrices and vectors get.

    >>> dstack([[1, 2], [3, 4]]).tolist()
    [[[1, 3], [2, 4]]]
    """
    return concatenate(_with_axes("dstack", xs, 3), 2)


# ---- cutting -------------------------------------------------------------------------------------


def array_split(x: Any, indices_or_sections: Any, axis: int = 0) -> list:
    """x cut along an axis: a number of parts of nearly equal extents, or positions to cut at.

    >>> [part.tolist() for part in array_split([1, 2, 3], 2)]
    [[1, 2], [3]]
    """
    x = as_tensor(x, None, "array_split: x")
    axis = normalize_axis("array_split", axis, x.ndim)
    if hasattr(indices_or_sections, "__len__"):
        return split(x, indices_or_sections, axis)
    sections = index(indices_or_sections)
    if sections <= 0:
        raise ValueError(f"array_split: the number of parts must be positive, got {sections}")
    each, more = divmod(x.shape[axis], sections)
    return split(x, [i * each + min(i, more) for i in range(1, sections)], axis)


def _split_along(operation: str, x: Any, indices_or_sections: Any, axis: int) -> list:
    x = as_tensor(x, None, f"{operation}: x")
    if x.ndim <= axis:
        raise ValueError(f"{operation}: x has shape {x.shape}, expected {axis + 1} axes or more")
    return split(x, indices_or_sections, axis)


def vsplit(x: Any, indices_or_sections: Any) -> list:
    """x cut along axis 0, as split does."""
    return _split_along("vsplit", x, indices_or_sections, 0)


def hsplit(x: Any, indices_or_sections: Any) -> list:
    """x cut along axis 1, a vector along its only one."""
    x = as_tensor(x, None, "hsplit: x")
    return _split_along("hsplit", x, indices_or_sections, 0 if x.ndim == 1 else 1)


def dsplit(x: Any, indices_or_sections: Any) -> list:
    """x cut along axis 2."""
    return _split_along("dsplit", x, indices_or_sections, 2)


# ---- turning -------------------------------------------------------------------------------------


def fliplr(x: Any) -> Tensor:
    """The order along axis 1 reversed."""
    return flip(x, 1)


def flipud(x: Any) -> Tensor:
    """The order along axis 0 reversed."""
    return flip(x, 0)


def rot90(array: Any, k: int = 1, axes: tuple = (0, 1)) -> Tensor:
    """Turned k times by 90 degrees in the plane of two axes, from the first toward the second.

    >>> rot90([[1, 2], [3, 4]]).tolist()
    [[2, 4], [1, 3]]
    """
    x = as_tensor(array, None, "rot90: array")
    if len(axes) != 2:
        raise ValueError(f"rot90: axes must be two, got {axes!r}")
    first, second = (normalize_axis("rot90", axis, x.ndim) for axis in axes)
    if first == second:
        raise ValueError(f"rot90: axes must be different, got {axes!r}")
    turns = index(k) % 4
    if turns == 1:
        return swapaxes(flip(x, second), first, second)
    if turns == 2:
        return flip(x, (first, second))
    return flip(swapaxes(x, first, second), second) if turns == 3 else x


# ---- blocks of pixels ----------------------------------------------------------------------------


def _pixels(operation: str, x: Any, block_size: int, data_format: str) -> tuple[Tensor, int, bool]:
    """Images, the block's size, and whether channels come before the pixels."""
    x, block = as_tensor(x, None, f"{operation}: x"), index(block_size)
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(
            f"{operation}: data_format is {data_format!r}, expected channels_last or channels_first"
        )
    if x.ndim != 4:
        raise ValueError(f"{operation}: x has shape {x.shape}, expected 4 axes")
    if block < 1:
        raise ValueError(f"{operation}: block_size must be positive, got {block}")
    return x, block, data_format == "channels_first"


def depth_to_space(x: Any, block_size: int, data_format: str = "channels_last") -> Tensor:
    """Channels spread over blocks of pixels: [n, h, w, b * b * c] becomes [n, h * b, w * b, c].

    With channels_first [n, c * b * b, h, w] becomes [n, c, h * b, w * b]: as in PyTorch's
    pixel_shuffle the channels of a block are neighbours there, while here they are c apart.

    >>> depth_to_space([[[[1, 2, 3, 4]]]], 2).shape
    (1, 2, 2, 1)
    """
    x, b, first = _pixels("depth_to_space", x, block_size, data_format)
    batch, *extents = x.shape
    channels = extents.pop(0 if first else -1)
    height, width = extents
    rest, odd = divmod(channels, b * b)
    if odd:
        raise ValueError(f"depth_to_space: {channels} channels are no multiple of {b} * {b}")
    if first:
        parts = transpose(reshape(x, (batch, rest, b, b, height, width)), (0, 1, 4, 2, 5, 3))
        return reshape(parts, (batch, rest, height * b, width * b))
    parts = transpose(reshape(x, (batch, height, width, b, b, rest)), (0, 1, 3, 2, 4, 5))
    return reshape(parts, (batch, height * b, width * b, rest))


def space_to_depth(x: Any, block_size: int, data_format: str = "channels_last") -> Tensor:
    """Blocks of pixels laid into channels, the reverse of depth_to_space.

    >>> space_to_depth([[[[1], [2]], [[3], [4]]]], 2).tolist()
    [[[[1, 2, 3, 4]]]]
    """
    x, b, first = _pixels("space_to_depth", x, block_size, data_format)
    batch, *extents = x.shape
    channels = extents.pop(0 if first else -1)
    height, width = extents
    if height % b or width % b:
        raise ValueError(
            f"space_to_depth: images of {height} by {width} have no whole blocks of {b}"
        )
    rows, columns = height // b, width // b
    if first:
        parts = transpose(reshape(x, (batch, channels, rows, b, columns, b)), (0, 1, 3, 5, 2, 4))
        return reshape(parts, (batch, channels * b * b, rows, columns))
    parts = transpose(reshape(x, (batch, rows, b, columns, b, channels)), (0, 1, 3, 2, 4, 5))
    return reshape(parts, (batch, rows, columns, b * b * channels))
