"""Losses between numbers."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.losses.loss import LossFunctionWrapper, align
from fastnn.tensor import Tensor


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


def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of |y_true - y_pred| over the last axis; see `mean_squared_error`.

    >>> import fastnn as fn
    >>> fn.losses.mean_absolute_error([[0.0, 1.0]], [[1.0, 3.0]]).tolist()
    [1.5]
    """
    y_true, y_pred = align(y_true, y_pred, "mean_absolute_error")
    return ops.mean(ops.abs(y_pred - y_true), axis=-1)


class _Regression(LossFunctionWrapper):
    """A loss that is a function without options."""

    function = staticmethod(mean_squared_error)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: str | None = None,
    ):
        super().__init__(self.function, reduction, name, dtype)


class MeanSquaredError(_Regression):
    """The mean of squared differences.

    >>> import fastnn as fn
    >>> fn.losses.MeanSquaredError()([[0.0], [2.0]], [[1.0], [4.0]]).item()
    2.5
    """


class MeanAbsoluteError(_Regression):
    """The mean of absolute differences.

    >>> import fastnn as fn
    >>> fn.losses.MeanAbsoluteError()([[0.0], [2.0]], [[1.0], [4.0]]).item()
    1.5
    """

    function = staticmethod(mean_absolute_error)
