"""Normalization of channels over a batch."""

from __future__ import annotations

import math
from typing import Any

from fastnn import _core
from fastnn.ops.comparison import where
from fastnn.ops.core import (
    Tensor,
    Variable,
    as_float,
    as_tensor,
    follows_operands,
    normalize_axis,
    record,
)
from fastnn.ops.reduce import sum as _sum
from fastnn.ops.shape import broadcast_to, reshape, transpose


def _last(x: Tensor, axis: int) -> Tensor:
    """x with that axis behind the others."""
    if axis == x.ndim - 1:
        return x
    return transpose(x, (*range(axis), *range(axis + 1, x.ndim), axis))


def _back(x: Tensor, axis: int) -> Tensor:
    """The inverse of ``_last``."""
    if axis == x.ndim - 1:
        return x
    return transpose(x, (*range(axis), x.ndim - 1, *range(axis, x.ndim - 1)))


def _per_channel(operation: str, name: str, value: Any, x: Tensor, channels: int) -> Tensor | None:
    if value is None:
        return None
    value = as_tensor(value, x.dtype, f"{operation}: {name}")
    if value.size != channels:
        raise ValueError(
            f"{operation}: {name} has shape {value.shape}, expected ({channels},), one for each "
            f"channel of x with shape {x.shape}"
        )
    return value if value.ndim == 1 else reshape(value, (channels,))


def _given_rule(node: _core.Node, gradient: Any) -> tuple:
    rows, mean, rstd, gamma = node.saved
    dy = _core.reshape(gradient, rows.shape)
    dx, dgamma, dbeta = _core.batch_norm_backward(dy, rows, mean, rstd, gamma, False, node.needs[0])
    factor = rstd if gamma is None else gamma * rstd
    dmean = -(factor * dbeta) if node.needs[1] else None
    dvariance = factor * rstd * dgamma * -0.5 if node.needs[2] else None
    dx = None if dx is None else _core.reshape(dx, gradient.shape)
    return dx, dmean, dvariance, dbeta, dgamma


@follows_operands
def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    axis: int,
    offset: Any = None,
    scale: Any = None,
    epsilon: float = 1e-3,
) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon) * scale + offset for every channel.

    Ioffe and Szegedy, "Batch normalization" (2015). mean, variance, offset (None: 0) and scale
    (None: 1) have an element for each of the channels, which lie along ``axis``. ValueError if one
    has not.

    >>> batch_normalization([[1.0, 30.0]], [0.0, 10.0], [1.0, 100.0], -1, epsilon=0.0).tolist()
    [[1.0, 2.0]]
    """
    operation = "batch_normalization"
    x = as_float(x, f"{operation}: x")
    axis = normalize_axis(operation, axis, x.ndim)
    channels = x.shape[axis]
    mean = _per_channel(operation, "mean", mean, x, channels)
    variance = _per_channel(operation, "variance", variance, x, channels)
    offset = _per_channel(operation, "offset", offset, x, channels)
    scale = _per_channel(operation, "scale", scale, x, channels)
    moved = _last(x, axis)
    rows = _core.reshape(moved, (math.prod(moved.shape[:-1]), channels))
    y, kept, rstd = _core.batch_norm(rows, scale, offset, mean, variance, None, None, epsilon)
    saved = (rows, kept, rstd, scale)
    y = _core.reshape(y, moved.shape)
    return _back(record(y, _given_rule, saved, moved, mean, variance, offset, scale), axis)


def _batch_rule(node: _core.Node, gradient: Any) -> tuple:
    rows, mean, rstd, gamma = node.saved
    dy = _core.reshape(gradient, rows.shape)
    dx, dgamma, dbeta = _core.batch_norm_backward(dy, rows, mean, rstd, gamma, True, node.needs[0])
    return None if dx is None else _core.reshape(dx, gradient.shape), dbeta, dgamma


def normalize_batch(
    x: Tensor,
    axis: int,
    offset: Tensor | None,
    scale: Tensor | None,
    epsilon: float,
    moving_mean: Variable | None = None,
    moving_variance: Variable | None = None,
    momentum: float = 0.99,
) -> Tensor:
    """``batch_normalization`` by x's own mean and biased variance, in one call.

    Moving ones become moving * momentum + own * (1 - momentum).
    """
    axis = normalize_axis("batch_normalization", axis, x.ndim)
    moved = _last(x, axis)
    rows = _core.reshape(moved, (math.prod(moved.shape[:-1]), x.shape[axis]))
    y, mean, rstd = _core.batch_norm(
        rows, scale, offset, None, None, moving_mean, moving_variance, epsilon, momentum
    )
    saved = (rows, mean, rstd, scale)
    return _back(
        record(_core.reshape(y, moved.shape), _batch_rule, saved, moved, offset, scale), axis
    )


def masked_moments(x: Tensor, mask: Tensor, axis: int, epsilon: float) -> tuple:
    """Mean and biased variance of each channel of x where ``mask``, of x[..., 0]'s shape, is true.

    As Keras computes them: sums over the count plus ``epsilon``.
    """
    axis = normalize_axis("batch_normalization", axis, x.ndim)
    axes = tuple(i for i in range(x.ndim) if i != axis)
    mask = broadcast_to(_core.reshape(as_tensor(mask, "bool"), (*mask.shape, 1)), x.shape)
    count = _sum(as_tensor(mask, x.dtype), axes) + epsilon
    mean = _sum(where(mask, x, 0.0), axes) / count
    shape = tuple(n if i == axis else 1 for i, n in enumerate(x.shape))
    difference = where(mask, x - reshape(mean, shape), 0.0)
    return mean, _sum(difference * difference, axes) / count
