"""lamb and adafactor: steps that depend on norms and means of whole parameters.

Stages of each: find the direction, then the squares of the parameter and of the direction, then
step along it as far as these say. Twins: fastnn/backends/reference/optimizer.py, which has the
sources, csrc/ops/optimizer_scaled.cpp, csrc/ops/optimizer_adafactor.cpp.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from fastnn.backends.jit import optimizer_rules

from .compile import Kernel, compiled
from .program import BLOCK, Array, Scratch, Stage, blocks, stage
from .reduce import fold

# What optimizer.py decides for a call, in an array of float64.
RATE, STEPS, COUNT, KEPT, OVERWRITE, PRODUCT, GOES = range(7)


class Gradient(NamedTuple):
    """The gradient of parameter `number`, what is done to it first, and the parameter's decay."""

    array: Array
    number: int
    factors: Array
    clips: bool
    limit: float
    decay: float


@compiled
def clipped(d, bound):
    """d between -bound and bound; NaN stays."""
    return -bound if d < -bound else (bound if d > bound else d)


_constants = {
    "lamb": compiled(optimizer_rules.lamb_constants),
    "adafactor": compiled(optimizer_rules.adafactor_constants),
}


# ---- Their lengths -----------------------------------------------------------------------------


@compiled
def _lamb_length(squares, n, rate, c):
    usual = squares[0] > 0 and squares[1] > 0
    return rate * (math.sqrt(squares[0]) / math.sqrt(squares[1]) if usual else 1.0)


@compiled
def _adafactor_length(squares, n, rate, c):
    own, other = math.sqrt(squares[0] / n), math.sqrt(squares[1] / n) / c[3]
    size = (c[2] if own < c[2] else own) / (1.0 if other < 1 else other)
    return (c[4] if c[4] < rate else rate) * size


_LENGTHS = {"lamb": _lamb_length, "adafactor": _adafactor_length}


@functools.cache
def _step_kernel(rule: str, dtype: str) -> Kernel:
    convert, constants, length_of = np.dtype(dtype).type, _constants[rule], _LENGTHS[rule]

    def step(w, direction, squares, numbers, hyper, n, task):
        if numbers[STEPS] == 0:
            return
        c = constants(hyper, numbers[RATE], numbers[COUNT], 0.0)
        length = convert(length_of(squares, n, numbers[RATE], c))
        for i in range(task * BLOCK, min(n, (task + 1) * BLOCK)):
            w[i] -= length * direction[i]

    return Kernel(step, f"{rule} step {dtype}")


# ---- Their directions --------------------------------------------------------------------------


@functools.cache
def _lamb_kernel(dtype: str) -> Kernel:
    convert, constants = np.dtype(dtype).type, _constants["lamb"]

    def lamb(
        direction, w, g, m, v, numbers, factors, hyper, n, number, clips, limit, decay, task
    ):  # fmt: skip
        if numbers[STEPS] == 0:
            return
        c = constants(hyper, numbers[RATE], numbers[COUNT], 0.0)
        fresh_1, fresh_2, epsilon = convert(c[0]), convert(c[1]), convert(c[2])
        of_mean, of_square = convert(c[3]), convert(c[4])
        factor, bound = convert(factors[number]), convert(limit)
        lost = convert(decay * numbers[RATE])
        for i in range(task * BLOCK, min(n, (task + 1) * BLOCK)):
            d = g[i] * factor
            d = clipped(d, bound) if clips else d
            w[i] -= w[i] * lost
            mean = m[i] + (d - m[i]) * fresh_1
            square = v[i] + (d * d - v[i]) * fresh_2
            m[i], v[i] = mean, square
            direction[i] = mean * of_mean / (math.sqrt(square * of_square) + epsilon)

    return Kernel(lamb, f"lamb {dtype}")


@functools.cache
def _squares_kernel(dtype: str) -> Kernel:
    convert, constants = np.dtype(dtype).type, _constants["adafactor"]

    def squares_of_gradient(squares, g, numbers, factors, hyper, n, number, clips, limit, task):
        c = constants(hyper, numbers[RATE], numbers[COUNT], 0.0)
        epsilon, factor, bound = convert(c[1]), convert(factors[number]), convert(limit)
        for i in range(task * BLOCK, min(n, (task + 1) * BLOCK)):
            d = g[i] * factor
            d = clipped(d, bound) if clips else d
            squares[i] = d * d + epsilon

    return Kernel(squares_of_gradient, f"adafactor squares {dtype}")


@functools.cache
def _blend_kernel(dtype: str) -> Kernel:
    convert, constants = np.dtype(dtype).type, _constants["adafactor"]

    def blend(mean, fresh_mean, numbers, hyper, n, task):
        if numbers[STEPS] == 0:
            return
        c = constants(hyper, numbers[RATE], numbers[COUNT], 0.0)
        kept, fresh = convert(1 - c[0]), convert(c[0])
        for i in range(task * BLOCK, min(n, (task + 1) * BLOCK)):
            mean[i] = kept * mean[i] + fresh * fresh_mean[i]

    return Kernel(blend, f"adafactor blend {dtype}")


@functools.cache
def _factored_kernel(dtype: str) -> Kernel:
    convert = np.dtype(dtype).type

    def factored(v, row, column, row_mean, numbers, rows, columns, lines, group, task):
        if numbers[STEPS] == 0:
            return
        for line in range(task * group, min(lines, (task + 1) * group)):
            matrix = line // rows
            share = convert(row[line] / row_mean[matrix])
            for j in range(columns):
                v[line * columns + j] = share * column[matrix * columns + j]

    return Kernel(factored, f"adafactor factored {dtype}")


@functools.cache
def _adafactor_kernel(dtype: str) -> Kernel:
    convert, least = np.dtype(dtype).type, np.finfo(dtype).tiny

    def adafactor(direction, w, g, v, numbers, factors, n, number, clips, limit, decay, task):
        if numbers[STEPS] == 0:
            return
        factor, bound = convert(factors[number]), convert(limit)
        lost = convert(decay * numbers[RATE])
        for i in range(task * BLOCK, min(n, (task + 1) * BLOCK)):
            d = g[i] * factor
            d = clipped(d, bound) if clips else d
            w[i] -= w[i] * lost
            # Where the gradient is 0 along a row and along a column the square may underflow.
            direction[i] = d / math.sqrt(least if v[i] < least else v[i])

    return Kernel(adafactor, f"adafactor {dtype}")


# ---- Their stages ------------------------------------------------------------------------------


def _lamb(
    direction: Array, w: Array, slots: Sequence[Array], g: Gradient, numbers: Array, hyper: Array
) -> list[Stage]:
    arrays = [direction, w, g.array, *slots, numbers, g.factors, hyper]
    integers, reals = [w.size, g.number, g.clips], [g.limit, g.decay]
    return [stage(_lamb_kernel(w.dtype), arrays, integers, reals, tasks=blocks(w.size))]


def _adafactor(
    direction: Array, w: Array, slots: Sequence[Array], g: Gradient, numbers: Array, hyper: Array
) -> list[Stage]:
    """The mean squares of a matrix (the last two axes) are those of its rows and columns."""
    (row, column, v), n, dtype = slots, w.size, w.dtype
    squares = direction  # is written later

    def blended(mean: Array, fresh: Array) -> Stage:
        arrays = [mean, fresh, numbers, hyper]
        return stage(_blend_kernel(dtype), arrays, [mean.size], tasks=blocks(mean.size))

    arrays = [squares, g.array, numbers, g.factors, hyper]
    integers = [n, g.number, g.clips]
    stages = [stage(_squares_kernel(dtype), arrays, integers, [g.limit], tasks=blocks(n))]
    if len(w.shape) < 2:
        stages.append(blended(v, squares))
    else:
        rows, columns = w.shape[-2:]
        lines, matrices = n // columns, n // (rows * columns)
        of_rows, of_columns = Scratch(row.shape, dtype), Scratch(column.shape, dtype)
        row_mean = Scratch((matrices,), dtype)
        stages += fold(of_rows, squares, (lines, columns, 1), "mean")
        stages += fold(of_columns, squares, (matrices, rows, columns), "mean")
        stages += [blended(row, of_rows), blended(column, of_columns)]
        stages += fold(row_mean, row, (matrices, rows, 1), "mean")
        group = max(1, BLOCK // columns)
        arrays, integers = [v, row, column, row_mean, numbers], [rows, columns, lines, group]
        kernel = _factored_kernel(dtype)
        stages.append(stage(kernel, arrays, integers, tasks=blocks(lines, group)))
    arrays, integers = [direction, w, g.array, v, numbers, g.factors], [n, g.number, g.clips]
    reals = [g.limit, g.decay]
    return [*stages, stage(_adafactor_kernel(dtype), arrays, integers, reals, tasks=blocks(n))]


_DIRECTIONS: dict[str, Callable[..., list[Stage]]] = {"lamb": _lamb, "adafactor": _adafactor}
RULES = tuple(_DIRECTIONS)


def steps(
    rule: str, w: Array, slots: Sequence[Array], g: Gradient, numbers: Array, hyper: Array
) -> list[Stage]:
    """The stages of one parameter's step."""
    if w.size == 0:
        return []
    direction, squares = Scratch((w.size,), w.dtype), Scratch((2,), "float64")
    arrays = [w, direction, squares, numbers, hyper]
    return [
        *_DIRECTIONS[rule](direction, w, slots, g, numbers, hyper),
        *fold(squares, w, (1, w.size, 1), "wide_sum_squares"),
        *fold(squares, direction, (1, w.size, 1), "wide_sum_squares", 1),
        stage(_step_kernel(rule, w.dtype), arrays, [w.size], tasks=blocks(w.size)),
    ]
