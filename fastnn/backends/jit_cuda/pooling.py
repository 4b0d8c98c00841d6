"""max_pool, average_pool and their gradients: a thread for each element that is written.

In the gradients too: a thread asks every tap which window it could lie in, so that nothing is added
up by two threads and the order is fixed.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from .arrays import empty, flat
from .cuda import compiled, cuda, kernel, launch
from .windows import Geometry, begin_of, element_at, geometry, offset_of, output_at, places

_NOTHING = 255  # of `which`: the gradient goes nowhere
_double = np.float64


# ---- Maxima --------------------------------------------------------------------------------------


@functools.cache
def _max_pool(want_y: bool, want_which: bool) -> Any:
    """Of equal elements the first counts, and the first NaN."""

    @kernel
    def pool(y, which, x, g, sizes):
        count, channels, elements, outputs, taps, relu = sizes
        for at in range(cuda.grid(1), count, cuda.gridsize(1)):
            channel, window = at % channels, at // channels
            begin = begin_of(g, window % outputs)
            first = window // outputs * elements
            best, number = x.dtype.type(-math.inf), -1
            for tap in range(taps):
                element = element_at(g, begin, offset_of(g, tap))
                if element >= 0:
                    value = x[(first + element) * channels + channel]
                    if number < 0 or (best == best and not value <= best):
                        best, number = value, tap
            if want_y:
                y[at] = best
            if want_which:
                nowhere = number < 0 or (relu and not best > 0)
                which[at] = _NOTHING if nowhere else number

    return pool


def _sizes(count: int, channels: int, g: Geometry) -> tuple[int, ...]:
    return count, channels, g.elements, g.outputs, g.taps


def max_pool(
    y: Any,
    which: Any,
    x: Any,
    *,
    window: tuple,
    strides: tuple = (),
    pads: tuple = (),
    dilation: tuple = (),
    ceil: bool = False,
    want_which: bool = True,
    through_relu: bool = False,
) -> None:
    """The largest element of every window, and its number within the window."""
    _, *extents, channels = tuple(x.shape)
    g = geometry(extents, window, strides, pads, dilation, ceil)
    to = flat(y if which is None else which)
    sizes = *_sizes(y.size, channels, g), int(through_relu)
    launch(_max_pool(True, which is not None), y.size, flat(y), to, flat(x), g, sizes)


@kernel
def _max_pool_backward(dx, dy, which, g, sizes):
    count, channels, elements, outputs, taps = sizes
    before = g.before
    for at in range(cuda.grid(1), count, cuda.gridsize(1)):
        channel, element = at % channels, at // channels
        i, j, k = places(g.extents, element % elements)
        place = i + before[0], j + before[1], k + before[2]
        first = element // elements * outputs
        total = 0.0
        for tap in range(taps):
            output = output_at(g, place, offset_of(g, tap))
            if output >= 0 and which[(first + output) * channels + channel] == tap:
                total += _double(dy[(first + output) * channels + channel])
        dx[at] = total


def max_pool_backward(
    dx: Any,
    dy: Any,
    which: Any,
    x: Any,
    *,
    extents: tuple,
    window: tuple,
    strides: tuple = (),
    pads: tuple = (),
    dilation: tuple = (),
    ceil: bool = False,
) -> None:
    """Each element of dy goes to the element that was the largest of its window."""
    channels = tuple(dy.shape)[-1]
    g = geometry(extents, window, strides, pads, dilation, ceil)
    if which is None:  # more taps than a byte counts
        which = empty(dy.size, np.int64)
        sizes = *_sizes(dy.size, channels, g), 0
        launch(_max_pool(False, True), dy.size, which, which, flat(x), g, sizes)
    sizes = _sizes(dx.size, channels, g)
    launch(_max_pool_backward, dx.size, flat(dx), flat(dy), flat(which), g, sizes)


# ---- Means ---------------------------------------------------------------------------------------


@compiled
def _overlap(begin, window, low, high):
    """How many of the elements of a window, which begins there, lie from low to before high."""
    return max(0, min(begin + window, high) - max(begin, low))


@compiled
def _cells(g, begin, include_pad):
    """How many elements a window's mean is over; what lies beyond the padding never counts."""
    i, j, k = begin
    before, extents, after, window = g.before, g.extents, g.after, g.window
    if include_pad:
        return (
            _overlap(i, window[0], -before[0], extents[0] + after[0])
            * _overlap(j, window[1], -before[1], extents[1] + after[1])
            * _overlap(k, window[2], -before[2], extents[2] + after[2])
        )
    return (
        _overlap(i, window[0], 0, extents[0])
        * _overlap(j, window[1], 0, extents[1])
        * _overlap(k, window[2], 0, extents[2])
    )


@kernel
def _average_pool(y, x, g, sizes, include_pad):
    count, channels, elements, outputs, taps = sizes
    for at in range(cuda.grid(1), count, cuda.gridsize(1)):
        channel, window = at % channels, at // channels
        begin = begin_of(g, window % outputs)
        first = window // outputs * elements
        total = 0.0
        for tap in range(taps):
            element = element_at(g, begin, offset_of(g, tap))
            if element >= 0:
                total += _double(x[(first + element) * channels + channel])
        y[at] = total / _double(_cells(g, begin, include_pad))


def average_pool(
    y: Any,
    x: Any,
    *,
    window: tuple,
    strides: tuple = (),
    pads: tuple = (),
    count_include_pad: bool = False,
    ceil: bool = False,
) -> None:
    """The mean of every window."""
    _, *extents, channels = tuple(x.shape)
    g = geometry(extents, window, strides, pads, (), ceil)
    sizes = _sizes(y.size, channels, g)
    launch(_average_pool, y.size, flat(y), flat(x), g, sizes, count_include_pad)


@kernel
def _average_pool_backward(dx, dy, g, sizes, include_pad):
    count, channels, elements, outputs, taps = sizes
    before = g.before
    for at in range(cuda.grid(1), count, cuda.gridsize(1)):
        channel, element = at % channels, at // channels
        i, j, k = places(g.extents, element % elements)
        place = i + before[0], j + before[1], k + before[2]
        first = element // elements * outputs
        total = 0.0
        for tap in range(taps):
            output = output_at(g, place, offset_of(g, tap))
            if output >= 0:
                cells = _double(_cells(g, begin_of(g, output), include_pad))
                total += _double(dy[(first + output) * channels + channel]) / cells
        dx[at] = total


def average_pool_backward(
    dx: Any,
    dy: Any,
    *,
    extents: tuple,
    window: tuple,
    strides: tuple = (),
    pads: tuple = (),
    count_include_pad: bool = False,
    ceil: bool = False,
) -> None:
    """Each element of dy goes to all elements of its window in equal shares."""
    channels = tuple(dy.shape)[-1]
    g = geometry(extents, window, strides, pads, (), ceil)
    sizes = _sizes(dx.size, channels, g)
    launch(_average_pool_backward, dx.size, flat(dx), flat(dy), g, sizes, count_include_pad)


FUNCTIONS = {
    f.__name__: f for f in (max_pool, max_pool_backward, average_pool, average_pool_backward)
}
