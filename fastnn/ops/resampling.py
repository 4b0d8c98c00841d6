"""Reading images between their pixels: map_coordinates, affine_transform.

A place outside of an image is first folded back into it, as its fill mode says; then its value is
that of the nearest pixel, or of the ones around it, weighted by their nearness. Pixels are gathered
at computed positions, so the gradients, by images and by places, are those of the parts.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.ops import elementwise
from fastnn.ops.arithmetic import maximum, minimum
from fastnn.ops.comparison import clip, greater_equal
from fastnn.ops.core import Tensor, as_float, cast, constant, strides_of
from fastnn.ops.indexing import take
from fastnn.ops.joining import stack
from fastnn.ops.padding import pad
from fastnn.ops.products import matmul
from fastnn.ops.shape import reshape, transpose
from fastnn.ops.windows import channels_back, channels_last, data_format_of

INTERPOLATIONS = ("nearest", "bilinear")
FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


def one_of(operation: str, name: str, value: Any, known: tuple) -> None:
    """Raises a ValueError that names the operation and the argument if a value is not known."""
    if value not in known:
        raise ValueError(f"{operation}: {name} is {value!r}, expected one of {', '.join(known)}")


# ---- places --------------------------------------------------------------------------------------


def _remainder(places: Tensor, period: Tensor) -> Tensor:
    """places modulo the period, or the period itself, by rounding."""
    rest = places - elementwise.floor(places / period) * period
    # Far away the quotient is rounded to a neighbour.
    return minimum(maximum(rest, constant(0.0, places.dtype)), period)


def _folded(places: Tensor, extents: Tensor, fill_mode: str) -> Tensor:
    """Places in 0 to extent - 1 that show what ``places`` do; with "wrap" in 0 to extent.

    places: [axes, batch, n]   extents: [axes, 1, 1]
    """
    last = extents - 1.0
    if fill_mode == "wrap":
        return _remainder(places, extents)
    if fill_mode == "mirror":  # d c b | a b c d | c b a
        period = clip(last * 2.0, 1.0, None)
        places = _remainder(places, period)
        places = minimum(places, period - places)
    elif fill_mode == "reflect":  # d c b a | a b c d | d c b a
        period = extents * 2.0
        places = _remainder(places, period)
        places = minimum(places, period - 1.0 - places)
    return clip(places, constant(0.0, places.dtype), last)


def _rounded(places: Tensor) -> Tensor:
    """The nearest integers, halves away from zero."""
    size = elementwise.absolute(places)
    below = elementwise.floor(size)
    up = cast(greater_equal(size - below, 0.5), places.dtype)
    return elementwise.sign(places) * (below + up)


# ---- pixels --------------------------------------------------------------------------------------


def _surrounded(images: Tensor, value: float) -> Tensor:
    """Images with one more pixel of ``value`` on every side."""
    *outer, width, channels = images.shape
    rows = reshape(images, (*outer, width * channels))  # whose innermost axis is long
    rows = pad(rows, ((0, 0), *[(1, 1)] * (rows.ndim - 2), (channels, channels)), "constant", value)
    return reshape(rows, (*rows.shape[:-1], width + 2, channels))


@lru_cache(maxsize=64)
def _extents(shape: tuple, dtype: str, device: str) -> Tensor:
    return _core.from_numpy(np.asarray(shape, dtype).reshape(-1, 1, 1), device)


@lru_cache(maxsize=64)
def _steps(batch: int, shape: tuple, device: str) -> tuple[Tensor, Tensor]:
    """How many pixels lie between neighbours along each axis, [axes, 1, 1], and before each image,
    [batch, 1]."""
    pixels = math.prod(shape)
    dtype = np.int32 if batch * pixels < 2**31 else np.int64
    steps = np.asarray(strides_of(shape), dtype).reshape(-1, 1, 1)
    first = (np.arange(batch, dtype=dtype) * pixels)[:, None]
    return _core.from_numpy(steps, device), _core.from_numpy(first, device)


def sampled(
    images: Tensor, places: Tensor, linear: bool, fill_mode: str, fill_value: float
) -> Tensor:
    """Values of images between their pixels.

    images: [batch, spatial..., channels]   places: [axes, batch, n]   result: [batch, n, channels]
    """
    if not linear:
        places = _rounded(places)
    if fill_mode == "constant":  # everything outside is as the pixels just outside
        images, places = _surrounded(images, fill_value), places + 1.0
    batch, *shape, channels = images.shape
    extents = _extents(tuple(shape), places.dtype, places.device)
    steps, first = _steps(batch, tuple(shape), images.device)
    places = _folded(places, extents, fill_mode)
    below = minimum(elementwise.floor(places.detach()), extents - 1.0)
    if fill_mode == "wrap" and not linear:
        below = _remainder(places.detach(), extents)
    pixels = reshape(images, (-1, channels) if channels > 1 else (-1,))
    lower = cast(below, first.dtype)
    if not linear:
        (corner,) = _corners([[along] for along in lower * steps], first)
        return reshape(take(pixels, corner, 0), (*places.shape[1:], channels))
    last = cast(extents, first.dtype) - 1
    if fill_mode == "wrap":
        upper = (lower + 1) * cast(lower < last, first.dtype)
    else:
        upper = minimum(lower + 1, last)
    nearness = places - below
    if channels > 1:
        nearness = reshape(nearness, (*nearness.shape, 1))
    sides = list(zip(lower * steps, upper * steps))
    values = [take(pixels, corner, 0) for corner in _corners(sides, first)]
    for near in reversed(list(nearness)):  # the last axis varies fastest
        values = [a + (b - a) * near for a, b in zip(values[::2], values[1::2])]
    return reshape(values[0], (*places.shape[1:], channels))


def _corners(sides: Any, first: Tensor) -> list[Tensor]:
    """The positions of all combinations of the sides that each axis has."""
    corners = [first]
    for along in sides:
        corners = [corner + side for corner in corners for side in along]
    return corners


# ---- keras.ops.image -----------------------------------------------------------------------------


def map_coordinates(
    inputs: Any, coordinates: Any, order: int, fill_mode: str = "constant", fill_value: float = 0.0
) -> Tensor:
    """Values of an array between its elements.

    Args:
        inputs: an array of any number of axes; integers become floatx.
        coordinates: [axes of inputs, ...]: for each result, where it is read along each axis.
        order: 0 reads the nearest element (halves are rounded away from zero), 1 interpolates
            linearly.
        fill_mode: what lies outside: "constant" (``fill_value``), "nearest" (a a | a b c | c c),
            "wrap" (b c | a b c | a b), "mirror" (c b | a b c | b a), "reflect" (b a | a b c | c b).
        fill_value: with "constant".

    Returns:
        Tensor: of the shape of ``coordinates`` without its first axis. With order 1 it is
        differentiable by inputs and by coordinates. A coordinate that is NaN gives NaN then.

    Raises:
        ValueError: another order or fill mode, or coordinates of another first axis.

    >>> map_coordinates([0.0, 10.0, 20.0], [[0.5, 1.75, 3.0]], 1).tolist()
    [5.0, 17.5, 0.0]
    """
    x = as_float(inputs, "map_coordinates: inputs")
    places = as_float(coordinates, "map_coordinates: coordinates")
    if order not in (0, 1):
        raise ValueError(f"map_coordinates: order is {order!r}, expected 0 or 1")
    one_of("map_coordinates", "fill_mode", fill_mode, FILL_MODES)
    if x.ndim == 0 or places.ndim == 0 or places.shape[0] != x.ndim:
        raise ValueError(
            f"map_coordinates: coordinates has shape {places.shape} but inputs has {x.ndim} axes: "
            "expected a first axis of as many"
        )
    if x.size == 0:
        raise ValueError(f"map_coordinates: inputs has shape {x.shape}: nothing can be read")
    places = cast(places, x.dtype)
    flat = reshape(places, (x.ndim, 1, -1))
    values = sampled(reshape(x, (1, *x.shape, 1)), flat, order == 1, fill_mode, fill_value)
    return reshape(values, places.shape[1:])


@lru_cache(maxsize=4)
def _grid(height: int, width: int, dtype: str, device: str) -> Tensor:
    """Rows x, y and 1 of all pixels, [3, pixels]."""
    y, x = np.mgrid[:height, :width].reshape(2, -1)
    return _core.from_numpy(np.stack([x, y, np.ones_like(x)]).astype(dtype), device)


def affine_transform(
    images: Any,
    transform: Any,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Tensor:
    """Images moved, turned, stretched or seen in perspective.

    Args:
        images: [batch, height, width, channels] or one image, [height, width, channels]; with
            data_format "channels_first" the channels come before the height. Integers become
            floatx.
        transform: [batch, 8], or 8 numbers for one image: a0, a1, a2, b0, b1, b2, c0, c1. The
            result at column x and row y is read at column (a0 x + a1 y + a2) / k and row
            (b0 x + b1 y + b2) / k, where k = c0 x + c1 y + 1.
        interpolation: "bilinear" or "nearest" (halves are rounded away from zero).
        fill_mode: what lies outside: "constant", "nearest", "wrap", "mirror" or "reflect"; see
            ``map_coordinates``.
        fill_value: with "constant".
        data_format: that of ``config.image_data_format()`` if None.

    Returns:
        Tensor: of the shape of images; differentiable by them, and with "bilinear" by transform.

    Raises:
        ValueError: another interpolation or fill mode, or shapes that do not fit.

    >>> moved = [1, 0, -1, 0, 1, 0, 0, 0]  # by a column to the right
    >>> affine_transform([[[1.0], [2.0], [3.0]]], moved).tolist()
    [[[0.0], [1.0], [2.0]]]
    """
    data_format = data_format_of("affine_transform", data_format)
    one_of("affine_transform", "interpolation", interpolation, INTERPOLATIONS)
    one_of("affine_transform", "fill_mode", fill_mode, FILL_MODES)
    x = as_float(images, "affine_transform: images")
    numbers = cast(as_float(transform, "affine_transform: transform"), x.dtype)
    if x.ndim not in (3, 4):
        raise ValueError(f"affine_transform: images has shape {x.shape}, expected 3 or 4 axes")
    expected = (8,) if x.ndim == 3 else (x.shape[0], 8)
    if numbers.shape != expected:
        raise ValueError(
            f"affine_transform: transform has shape {numbers.shape}, expected {expected} for "
            f"images of shape {x.shape}"
        )
    options = (interpolation == "bilinear", fill_mode, fill_value)
    if x.ndim == 3:
        moved = _moved(channels_last(x[None], data_format), numbers[None], options)
        return channels_back(moved, data_format)[0]
    return channels_back(_moved(channels_last(x, data_format), numbers, options), data_format)


def _moved(images: Tensor, numbers: Tensor, options: tuple) -> Tensor:
    """images: [batch, height, width, channels]   numbers: [batch, 8]"""
    if images.size == 0:
        return images
    batch, height, width, _ = images.shape
    rows = reshape(pad(numbers, ((0, 0), (0, 1)), "constant", 1.0), (batch, 3, 3))
    grid = _grid(height, width, images.dtype, images.device)
    by_row = matmul(transpose(rows, (1, 0, 2)), grid)  # [3, batch, pixels]: column, row, k
    places = stack([by_row[1], by_row[0]]) / by_row[2]
    return reshape(sampled(images, places, *options), images.shape)
