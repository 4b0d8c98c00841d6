"""resize and its gradient: one spatial axis after the other."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from fastnn.backends.reference.resize import taken

from .arrays import empty, flat
from .cuda import cuda, kernel, launch
from .memory import upload
from .movement import assign

_double = np.float64


@functools.cache
def _taken(n: int, out: int, method: str, corners: str) -> tuple[Any, ...]:
    """What each of ``out`` positions takes of n; and from which on, to which, take each of n."""
    first, second, share = taken(n, out, method, corners)
    places = np.arange(n)
    begin = np.searchsorted(second, places, "left")
    end = np.searchsorted(first, places, "right")
    arrays = [np.asarray(x, np.int64) for x in (first, second, begin, end)]
    return tuple(upload(x) for x in (*arrays, share))


@kernel
def _along(y, x, first, second, share, total, n, out, inner):
    for i in range(cuda.grid(1), total, cuda.gridsize(1)):
        o, column, start = i // inner % out, i % inner, i // (inner * out) * n
        low = _double(x[(start + first[o]) * inner + column])
        high = _double(x[(start + second[o]) * inner + column])
        y[i] = low * (1 - share[o]) + high * share[o] if share[o] != 0 else low


@kernel
def _back_along(dx, dy, first, second, share, begin, end, total, n, out, inner):
    """A thread an element of dx: what it gave, in ascending order."""
    for i in range(cuda.grid(1), total, cuda.gridsize(1)):
        place, column, start = i // inner % n, i % inner, i // (inner * n) * out
        sum_ = 0.0
        for o in range(begin[place], end[place]):
            given = _double(dy[(start + o) * inner + column])
            if first[o] == place:
                sum_ += given * (1 - share[o])
            if second[o] == place and share[o] != 0:
                sum_ += given * share[o]
        dx[i] = sum_


def _each_axis(y: Any, x: Any, step: Any) -> None:
    """Runs ``step(y, x, n, out, inner)`` for every spatial axis that changes."""
    shape, target = list(x.shape), tuple(y.shape)
    axes = [axis for axis in range(1, len(shape) - 1) if shape[axis] != target[axis]]
    if not axes:
        assign(y, x)
    for axis in axes:
        n, shape[axis] = shape[axis], target[axis]
        to = flat(y) if axis == axes[-1] else empty(math.prod(shape), y.dtype)
        step(to, flat(x), n, target[axis], math.prod(shape[axis + 1 :]))
        x = to


def resize(
    y: Any, x: Any, *, size: tuple, method: str = "nearest", corners: str = "half_pixel"
) -> None:
    """x [batch, spatial..., channels] with spatial shape ``size``."""

    def step(y: Any, x: Any, n: int, out: int, inner: int) -> None:
        first, second, _, _, share = _taken(n, out, method, corners)
        launch(_along, y.size, y, x, first, second, share, y.size, n, out, inner)

    _each_axis(y, x, step)


def resize_backward(
    dx: Any, dy: Any, *, extents: tuple, method: str = "nearest", corners: str = "half_pixel"
) -> None:
    """The gradient of resize for x with spatial shape ``extents``."""

    def step(dx: Any, dy: Any, out: int, n: int, inner: int) -> None:
        first, second, begin, end, share = _taken(n, out, method, corners)
        tables = first, second, share, begin, end
        launch(_back_along, dx.size, dx, dy, *tables, dx.size, n, out, inner)

    _each_axis(dx, dy, step)


FUNCTIONS = {f.__name__: f for f in (resize, resize_backward)}
