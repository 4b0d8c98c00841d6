"""Copies, pads, fills and state that is written in place."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from fastnn.backends.jit.casts import to_integer
from fastnn.backends.reference.movement import PAD_MODES

from .compile import Kernel, compiled, kernel
from .loops import elementwise
from .program import BLOCK, Array, Operand, Stage, blocks, stage

_TASK = 8192


@functools.cache
def cast(source: str, to: str) -> Any:
    """f(x, scale): x in another type, compiled; floating point is multiplied by scale."""
    if to == "bool":
        return compiled(lambda x, scale: x != 0)
    if source.startswith("float") and not to.startswith("float"):
        return compiled(to_integer(to))
    if to.startswith("float"):
        convert = np.dtype(to).type
        return compiled(lambda x, scale: convert(x) * convert(scale))
    return compiled(lambda x, scale: np.int64(x))


def copied(y: Array, x: Array, scale: float = 1.0) -> list[Stage]:
    """y = x in y's type, times scale."""
    return elementwise(
        f"copy {x.dtype} {y.dtype}", cast(x.dtype, y.dtype), y, [x], {"scale": scale}
    )


def copy(y: Operand, x: Operand, *, dtype: str, scale: float) -> list[Stage]:
    """y = x in another type; one that is strided has been packed before."""
    return copied(y, x, scale)


def assign(y: Operand, x: Operand) -> list[Stage]:
    """y becomes x."""
    return copied(y, x)


@kernel
def _padded(y, x, rows, width, rank, group, value, table, task):
    """Rows of the last axis. table: extent, stride and first map entry an axis, then the maps."""
    last = 3 * (rank - 1)
    for row in range(task * group, min(rows, (task + 1) * group)):
        rest, source, outside = row, 0, False
        for axis in range(rank - 2, -1, -1):
            extent = table[3 * axis]
            place = table[table[3 * axis + 2] + rest % extent]
            rest = rest // extent
            outside = outside or place < 0
            source += place * table[3 * axis + 1]
        for i in range(width):
            place = table[table[last + 2] + i]
            if outside or place < 0:
                y[row * width + i] = value
            else:
                y[row * width + i] = x[source + place]


def pad(
    y: Operand, x: Operand, *, before: tuple, after: tuple, mode: int, value: float
) -> list[Stage]:
    """x between what is added; each axis of y has a map to the elements of x, -1 for `value`."""
    if not x.shape:
        return copied(y, x)
    kind: Any = PAD_MODES[mode]
    options: Any = {"constant_values": -1} if kind == "constant" else {}
    maps = [
        np.pad(np.arange(n), (b, a), mode=kind, **options)
        for n, b, a in zip(x.shape, before, after)
    ]
    head, tail, step = [], [], x.size
    at = 3 * len(maps)
    for n, places in zip(x.shape, maps):
        step = step // n if n else 0
        head += [len(places), step, at]
        tail += places.tolist()
        at += len(places)
    width = y.shape[-1]
    if y.size == 0:
        return []
    rows, group = y.size // width, max(1, _TASK // width)
    numbers = [rows, width, len(maps), group]
    return [stage(_padded, [y, x], numbers, [value], head + tail, blocks(rows, group))]


@kernel
def _interleaved(y, x, rows, width, whole, at, group, task):
    """y[row, at : at + width] = x[row]."""
    for row in range(task * group, min(rows, (task + 1) * group)):
        for i in range(width):
            y[row * whole + at + i] = x[row * width + i]


def concatenate(y: Operand, xs: list[Operand], *, axis: int) -> list[Stage]:
    """One behind the other along the axis."""
    stages, at = [], 0
    rows, inner = math.prod(y.shape[:axis]), math.prod(y.shape[axis + 1 :])
    for x in xs:
        width = x.shape[axis] * inner
        if x.size:
            group = max(1, _TASK // width)
            numbers = [rows, width, y.shape[axis] * inner, at, group]
            stages.append(stage(_interleaved, [y, x], numbers, tasks=blocks(rows, group)))
        at += width
    return stages


@functools.cache
def _one_hot_kernel(dtype: str) -> Kernel:
    to = cast("float64", dtype)

    def one_hot(y, labels, n, depth, group, on, off, task):
        high, low = to(on, 1.0), to(off, 1.0)
        for i in range(task * group, min(n, (task + 1) * group)):
            for j in range(depth):
                y[i * depth + j] = high if labels[i] == j else low

    return Kernel(one_hot, f"one_hot {dtype}")


def one_hot(
    y: Operand, labels: Operand, *, depth: int, on: float, off: float, dtype: str
) -> list[Stage]:
    """y[..., j] = on where the label is j, else off."""
    n, group = labels.size, max(1, _TASK // max(1, depth))
    kernel_ = _one_hot_kernel(dtype)
    return [stage(kernel_, [y, labels], [n, depth, group], [on, off], tasks=blocks(n, group))]


@functools.cache
def _arange_kernel(dtype: str) -> Kernel:
    to = cast("float64", dtype)

    def arange(y, n, start, step, task):
        for i in range(task * BLOCK, min(n, (task + 1) * BLOCK)):
            y[i] = to(start + np.float64(i) * step, 1.0)

    return Kernel(arange, f"arange {dtype}")


def arange(y: Operand, *, start: float, step: float, count: int, dtype: str) -> list[Stage]:
    """y[i] = start + i * step."""
    return [stage(_arange_kernel(dtype), [y], [count], [start, step], tasks=blocks(count))]


@kernel
def _accumulated(total, count, x, n, scale, rows, task):
    """total += scale * sum(x) and count += rows, in float64 and eight chains."""
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
    whole = n // 8 * 8
    for i in range(0, whole, 8):
        s0 += np.float64(x[i])
        s1 += np.float64(x[i + 1])
        s2 += np.float64(x[i + 2])
        s3 += np.float64(x[i + 3])
        s4 += np.float64(x[i + 4])
        s5 += np.float64(x[i + 5])
        s6 += np.float64(x[i + 6])
        s7 += np.float64(x[i + 7])
    for i in range(whole, n):
        s0 += np.float64(x[i])
    total[0] += scale * (((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7)))
    count[0] += rows


def accumulate(
    total: Operand, count: Operand, x: Operand, *, scale: float, rows: float
) -> list[Stage]:
    """What metrics are made of."""
    return [stage(_accumulated, [total, count, x], [x.size], [scale, rows])]


PLANNERS = {f.__name__: f for f in (copy, assign, pad, concatenate, one_hot, arange, accumulate)}
