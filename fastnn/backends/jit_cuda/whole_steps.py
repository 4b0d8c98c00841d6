"""lamb and adafactor: steps that depend on norms and means of whole tensors.

Each finds a direction, then its length and the parameter's, and steps as far as these say. Sources:
reference/optimizer.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastnn.backends.jit.optimizer_rules import adafactor_constants, lamb_constants

from . import mathematics
from .arrays import empty, flat
from .cuda import compiled, cuda, kernel, launch
from .reduce import fold

_sqrt = mathematics.sqrt
_double = np.float64

# What optimizer.py decides for a call: a row of numbers; the rule's shared ones follow.
RATE, STEPS, KEPT, OVERWRITE, GOES, SHARED = range(6)


class WholeRule(NamedTuple):
    """The number of shared numbers, what they are, and the launches of a tensor's step."""

    shared: int
    constants: Callable
    run: Callable


@compiled
def _gradient(g, factor, clips, limit):
    d = _double(g) * factor
    return (-limit if d < -limit else (limit if d > limit else d)) if clips else d


@kernel
def _decayed(w, numbers, n, decay):
    """The parameter loses its share first."""
    if numbers[STEPS] == 0:
        return
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        w[i] -= w[i] * (decay * numbers[RATE])


@kernel
def _lamb_direction(direction, w, g, m, v, numbers, factors, n, number, clips, limit):
    if numbers[STEPS] == 0:
        return
    c1, c2, epsilon = numbers[SHARED], numbers[SHARED + 1], numbers[SHARED + 2]
    of_mean, of_square = numbers[SHARED + 3], numbers[SHARED + 4]
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        d = _gradient(g[i], factors[number], clips, limit)
        m[i] += (d - m[i]) * c1
        v[i] += (d * d - v[i]) * c2
        direction[i] = m[i] * of_mean / (_sqrt(v[i] * of_square) + epsilon)


@kernel
def _lamb_step(w, direction, lengths, numbers, n):
    if numbers[STEPS] == 0:
        return
    ratio = 1.0
    if min(lengths[0], lengths[1]) > 0:
        ratio = _sqrt(lengths[0]) / _sqrt(lengths[1])
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        w[i] -= numbers[RATE] * ratio * direction[i]


def _lengths(w: Any, direction: Any) -> Any:
    """The sums of their squares."""
    lengths = empty(2, _double)
    fold(lengths[:1], flat(w), (1, w.size, 1), "sum_squares")
    fold(lengths[1:], direction, (1, w.size, 1), "sum_squares")
    return lengths


def _lamb(
    w: Any, g: Any, m: Any, v: Any, numbers: Any, factors: Any, number: int, clips: bool,
    limit: float, decay: float,
) -> None:  # fmt: skip
    n = w.size
    if not n:
        return
    direction = empty(n, _double)
    launch(_decayed, n, flat(w), numbers, n, decay)
    arrays = direction, flat(w), flat(g), flat(m), flat(v), numbers, factors
    launch(_lamb_direction, n, *arrays, n, number, clips, limit)
    launch(_lamb_step, n, flat(w), direction, _lengths(w, direction), numbers, n)


# ---- Adafactor -----------------------------------------------------------------------------------


@kernel
def _squared(squares, g, numbers, factors, n, number, clips, limit):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        d = _gradient(g[i], factors[number], clips, limit)
        squares[i] = d * d + numbers[SHARED + 1]


@kernel
def _blended(mean, fresh_mean, numbers, n):
    if numbers[STEPS] == 0:
        return
    fresh = numbers[SHARED]
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        mean[i] = (1 - fresh) * mean[i] + fresh * fresh_mean[i]


@kernel
def _factored(v, row, column, row_mean, numbers, n, rows, columns):
    """v = row * column / mean(row) of the last two axes."""
    if numbers[STEPS] == 0:
        return
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        matrix, line = i // (rows * columns), i // columns
        share = row[line] / row_mean[matrix]
        v[i] = share * column[matrix * columns + i % columns]


@kernel
def _adafactor_direction(direction, g, v, factors, n, number, clips, limit, least):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        square = _double(v[i])
        square = least if square < least else square
        direction[i] = _gradient(g[i], factors[number], clips, limit) / _sqrt(square)


@kernel
def _adafactor_step(w, direction, lengths, numbers, n):
    if numbers[STEPS] == 0:
        return
    epsilon, threshold = numbers[SHARED + 2], numbers[SHARED + 3]
    own, other = _sqrt(lengths[0] / n), _sqrt(lengths[1] / n) / threshold
    size = (epsilon if own < epsilon else own) / (1.0 if other < 1 else other)
    rate = min(numbers[RATE], numbers[SHARED + 4])
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        w[i] -= rate * size * direction[i]


def _adafactor(
    w: Any, g: Any, row: Any, column: Any, v: Any, numbers: Any, factors: Any, number: int,
    clips: bool, limit: float, decay: float,
) -> None:  # fmt: skip
    n, shape = w.size, tuple(w.shape)
    if not n:
        return
    launch(_decayed, n, flat(w), numbers, n, decay)
    squares, direction = empty(n, _double), empty(n, _double)
    launch(_squared, n, squares, flat(g), numbers, factors, n, number, clips, limit)
    if len(shape) > 1:
        rows, columns = shape[-2:]
        matrices = n // (rows * columns)
        of_rows, of_columns = empty(row.size, _double), empty(column.size, _double)
        mean = empty(matrices, _double)
        fold(of_rows, squares, (row.size, columns, 1), "mean")
        fold(of_columns, squares, (matrices, rows, columns), "mean")
        launch(_blended, row.size, flat(row), of_rows, numbers, row.size)
        launch(_blended, column.size, flat(column), of_columns, numbers, column.size)
        fold(mean, flat(row), (matrices, rows, 1), "mean")
        parts = flat(v), flat(row), flat(column), mean
        launch(_factored, n, *parts, numbers, n, rows, columns)
    else:
        launch(_blended, n, flat(v), squares, numbers, n)
    least = float(np.finfo(np.dtype(w.dtype)).tiny)
    scalars = n, number, clips, limit, least
    launch(_adafactor_direction, n, direction, flat(g), flat(v), factors, *scalars)
    launch(_adafactor_step, n, flat(w), direction, _lengths(w, direction), numbers, n)


WHOLE_RULES = {
    "lamb": WholeRule(5, lamb_constants, _lamb),
    "adafactor": WholeRule(5, adafactor_constants, _adafactor),
}
