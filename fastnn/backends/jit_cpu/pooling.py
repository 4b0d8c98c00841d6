"""Maxima and means over windows, and their gradients; all channels of one window together."""

from __future__ import annotations

import functools

import numpy as np

from .compile import Kernel, kernel
from .program import Array, Operand, Scratch, Stage, blocks, stage
from .windows import Geometry, corner_of, element_at, is_padding

_TASK = 8192
_MOST_KEPT = 255  # elements of a window whose numbers uint8 holds; itself: no element


@functools.cache
def _max_kernel(dtype: str) -> Kernel:
    low = np.dtype(dtype).type(-np.inf)

    def max_pool(
        y, which, x, windows, outputs, taps, elements, channels, none, relu, many, table, task
    ):
        for window in range(task * many, min(windows, (task + 1) * many)):
            image, to = window // outputs, window * channels
            corner = corner_of(table, window - image * outputs)
            for c in range(channels):
                y[to + c] = low
                which[to + c] = none
            first = True
            for tap in range(taps):
                element = element_at(table, corner, tap)
                if element < 0:
                    continue
                source = (image * elements + element) * channels
                for c in range(channels):
                    best, value, known = y[to + c], x[source + c], which[to + c]
                    better = first | (not (value <= best)) & (best == best)
                    y[to + c] = value if better else best
                    which[to + c] = tap if better else known
                first = False
            if relu:
                for c in range(to, to + channels):
                    which[c] = which[c] if y[c] > 0 else none

    return Kernel(max_pool, f"max_pool {dtype}")


def _maxima(
    y: Array, which: Array, x: Operand, geometry: Geometry, relu: bool = False
) -> list[Stage]:
    channels = x.shape[-1]
    windows = x.shape[0] * geometry.outputs
    many = max(1, _TASK // max(1, channels * geometry.taps))
    none = _MOST_KEPT if which.dtype == "uint8" else -1
    sizes = [windows, geometry.outputs, geometry.taps, geometry.elements, channels]
    numbers = [*sizes, none, int(relu), many]
    kernel_ = _max_kernel(x.dtype)
    return [
        stage(kernel_, [y, which, x], numbers, table=geometry.table, tasks=blocks(windows, many))
    ]


def max_pool(
    y: Operand,
    which: Operand | None,
    x: Operand,
    *,
    window: tuple,
    strides: tuple,
    pads: tuple,
    dilation: tuple,
    ceil: bool,
    want_which: bool,
    through_relu: bool,
) -> list[Stage]:
    """The largest element of every window and its number in it."""
    geometry = Geometry(x.shape[1:-1], window, strides, pads, dilation, ceil)
    return _maxima(y, which or Scratch(y.shape, "uint8"), x, geometry, through_relu)


@kernel
def _spread(dx, dy, which, outputs, taps, elements, channels, table, task):
    """One image: each element of dy to the element of its window that `which` says."""
    base = task * elements * channels
    for i in range(base, base + elements * channels):
        dx[i] = 0
    for output in range(outputs):
        source = (task * outputs + output) * channels
        corner = corner_of(table, output)
        for tap in range(taps):
            element = element_at(table, corner, tap)
            if element < 0:
                continue
            to = base + element * channels
            for c in range(channels):
                if which[source + c] == tap:
                    dx[to + c] += dy[source + c]


def max_pool_backward(
    dx: Operand,
    dy: Operand,
    which: Operand | None,
    x: Operand | None,
    *,
    extents: tuple,
    window: tuple,
    strides: tuple,
    pads: tuple,
    dilation: tuple,
    ceil: bool,
) -> list[Stage]:
    """dy, where the largest elements were."""
    geometry = Geometry(extents, window, strides, pads, dilation, ceil)
    stages: list[Stage] = []
    numbers_of: Array | None = which
    if not numbers_of:
        assert x
        numbers_of = Scratch(dy.shape, "int32")
        stages = _maxima(Scratch(dy.shape, dy.dtype), numbers_of, x, geometry)
    numbers = [geometry.outputs, geometry.taps, geometry.elements, dx.shape[-1]]
    arrays = [dx, dy, numbers_of]
    return [*stages, stage(_spread, arrays, numbers, table=geometry.table, tasks=dx.shape[0])]


@kernel
def _averaged(y, x, windows, outputs, taps, elements, channels, include, many, table, task):
    for window in range(task * many, min(windows, (task + 1) * many)):
        image, to = window // outputs, window * channels
        corner = corner_of(table, window - image * outputs)
        for c in range(channels):
            y[to + c] = 0
        count = 0
        for tap in range(taps):
            element = element_at(table, corner, tap)
            if element >= 0 or (include and is_padding(table, corner, tap)):
                count += 1
            if element >= 0:
                source = (image * elements + element) * channels
                for c in range(channels):
                    y[to + c] += x[source + c]
        for c in range(channels):
            y[to + c] = y[to + c] / count


def average_pool(
    y: Operand,
    x: Operand,
    *,
    window: tuple,
    strides: tuple,
    pads: tuple,
    count_include_pad: bool,
    ceil: bool,
) -> list[Stage]:
    """The mean of every window."""
    geometry = Geometry(x.shape[1:-1], window, strides, pads, (), ceil)
    channels = x.shape[-1]
    windows = x.shape[0] * geometry.outputs
    many = max(1, _TASK // max(1, channels * geometry.taps))
    numbers = [windows, geometry.outputs, geometry.taps, geometry.elements, channels]
    numbers += [count_include_pad, many]
    return [stage(_averaged, [y, x], numbers, table=geometry.table, tasks=blocks(windows, many))]


@kernel
def _shared_out(dx, dy, outputs, taps, elements, channels, include, table, task):
    """One image: each element of a window gets its share of dy."""
    base = task * elements * channels
    for i in range(base, base + elements * channels):
        dx[i] = 0
    for output in range(outputs):
        source = (task * outputs + output) * channels
        corner = corner_of(table, output)
        count = 0
        for tap in range(taps):
            inside = element_at(table, corner, tap) >= 0
            if inside or (include and is_padding(table, corner, tap)):
                count += 1
        for tap in range(taps):
            element = element_at(table, corner, tap)
            if element >= 0:
                to = base + element * channels
                for c in range(channels):
                    dx[to + c] += dy[source + c] / count


def average_pool_backward(
    dx: Operand,
    dy: Operand,
    *,
    extents: tuple,
    window: tuple,
    strides: tuple,
    pads: tuple,
    count_include_pad: bool,
    ceil: bool,
) -> list[Stage]:
    """dy, shared out to what each mean was over."""
    geometry = Geometry(extents, window, strides, pads, (), ceil)
    numbers = [geometry.outputs, geometry.taps, geometry.elements, dx.shape[-1]]
    numbers.append(count_include_pad)
    return [stage(_shared_out, [dx, dy], numbers, table=geometry.table, tasks=dx.shape[0])]


PLANNERS = {
    f.__name__: f for f in (max_pool, max_pool_backward, average_pool, average_pool_backward)
}
