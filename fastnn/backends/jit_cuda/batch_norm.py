"""Batch normalization of columns, and its gradients; sums of columns by reduce.py, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import mathematics
from .arrays import empty, flat
from .cuda import cuda, kernel, launch
from .reduce import fold

_sqrt = mathematics.sqrt
_double = np.float64


@kernel
def _statistics(mean, rstd, centre, variance, moving_mean, moving_variance, n, moves, momentum, e):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        mean[i] = centre[i]
        rstd[i] = 1 / _sqrt(_double(variance[i]) + e)
        if moves:
            rest = 1 - momentum
            moving_mean[i] = moving_mean[i] * momentum + _double(centre[i]) * rest
            moving_variance[i] = moving_variance[i] * momentum + _double(variance[i]) * rest


@kernel
def _normalize(y, x, mean, rstd, gamma, beta, n, channels, has_gamma, has_beta):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        c = i % channels
        value = (_double(x[i]) - _double(mean[c])) * _double(rstd[c])
        if has_gamma:
            value *= _double(gamma[c])
        if has_beta:
            value += _double(beta[c])
        y[i] = value


def batch_norm(
    y: Any,
    mean: Any,
    rstd: Any,
    x: Any,
    gamma: Any,
    beta: Any,
    given_mean: Any,
    given_variance: Any,
    moving_mean: Any,
    moving_variance: Any,
    *,
    epsilon: float = 1e-3,
    momentum: float = 0.99,
) -> None:
    """y = (x - mean) * rstd * gamma + beta for x [rows, channels]."""
    rows, channels = x.shape
    if not channels:
        return
    columns, x = (1, rows, channels), flat(x)
    centre, variance = given_mean, given_variance
    if centre is None:
        centre = empty(channels, _double)
        fold(centre, x, columns, "mean")
    if variance is None:
        around = centre
        if given_mean is not None:  # the variance is that around the rows' own mean
            around = empty(channels, _double)
            fold(around, x, columns, "mean")
        variance = empty(channels, _double)
        fold(variance, x, columns, "square_distance", around)
    moves = moving_mean is not None
    moving = (moving_mean, moving_variance) if moves else (mean, mean)
    statistics = (mean, rstd, centre, variance, *moving)
    launch(_statistics, channels, *statistics, channels, moves, momentum, epsilon)
    factors = [mean if factor is None else factor for factor in (gamma, beta)]
    flags = (gamma is not None, beta is not None)
    launch(_normalize, x.size, flat(y), x, mean, rstd, *factors, x.size, channels, *flags)


@kernel
def _products(product, dy, x, mean, rstd, n, channels):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        c = i % channels
        xh = (_double(x[i]) - _double(mean[c])) * _double(rstd[c])
        product[i] = _double(dy[i]) * xh


@kernel
def _slope(dx, dy, x, mean, rstd, gamma, dgamma, dbeta, rows, channels, has_gamma, batch):
    for i in range(cuda.grid(1), rows * channels, cuda.gridsize(1)):
        c = i % channels
        slope = _double(dy[i])
        if batch:
            xh = (_double(x[i]) - _double(mean[c])) * _double(rstd[c])
            slope -= (_double(dbeta[c]) + xh * _double(dgamma[c])) / rows
        factor = _double(rstd[c])
        if has_gamma:
            factor *= _double(gamma[c])
        dx[i] = slope * factor


def batch_norm_backward(
    dx: Any,
    dgamma: Any,
    dbeta: Any,
    dy: Any,
    x: Any,
    mean: Any,
    rstd: Any,
    gamma: Any = None,
    *,
    batch_statistics: bool = True,
    want_dx: bool = True,
) -> None:
    """dx = gamma * rstd * (dy - dbeta / rows - xh * dgamma / rows); sums for the others."""
    rows, channels = x.shape
    if not channels:
        return
    columns, dy, x = (1, rows, channels), flat(dy), flat(x)
    product = empty(x.size, x.dtype)
    launch(_products, x.size, product, dy, x, mean, rstd, x.size, channels)
    fold(dgamma, product, columns, "sum")
    fold(dbeta, dy, columns, "sum")
    if dx is not None:
        has_gamma = gamma is not None
        factors = (gamma if has_gamma else rstd, dgamma, dbeta)
        arrays = (flat(dx), dy, x, mean, rstd, *factors)
        launch(_slope, x.size, *arrays, rows, channels, has_gamma, batch_statistics)


FUNCTIONS = {"batch_norm": batch_norm, "batch_norm_backward": batch_norm_backward}
