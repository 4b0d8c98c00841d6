"""Arrays on the device as kernels get them: flat, or with strides."""

from __future__ import annotations

from typing import Any, NamedTuple

from . import memory
from .cuda import cuda, kernel, launch


class Strided(NamedTuple):
    """An array that need not be contiguous; all in elements, strides may be 0 or negative."""

    base: Any  # a 1-d device array
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def empty(shape: Any, dtype: Any) -> Any:
    """Scratch memory: a contiguous device array whose elements are not set."""
    return memory.scratch((shape,) if isinstance(shape, int) else tuple(shape), dtype)


def flat(x: Any) -> Any:
    """The elements of a contiguous array along one axis."""
    return x if x.ndim == 1 else x.reshape(x.size)


def contiguous_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a contiguous array, in elements."""
    strides, step = [], 1
    for extent in reversed(shape):
        strides.append(step)
        step *= extent
    return tuple(reversed(strides))


@kernel
def _clear(x, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        x[i] = 0


def clear(x: Any) -> None:
    """x = 0."""
    launch(_clear, x.size, flat(x), x.size)
