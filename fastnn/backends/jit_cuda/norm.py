"""Layer, RMS, group and instance normalization (row_norm) and their gradients.

A block takes an element of the batch and a group, whose numbers are those of all positions, and adds
them up in float64. What gamma and beta get are sums of columns, by reduce.py.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from . import mathematics
from .arrays import empty, flat
from .cuda import compiled, cuda, kernel, launch, launch_rows
from .reduce import fold
from .tree import add, tree

_sqrt = mathematics.sqrt
_double = np.float64
_sum = tree(add, _double)


@compiled
def _places(sizes, unit, number):
    """Where a unit's number stands, and its column, for x [batch, positions, groups, width]."""
    positions, groups, width = sizes
    column = unit % groups * width + number % width
    return (unit // groups * positions + number // width) * groups * width + column, column


@kernel
def _row_norm(y, mean, rstd, x, gamma, beta, sizes, flags, epsilon):
    centred, has_gamma, has_beta = flags
    unit, n = cuda.blockIdx.x, sizes[0] * sizes[2]
    centre = 0.0
    if centred:
        for number in range(cuda.threadIdx.x, n, cuda.blockDim.x):
            at, _ = _places(sizes, unit, number)
            centre += _double(x[at])
        centre = _sum(centre) / n
    squares = 0.0
    for number in range(cuda.threadIdx.x, n, cuda.blockDim.x):
        at, _ = _places(sizes, unit, number)
        distance = _double(x[at]) - centre
        squares += distance * distance
    scale = 1 / _sqrt(_sum(squares) / n + epsilon)
    for number in range(cuda.threadIdx.x, n, cuda.blockDim.x):
        at, column = _places(sizes, unit, number)
        value = (_double(x[at]) - centre) * scale
        if has_gamma:
            value *= _double(gamma[column])
        if has_beta:
            value += _double(beta[column])
        y[at] = value
    if cuda.threadIdx.x == 0:
        rstd[unit] = scale
        if centred:
            mean[unit] = centre


def row_norm(
    y: Any,
    mean: Any,
    rstd: Any,
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    *,
    kind: str = "layer",
    epsilon: float = 1e-3,
) -> None:
    """y = (x - mean) * rstd * gamma + beta for x [batch, positions, groups, width]."""
    batch, positions, groups, width = tuple(x.shape)
    if not x.size:
        for array in (mean, rstd):
            if array is not None and array.size:
                launch(_fill_zero, array.size, flat(array), array.size)
        return
    flags = tuple(int(array is not None) for array in (mean, gamma, beta))
    arrays = [flat(y if array is None else array) for array in (y, mean, rstd, x, gamma, beta)]
    sizes = (positions, groups, width)
    launch_rows(_row_norm, batch * groups, positions * width, *arrays, sizes, flags, epsilon)


@kernel
def _fill_zero(y, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        y[i] = 0


# ---- Gradients -----------------------------------------------------------------------------------


@functools.cache
def _standardized(centred: bool) -> Any:
    @compiled
    def standardized(x, mean, rstd, at, unit):
        value = _double(x[at]) - _double(mean[unit]) if centred else _double(x[at])
        return value * _double(rstd[unit])

    return standardized


@functools.cache
def _slope(centred: bool) -> Any:
    standardized = _standardized(centred)

    @kernel
    def slope(dx, dy, x, mean, rstd, gamma, sizes, has_gamma):
        unit, n = cuda.blockIdx.x, sizes[0] * sizes[2]
        of_g, of_product = 0.0, 0.0
        for number in range(cuda.threadIdx.x, n, cuda.blockDim.x):
            at, column = _places(sizes, unit, number)
            g = _double(dy[at]) * (_double(gamma[column]) if has_gamma else 1.0)
            of_g += g
            of_product += g * standardized(x, mean, rstd, at, unit)
        of_g = _sum(of_g) / n if centred else 0.0
        of_product = _sum(of_product) / n
        for number in range(cuda.threadIdx.x, n, cuda.blockDim.x):
            at, column = _places(sizes, unit, number)
            g = _double(dy[at]) * (_double(gamma[column]) if has_gamma else 1.0)
            xh = standardized(x, mean, rstd, at, unit)
            dx[at] = (g - of_g - xh * of_product) * _double(rstd[unit])

    return slope


@functools.cache
def _products(centred: bool) -> Any:
    standardized = _standardized(centred)

    @kernel
    def products(product, dy, x, mean, rstd, count, sizes):
        positions, groups, width = sizes
        for at in range(cuda.grid(1), count, cuda.gridsize(1)):
            unit = at // (positions * groups * width) * groups + at // width % groups
            product[at] = _double(dy[at]) * standardized(x, mean, rstd, at, unit)

    return products


def row_norm_backward(
    dx: Any,
    dgamma: Any,
    dbeta: Any,
    dy: Any,
    x: Any,
    mean: Any,
    rstd: Any,
    gamma: Any = None,
    *,
    want_dx: bool = True,
    want_dgamma: bool = True,
    want_dbeta: bool = True,
) -> None:
    """dx = rstd * (g - mean(g) - xh * mean(g * xh)) for g = dy * gamma; sums for the others."""
    batch, positions, groups, width = tuple(x.shape)
    sizes, columns = (positions, groups, width), (1, batch * positions, groups * width)
    centred = mean is not None
    dy, x, rstd = flat(dy), flat(x), flat(rstd)
    mean = flat(mean) if centred else rstd
    if dgamma is not None and dgamma.size:
        product = empty(x.size, x.dtype)
        launch(_products(centred), x.size, product, dy, x, mean, rstd, x.size, sizes)
        fold(flat(dgamma), product, columns, "sum")
    if dbeta is not None and dbeta.size:
        fold(flat(dbeta), dy, columns, "sum")
    if dx is not None and x.size:
        has_gamma = gamma is not None
        arrays = [flat(dx), dy, x, mean, rstd, flat(gamma) if has_gamma else rstd]
        launch_rows(
            _slope(centred), batch * groups, positions * width, *arrays, sizes, has_gamma
        )


FUNCTIONS = {"row_norm": row_norm, "row_norm_backward": row_norm_backward}
