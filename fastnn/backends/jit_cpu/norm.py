"""Normalization: row_norm, batch_norm and their gradients.

The forward pass of row_norm is a kernel of its own; the rest is composed of the element-wise loop
and of means. Twins: fastnn/backends/reference/{norm,batch_norm}.py, csrc/kernels/norm.cpp.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from .compile import Kernel, compiled, kernel
from .loops import elementwise
from .program import Array, Operand, Scratch, Stage, blocks, stage
from .reduce import fold, mean
from .softmax import row_sum

_TASK = 8192


@functools.cache
def _row_norm_kernel(dtype: str) -> Kernel:
    convert, add_up = np.dtype(dtype).type, row_sum(dtype)
    zero, one = convert(0), convert(1)

    def row_norm(
        y, means, rstds, x, gamma, beta, units, positions, groups, width,
        many, centred, has_gamma, has_beta, epsilon, task,
    ):  # fmt: skip
        count = convert(positions * width)
        step = groups * width
        for unit in range(task * many, min(units, (task + 1) * many)):
            column = unit % groups * width
            start = unit // groups * positions * step + column
            centre = zero
            if centred:
                for p in range(positions):
                    centre += add_up(x, start + p * step, width)
                centre /= count
                means[unit] = centre
            squares = zero
            for p in range(positions):
                at = start + p * step
                for i in range(at, at + width):
                    y[i] = (x[i] - centre) * (x[i] - centre)
                squares += add_up(y, at, width)
            rstd = convert(one / math.sqrt(squares / count + epsilon))
            rstds[unit] = rstd
            for p in range(positions):
                at = start + p * step
                for i in range(width):
                    v = (x[at + i] - centre) * rstd
                    v = v * gamma[column + i] if has_gamma else v
                    y[at + i] = v + beta[column + i] if has_beta else v

    return Kernel(row_norm, f"row_norm {dtype}")


def row_norm(
    y: Operand,
    mean: Operand | None,
    rstd: Operand,
    x: Operand,
    gamma: Operand | None,
    beta: Operand | None,
    *,
    kind: str,
    epsilon: float,
) -> list[Stage]:
    """y = (x - mean) * rstd * gamma + beta for x [batch, positions, groups, width]."""
    batch, positions, groups, width = x.shape
    units, many = batch * groups, max(1, _TASK // max(1, positions * width))
    if x.size == 0:
        return [zeros(array) for array in (mean, rstd) if array and array.size]
    numbers = [units, positions, groups, width, many, mean is not None, gamma is not None]
    arrays = [y, mean, rstd, x, gamma, beta]
    kernel_ = _row_norm_kernel(x.dtype)
    tasks = blocks(units, many)
    return [stage(kernel_, arrays, [*numbers, beta is not None], [epsilon], tasks=tasks)]


@kernel
def _fill_zero(y, n, task):
    for i in range(n):
        y[i] = 0


def zeros(y: Array) -> Stage:
    """y = 0."""
    return stage(_fill_zero, [y], [y.size])


_centred = compiled(lambda x, mean: x - mean)
_product = compiled(lambda x, y: x * y)
_slope = compiled(lambda g, xh, mg, mgx, rstd: (g - mg - xh * mgx) * rstd)
_slope_rms = compiled(lambda g, xh, mgx, rstd: (g - xh * mgx) * rstd)


def _times(y: Array, a: Array, b: Array) -> list[Stage]:
    return elementwise("product", _product, y, [a, b])


def _standardized(x: Operand, mean: Array | None, rstd: Array) -> tuple[Scratch, list[Stage]]:
    """(x - mean) * rstd, the statistics shaped so that they broadcast."""
    xh = Scratch(x.shape, x.dtype)
    if not mean:
        return xh, _times(xh, x, rstd)
    difference = Scratch(x.shape, x.dtype)
    stages = elementwise("centred", _centred, difference, [x, mean])
    return xh, stages + _times(xh, difference, rstd)


def row_norm_backward(
    dx: Operand | None,
    dgamma: Operand | None,
    dbeta: Operand | None,
    dy: Operand,
    x: Operand,
    mean_: Operand | None,
    rstd: Operand,
    gamma: Operand | None,
    *,
    want_dx: bool,
    want_dgamma: bool,
    want_dbeta: bool,
) -> list[Stage]:
    """dx = rstd * (g - mean(g) - xh * mean(g * xh)) for g = dy * gamma; sums for the others."""
    batch, positions, groups, width = x.shape
    columns = (1, batch * positions, groups * width)
    per_unit = (batch, 1, groups, 1)
    scale = rstd.reshaped(*per_unit)
    xh, stages = _standardized(x, mean_ and mean_.reshaped(*per_unit), scale)
    if dgamma:
        products = Scratch(x.shape, x.dtype)
        stages += _times(products, dy, xh) + fold(dgamma, products, columns, "sum")
    if dbeta:
        stages += fold(dbeta, dy, columns, "sum")
    if not dx or not x.size:
        return stages
    g: Array = dy
    if gamma:
        g = Scratch(x.shape, x.dtype)
        stages += _times(g, dy, gamma.reshaped(groups, width))
    gxh, mgx, mg = (Scratch(s, x.dtype) for s in (x.shape, per_unit, per_unit))
    stages += _times(gxh, g, xh) + mean(mgx, gxh, (1, 3))
    if not mean_:
        return stages + elementwise("slope_rms", _slope_rms, dx, [g, xh, mgx, scale])
    stages += mean(mg, g, (1, 3))
    return stages + elementwise("slope", _slope, dx, [g, xh, mg, mgx, scale])


# ---- Batch normalization -------------------------------------------------------------------------

_squared = compiled(lambda x, mean: (x - mean) * (x - mean))
_inverse_root = compiled(lambda variance, epsilon: 1 / np.sqrt(variance + epsilon))
_same = compiled(lambda x: x)
_shifted = compiled(lambda xh, beta: xh + beta)
_scaled = compiled(lambda xh, gamma, beta: xh * gamma + beta)


@kernel
def _blend_in(moving, new, n, keep, task):
    """moving = moving * keep + new * (1 - keep), computed in float64."""
    for i in range(n):
        moving[i] = moving[i] * keep + new[i] * (1 - keep)


def batch_norm(
    y: Operand,
    mean_: Operand,
    rstd: Operand,
    x: Operand,
    gamma: Operand | None,
    beta: Operand | None,
    given_mean: Operand | None,
    given_variance: Operand | None,
    moving_mean: Operand | None,
    moving_variance: Operand | None,
    *,
    epsilon: float,
    momentum: float,
) -> list[Stage]:
    """y = (x - mean) * rstd * gamma + beta for x [rows, channels]."""
    channels = (x.shape[1],)
    stages = elementwise("same", _same, mean_, [given_mean]) if given_mean else mean(mean_, x, (0,))
    variance: Array = given_variance or Scratch(channels, x.dtype)
    if not given_variance:
        squares = Scratch(x.shape, x.dtype)
        stages += elementwise("squared", _squared, squares, [x, mean_])
        stages += mean(variance, squares, (0,))
    for moving, new in ((moving_mean, mean_), (moving_variance, variance)):
        if moving:
            stages.append(stage(_blend_in, [moving, new], [moving.size], [momentum]))
    stages += elementwise("inverse_root", _inverse_root, rstd, [variance], {"epsilon": epsilon})
    xh, standardize = _standardized(x, mean_, rstd)
    stages += standardize
    if gamma and beta:
        return stages + elementwise("scaled", _scaled, y, [xh, gamma, beta])
    if gamma:
        return stages + _times(y, xh, gamma)
    function = ("shifted", _shifted, y, [xh, beta]) if beta else ("same", _same, y, [xh])
    return stages + elementwise(*function)


_factor_times = compiled(lambda dy, rstd, gamma: dy * (rstd * gamma))
_batch_slope = compiled(
    lambda dy, xh, db, dg, factor, count: factor * (dy - db / count - xh * (dg / count))
)


def batch_norm_backward(
    dx: Operand | None,
    dgamma: Operand,
    dbeta: Operand,
    dy: Operand,
    x: Operand,
    mean_: Operand,
    rstd: Operand,
    gamma: Operand | None,
    *,
    batch_statistics: bool,
    want_dx: bool,
) -> list[Stage]:
    """The gradients of batch_norm."""
    rows, channels = x.shape
    columns = (1, rows, channels)
    xh, stages = _standardized(x, mean_, rstd)
    products = Scratch(x.shape, x.dtype)
    stages += _times(products, dy, xh)
    stages += fold(dgamma, products, columns, "sum") + fold(dbeta, dy, columns, "sum")
    if not dx or not x.size:
        return stages
    if not batch_statistics:
        if not gamma:
            return stages + _times(dx, dy, rstd)
        return stages + elementwise("factor_times", _factor_times, dx, [dy, rstd, gamma])
    factor: Array = rstd
    if gamma:
        factor = Scratch((channels,), x.dtype)
        stages += _times(factor, rstd, gamma)
    arrays: list[Array] = [dy, xh, dbeta, dgamma, factor]
    return stages + elementwise("batch_slope", _batch_slope, dx, arrays, {"count": float(rows)})


PLANNERS = {f.__name__: f for f in (row_norm, row_norm_backward, batch_norm, batch_norm_backward)}
