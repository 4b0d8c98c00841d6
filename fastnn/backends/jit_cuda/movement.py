"""Copies, pads and fills: pad, concatenate, one_hot, arange, assign, accumulate."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from . import mathematics
from .arrays import empty, flat
from .cuda import cuda, kernel, launch
from .elementwise import cast_function, copy
from .reduce import fold

_MODES = ("constant", "edge", "reflect", "symmetric")
_multiply, _add = mathematics.MULTIPLY["float64"], mathematics.ADD["float64"]
_double, _whole = np.float64, np.int64


@kernel
def _pad(y, x, n, shape, extents, before, mode, value):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        rest, at, step, inside = i, 0, 1, True
        for axis in range(len(shape) - 1, -1, -1):
            place, extent = rest % shape[axis] - before[axis], extents[axis]
            rest //= shape[axis]
            if place < 0 or place >= extent:
                if mode == 0:
                    inside, place = False, 0
                elif mode == 1:
                    place = 0 if place < 0 else extent - 1
                elif mode == 2:  # a wave of period 2 (extent - 1)
                    place = place % max(1, 2 * (extent - 1))
                    place = min(place, 2 * (extent - 1) - place)
                else:  # of period 2 extent
                    place = place % (2 * extent)
                    place = min(place, 2 * extent - 1 - place)
            at += place * step
            step *= extent
        if inside:
            y[i] = x[at]
        else:
            y[i] = value


def pad(
    y: Any,
    x: Any,
    *,
    before: tuple[int, ...],
    after: tuple[int, ...],
    mode: str | int = "constant",
    value: float = 0.0,
) -> None:
    """x between what is added before and after it along every axis."""
    if x.ndim == 0:
        assign(y, x)
        return
    number = _MODES.index(mode) if isinstance(mode, str) else mode
    shapes = tuple(y.shape), tuple(x.shape), tuple(before)
    launch(_pad, y.size, flat(y), flat(x), y.size, *shapes, number, value)


@kernel
def _place(y, x, n, width, stride, first):
    """Rows of x of that width, into rows of y that lie a stride apart."""
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        y[i // width * stride + first + i % width] = x[i]


def concatenate(y: Any, xs: list, *, axis: int) -> None:
    """The arrays one behind the other along the axis."""
    axis = axis % y.ndim
    inner, first = math.prod(y.shape[axis + 1 :]), 0
    for x in xs:
        width = x.shape[axis] * inner
        launch(_place, x.size, flat(y), flat(x), x.size, width, y.shape[axis] * inner, first)
        first += width


@kernel
def _one_hot(y, labels, n, depth, on, off):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        y[i] = on if _whole(labels[i // depth]) == i % depth else off


def one_hot(
    y: Any, labels: Any, *, depth: int, on: float = 1.0, off: float = 0.0, dtype: str = "float32"
) -> None:
    """y[..., j] = on if labels[...] == j else off."""
    launch(_one_hot, y.size, flat(y), flat(labels), y.size, depth, on, off)


@functools.cache
def _arange(dtype: str) -> Any:
    cast = cast_function("float64", dtype)

    @kernel
    def arange(y, n, start, step):
        for i in range(cuda.grid(1), n, cuda.gridsize(1)):
            y[i] = cast(_add(start, _multiply(_double(i), step)), 1.0)

    return arange


def arange(y: Any, *, start: float = 0.0, step: float = 1.0, count: int, dtype: str) -> None:
    """y[i] = start + i * step, in float64 and then cast."""
    launch(_arange(dtype), count, y, count, float(start), float(step))


def assign(y: Any, x: Any) -> None:
    """y becomes x."""
    copy(y, x, dtype=str(y.dtype))


@kernel
def _accumulate(total, count, sum_, scale, rows):
    total[0] += scale * sum_[0]
    count[0] += rows


def accumulate(total: Any, count: Any, x: Any, *, scale: float = 1.0, rows: float = 1.0) -> None:
    """total += scale * sum(x) and count += rows, in float64."""
    sum_ = empty(1, _double)
    fold(sum_, flat(x), (1, x.size, 1), "sum")
    launch(_accumulate, 1, flat(total), flat(count), sum_, float(scale), float(rows))


FUNCTIONS = {f.__name__: f for f in (pad, concatenate, one_hot, arange, assign, accumulate)}
