"""Losses between numbers."""

from __future__ import annotations

import math
from typing import Any

from fastnn import config, ops
from fastnn.losses.loss import LossFunctionWrapper, PlainLoss, align
from fastnn.ops.core import follows_operands
from fastnn.tensor import Tensor


@follows_operands
def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of (y_true - y_pred)^2 over the last axis.

    Args:
        y_true, y_pred: of one shape [batch, ..., n]; (n,) and (n, 1) are taken for the same.

    Raises:
        ValueError: shapes that differ.

    >>> import fastnn as fn
    >>> fn.losses.mean_squared_error([[0.0, 1.0]], [[1.0, 3.0]]).tolist()
    [2.5]
    """
    y_true, y_pred = align(y_true, y_pred, "mean_squared_error")
    return ops.mean(ops.square(y_pred - y_true), axis=-1)


@follows_operands
def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of |y_true - y_pred| over the last axis; see `mean_squared_error`.

    >>> import fastnn as fn
    >>> fn.losses.mean_absolute_error([[0.0, 1.0]], [[1.0, 3.0]]).tolist()
    [1.5]
    """
    y_true, y_pred = align(y_true, y_pred, "mean_absolute_error")
    return ops.mean(ops.abs(y_pred - y_true), axis=-1)


@follows_operands
def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Tensor:
    """100 times the mean of |y_true - y_pred| / |y_true| over the last axis, where |y_true| counts
    as at least `config.epsilon()`; see `mean_squared_error`.

    >>> import fastnn as fn
    >>> fn.losses.mean_absolute_percentage_error([[2.0, 4.0]], [[1.0, 3.0]]).tolist()
    [37.5]
    """
    y_true, y_pred = align(y_true, y_pred, "mean_absolute_percentage_error")
    scale = ops.maximum(ops.abs(y_true), config.epsilon())
    return 100.0 * ops.mean(ops.abs((y_true - y_pred) / scale), axis=-1)


@follows_operands
def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of (log(y_true + 1) - log(y_pred + 1))^2 over the last axis, where numbers below
    `config.epsilon()` count as that; see `mean_squared_error`.

    >>> import fastnn as fn
    >>> y = fn.losses.mean_squared_logarithmic_error([[0.0, 1.0]], [[0.0, 3.0]])
    >>> round(y.item(), 6)  # half of log(2)^2
    0.240227
    """
    y_true, y_pred = align(y_true, y_pred, "mean_squared_logarithmic_error")
    # Not log1p: a number of the order of epsilon has to round here as it does in Keras.
    true_log = ops.log(ops.maximum(y_true, config.epsilon()) + 1.0)
    pred_log = ops.log(ops.maximum(y_pred, config.epsilon()) + 1.0)
    return ops.mean(ops.square(pred_log - true_log), axis=-1)


@follows_operands
def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Tensor:
    """The mean over the last axis of e^2 / 2 where |e| <= delta, else of delta |e| - delta^2 / 2,
    with e = y_pred - y_true; see `mean_squared_error`.

    Source: P. J. Huber, "Robust estimation of a location parameter", 1964.

    >>> import fastnn as fn
    >>> fn.losses.huber([[0.0, 0.0]], [[1.0, 3.0]]).tolist()
    [1.5]
    """
    y_true, y_pred = align(y_true, y_pred, "huber")
    error = y_pred - y_true
    size = ops.abs(error)
    values = ops.where(size <= delta, 0.5 * ops.square(error), delta * size - 0.5 * delta**2)
    return ops.mean(values, axis=-1)


@follows_operands
def log_cosh(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of log(cosh(y_pred - y_true)) over the last axis, which never overflows; see
    `mean_squared_error`.

    >>> import fastnn as fn
    >>> round(fn.losses.log_cosh([[0.0, 0.0]], [[0.0, 1000.0]]).item(), 3)
    499.653
    """
    y_true, y_pred = align(y_true, y_pred, "log_cosh")
    error = y_pred - y_true
    return ops.mean(error + ops.softplus(-2.0 * error) - math.log(2.0), axis=-1)


@follows_operands
def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """Minus the cosine of the angle between vectors, which lie along `axis`: -1 where they point
    the same way, 0 where one of them is zero; see `mean_squared_error`.

    The metric of that name is the cosine itself.

    >>> import fastnn as fn
    >>> fn.losses.cosine_similarity([[0.0, 1.0], [1.0, 0.0]], [[0.0, 2.0], [0.0, 1.0]]).tolist()
    [-1.0, 0.0]
    """
    y_true, y_pred = align(y_true, y_pred, "cosine_similarity", rows=True)
    product = ops.normalize(y_true, axis=axis) * ops.normalize(y_pred, axis=axis)
    return 0.0 - ops.sum(product, axis=axis)


class MeanSquaredError(PlainLoss):
    """The mean of squared differences.

    >>> import fastnn as fn
    >>> fn.losses.MeanSquaredError()([[0.0], [2.0]], [[1.0], [4.0]]).item()
    2.5
    """

    function = staticmethod(mean_squared_error)


class MeanAbsoluteError(PlainLoss):
    """The mean of absolute differences.

    >>> import fastnn as fn
    >>> fn.losses.MeanAbsoluteError()([[0.0], [2.0]], [[1.0], [4.0]]).item()
    1.5
    """

    function = staticmethod(mean_absolute_error)


class MeanAbsolutePercentageError(PlainLoss):
    """The mean of absolute differences in percent of the targets.

    >>> import fastnn as fn
    >>> fn.losses.MeanAbsolutePercentageError()([[1.0], [2.0]], [[2.0], [3.0]]).item()
    75.0
    """

    function = staticmethod(mean_absolute_percentage_error)


class MeanSquaredLogarithmicError(PlainLoss):
    """The mean of squared differences of log(y + 1).

    >>> import fastnn as fn
    >>> round(fn.losses.MeanSquaredLogarithmicError()([[0.0]], [[1.0]]).item(), 6)
    0.480453
    """

    function = staticmethod(mean_squared_logarithmic_error)


class LogCosh(PlainLoss):
    """The mean of log(cosh(y_pred - y_true)).

    >>> import fastnn as fn
    >>> round(fn.losses.LogCosh()([[0.0]], [[1.0]]).item(), 6)
    0.433781
    """

    function = staticmethod(log_cosh)


class Huber(LossFunctionWrapper):
    """Squares of small differences, sizes of large ones; see `huber`.

    >>> import fastnn as fn
    >>> fn.losses.Huber(delta=2.0)([[0.0]], [[3.0]]).item()
    4.0
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: str | None = None,
    ):
        super().__init__(huber, reduction, name, dtype, delta=delta)


class CosineSimilarity(LossFunctionWrapper):
    """Minus the cosine between vectors; see `cosine_similarity`.

    >>> import fastnn as fn
    >>> fn.losses.CosineSimilarity()([[0.0, 1.0], [1.0, 0.0]], [[0.0, 2.0], [0.0, 1.0]]).item()
    -0.5
    """

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "cosine_similarity",
        dtype: str | None = None,
    ):
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)
