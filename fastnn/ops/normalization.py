"""Normalization of the elements of one example: layer, RMS and group normalization."""

from __future__ import annotations

import math
from typing import Any

from fastnn import _core, config
from fastnn.ops.core import (
    Tensor,
    as_float,
    as_tensor,
    follows_operands,
    normalize_axes,
    normalize_axis,
    record,
)
from fastnn.ops.elementwise import rsqrt
from fastnn.ops.reduce import var
from fastnn.ops.shape import reshape, transpose


def _rule(node: _core.Node, gradient: Any) -> tuple:
    x, mean, rstd, gamma, shape = node.saved
    dy = _core.reshape(gradient, shape)
    dx, dgamma, dbeta = _core.row_norm_backward(dy, x, mean, rstd, gamma, *node.needs)
    return None if dx is None else _core.reshape(dx, gradient.shape), dgamma, dbeta


def _normalize(kind: str, x: Tensor, view: tuple, gamma: Any, beta: Any, epsilon: Any) -> Tensor:
    """row_norm of x seen as [batch, positions, groups, width]; gamma and beta are 1-D or None."""
    operand = _core.reshape(x, view)
    y, mean, rstd = _core.row_norm(
        operand, gamma, beta, kind, config.epsilon() if epsilon is None else epsilon
    )
    saved = (operand, mean, rstd, gamma, view)
    return record(_core.reshape(y, x.shape), _rule, saved, x, gamma, beta)


def _columns(operation: str, name: str, value: Any, shape: tuple, x: Tensor) -> Tensor | None:
    """gamma or beta as a 1-D Tensor of x's dtype, one element for each of ``shape``."""
    if value is None:
        return None
    value = as_tensor(value, x.dtype, f"{operation}: {name}")
    if value.size != math.prod(shape):
        raise ValueError(
            f"{operation}: {name} has shape {value.shape}, expected {shape} for x of shape "
            f"{x.shape}"
        )
    return value if value.ndim == 1 else reshape(value, (-1,))


def _over_axes(
    operation: str, kind: str, x: Any, gamma: Any, beta: Any, axis: Any, epsilon: Any
) -> Tensor:
    x = as_float(x, f"{operation}: x")
    if x.ndim == 0:
        return reshape(_over_axes(operation, kind, reshape(x, (1,)), gamma, beta, -1, epsilon), ())
    axes = sorted(normalize_axes(operation, axis, x.ndim))
    shape = tuple(x.shape[i] for i in axes)
    gamma = _columns(operation, "gamma" if kind == "layer" else "scale", gamma, shape, x)
    beta = _columns(operation, "beta", beta, shape, x)
    order = [i for i in range(x.ndim) if i not in axes] + axes
    moved = order != list(range(x.ndim))
    if moved:
        x = transpose(x, order)
    width = math.prod(shape)
    batch = math.prod(x.shape[: x.ndim - len(axes)])
    y = _normalize(kind, x, (batch, 1, 1, width), gamma, beta, epsilon)
    return transpose(y, [order.index(i) for i in range(x.ndim)]) if moved else y


@follows_operands
def layer_normalization(
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    axis: Any = -1,
    epsilon: float | None = None,
    rms_scaling: bool = False,
) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta over one axis or several.

    Ba et al., "Layer normalization" (2016). gamma and beta have the extents of the axes, in
    ascending order; None: 1 and 0. epsilon None is ``config.epsilon()``. rms_scaling: x is divided
    by its standard deviation, and neither centred nor shifted, as Keras does.

    >>> layer_normalization([1.0, 3.0], epsilon=0.0).tolist()
    [-1.0, 1.0]
    """
    operation = "layer_normalization"
    if not rms_scaling:
        return _over_axes(operation, "layer", x, gamma, beta, axis, epsilon)
    x = as_float(x, f"{operation}: x")
    axes = sorted(normalize_axes(operation, axis, x.ndim))
    variance = var(x, tuple(axes), keepdims=True)
    y = x * rsqrt(variance + (config.epsilon() if epsilon is None else epsilon))
    if gamma is None:
        return y
    shape = tuple(n if i in axes else 1 for i, n in enumerate(x.shape))
    return y * reshape(as_tensor(gamma, x.dtype, f"{operation}: gamma"), shape)


@follows_operands
def rms_normalization(
    x: Any, scale: Any = None, axis: Any = -1, epsilon: float | None = None
) -> Tensor:
    """x / sqrt(mean(x^2) + epsilon) * scale over one axis or several.

    Zhang and Sennrich, "Root mean square layer normalization" (2019). scale has the extents of the
    axes, in ascending order. epsilon None is ``config.epsilon()``.

    >>> rms_normalization([3.0, -3.0], epsilon=0.0).tolist()
    [1.0, -1.0]
    """
    return _over_axes("rms_normalization", "rms", x, scale, None, axis, epsilon)


@follows_operands
def group_normalization(
    x: Any,
    groups: int,
    gamma: Any = None,
    beta: Any = None,
    axis: int = -1,
    epsilon: float | None = None,
) -> Tensor:
    """Normalizes each example over groups of channels and all positions.

    Wu and He, "Group normalization" (2018). x is [batch, ...] with its channels along ``axis``;
    their number is a multiple of ``groups``; gamma and beta have an element a channel.

    >>> group_normalization([[1.0, 3.0, 10.0, 30.0]], 2, epsilon=0.0).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """
    operation = "group_normalization"
    x = as_float(x, f"{operation}: x")
    if x.ndim < 2:
        raise ValueError(f"{operation}: x has shape {x.shape}, expected two axes or more")
    axis = normalize_axis(operation, axis, x.ndim)
    channels = x.shape[axis]
    if axis == 0 or groups < 1 or channels % groups:
        raise ValueError(
            f"{operation}: axis {axis} of shape {x.shape} must hold channels, a multiple of "
            f"groups={groups}"
        )
    gamma = _columns(operation, "gamma", gamma, (channels,), x)
    beta = _columns(operation, "beta", beta, (channels,), x)
    last = axis == x.ndim - 1
    if not last:
        x = transpose(x, [*(i for i in range(x.ndim) if i != axis), axis])
    view = (x.shape[0], math.prod(x.shape[1:-1]), groups, channels // groups)
    y = _normalize("layer", x, view, gamma, beta, epsilon)
    return y if last else transpose(y, [*range(axis), y.ndim - 1, *range(axis, y.ndim - 1)])
