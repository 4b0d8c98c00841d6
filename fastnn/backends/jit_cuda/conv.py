"""conv, conv_backward_input, conv_backward_kernel: implicit matrix products.

The matrices of the explicit method (K. Chellapilla, S. Puri, P. Simard, "High performance
convolutional neural networks for document processing", 2006) are never written: the tiled product
reads what would stand in them where it lies, as S. Chetlur et al., "cuDNN: efficient primitives for
deep learning" (2014), describe it. A row of such a matrix is a window (image, output), a column one
number that windows meet (tap, channel). Groups are products of their own.

Where a thread reads along the channels it steps from one column to the next without a division.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from .arrays import flat
from .cuda import compiled
from .gemm import Result, Side, matrices, multiply
from .gemm_ladder import Reader
from .reduce import fold
from .windows import Geometry, begin_of, element_at, geometry, offset_of, output_at, places


class Place(NamedTuple):
    """Windows over images with channels in groups: what the readers below need to know."""

    g: Geometry
    elements: int  # of an image
    outputs: int  # of an image
    taps: int
    channels: int
    filters: int
    each: int  # channels of a group
    filters_each: int


def _place(g: Geometry, channels: int, filters: int, groups: int) -> Place:
    sizes = (g.elements, g.outputs, g.taps)
    return Place(g, *sizes, channels, filters, channels // groups, filters // groups)


# ---- What windows meet: [(image, output), (tap, channel)] ----------------------------------------


@compiled
def _row(place, row):
    """Where the row's image begins, and its window."""
    image = row // place.outputs * place.elements * place.channels
    return image, begin_of(place.g, row % place.outputs)


@compiled
def _column(place, column):
    """(channel of the group, offset of the tap, number of the tap)."""
    tap = column // place.each
    return column % place.each, offset_of(place.g, tap), tap


@compiled
def _next_column(place, column):
    channel, offset, tap = column
    if channel + 1 < place.each:
        return channel + 1, offset, tap
    return 0, offset_of(place.g, tap + 1), tap + 1


@compiled
def _met(x, place, first, begin, channel, offset):
    element = element_at(place.g, begin, offset)
    return x[first + element * place.channels + channel] if element >= 0 else x.dtype.type(0)


@compiled
def _row_of_group(place, group, row):
    first, begin = _row(place, row)
    return first + group * place.each, begin


@compiled
def _column_of_group(place, group, column):
    channel, offset, tap = _column(place, column)
    return channel, offset, tap, group * place.each


@compiled
def _next_column_of_group(place, column):
    channel, offset, tap, first = column
    channel, offset, tap = _next_column(place, (channel, offset, tap))
    return channel, offset, tap, first


@compiled
def _of_row(x, place, row, column):
    return _met(x, place, row[0], row[1], column[0], column[1])


@compiled
def _of_column(x, place, column, row):
    return _met(x, place, row[0] + column[3], row[1], column[0], column[1])


# Rows along the side of the result and columns along the depth, and the other way about.
_WINDOWS = Reader(True, _row_of_group, _column, _next_column, _of_row)
_TURNED_WINDOWS = Reader(False, _column_of_group, _row, _next_column_of_group, _of_column)


# ---- What comes back to elements: [(image, element), (tap, filter)] of dy ------------------------


@compiled
def _element(place, group, row):
    """Where dy of the row's image and group begins, and the element, from the padding's begin."""
    first = row // place.elements * place.outputs * place.filters + group * place.filters_each
    before = place.g.before
    i, j, k = places(place.g.extents, row % place.elements)
    return first, (i + before[0], j + before[1], k + before[2])


@compiled
def _filter(place, column):
    """(filter of the group, offset of the tap, number of the tap)."""
    tap = column // place.filters_each
    return column % place.filters_each, offset_of(place.g, tap), tap


@compiled
def _next_filter(place, column):
    number, offset, tap = column
    if number + 1 < place.filters_each:
        return number + 1, offset, tap
    return 0, offset_of(place.g, tap + 1), tap + 1


@compiled
def _signal(dy, place, element, column):
    output = output_at(place.g, element[1], column[1])
    return dy[element[0] + output * place.filters + column[0]] if output >= 0 else dy.dtype.type(0)


_SIGNALS = Reader(True, _element, _filter, _next_filter, _signal)

# ---- Kernels turned: [channel, (tap, filter)] of w -----------------------------------------------


@compiled
def _channel(place, group, channel):
    return channel * place.filters + group * place.filters_each


@compiled
def _weight(w, place, channel, column):
    return w[channel + column[2] * place.each * place.filters + column[0]]


_TURNED_KERNELS = Reader(True, _channel, _filter, _next_filter, _weight)


# ---- The primitives ------------------------------------------------------------------------------


def conv(
    y: Any,
    z: Any,
    x: Any,
    w: Any,
    bias: Any = None,
    residual: Any = None,
    *,
    strides: tuple = (),
    pads: tuple = (),
    dilation: tuple = (),
    groups: int = 1,
    activation: str = "linear",
    a: float = 0.0,
    want_preactivation: bool = False,
    algorithm: str = "auto",
) -> None:
    """y = activation(z), z = x * w + bias + residual."""
    images, *extents, channels = tuple(x.shape)
    *window, _, filters = tuple(w.shape)
    g = geometry(extents, window, strides, pads, dilation)
    place = _place(g, channels, filters, groups)
    each = place.filters_each
    left = Side(flat(x), _WINDOWS, place)
    right = matrices(w, 1, filters, (groups,), (each,))
    extras = [None if array is None else flat(array) for array in (z, bias, residual)]
    result = Result(
        *(flat(y), each, filters, *extras), bias_step=each, activation=activation, a=a
    )
    multiply(left, right, (groups, images * g.outputs, each, g.taps * place.each), result)


def conv_backward_input(
    dx: Any,
    dy: Any,
    w: Any,
    *,
    strides: tuple = (),
    pads: tuple = (),
    dilation: tuple = (),
    groups: int = 1,
    extents: tuple = (),
    algorithm: str = "auto",
) -> None:
    """dx: for every element what the windows that meet it say, added up tap by tap."""
    *window, each, filters = tuple(w.shape)
    g = geometry(extents, window, strides, pads, dilation)
    place = _place(g, each * groups, filters, groups)
    sizes = (groups, dx.shape[0] * g.elements, each, g.taps * place.filters_each)
    left, right = Side(flat(dy), _SIGNALS, place), Side(flat(w), _TURNED_KERNELS, place)
    multiply(left, right, sizes, Result(flat(dx), each, place.channels))


def conv_backward_kernel(
    dw: Any,
    db: Any,
    x: Any,
    dy: Any,
    *,
    strides: tuple = (),
    pads: tuple = (),
    dilation: tuple = (),
    groups: int = 1,
    window: tuple = (),
    want_db: bool = True,
    algorithm: str = "auto",
) -> None:
    """dw = what windows meet, turned, @ dy; db = the sum of dy."""
    images, *extents, channels = tuple(x.shape)
    filters = tuple(dy.shape)[-1]
    g = geometry(extents, window, strides, pads, dilation)
    place = _place(g, channels, filters, groups)
    each = place.filters_each
    rows = images * g.outputs
    left = Side(flat(x), _TURNED_WINDOWS, place)
    right = matrices(dy, 1, filters, (groups,), (each,))
    result = Result(flat(dw), each, filters)
    multiply(left, right, (groups, g.taps * place.each, each, rows), result)
    if db is not None and filters:
        fold(flat(db), flat(dy), (1, math.prod((images, *g.out)), filters), "sum")


FUNCTIONS = {f.__name__: f for f in (conv, conv_backward_input, conv_backward_kernel)}
