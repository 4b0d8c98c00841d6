"""Losses of regions: how little a predicted one overlaps the true one."""

from __future__ import annotations

from typing import Any

from fastnn import config, ops
from fastnn.losses.loss import LossFunctionWrapper, align
from fastnn.ops.core import follows_operands
from fastnn.tensor import Tensor


@follows_operands
def dice(y_true: Any, y_pred: Any, axis: int | tuple[int, ...] | None = None) -> Tensor:
    """1 - 2 sum(y_true y_pred) / (sum(y_true) + sum(y_pred)).

    Args:
        y_true: 1 within the region, 0 outside.
        y_pred: probabilities, of the same shape.
        axis: of the sums; None: all, and the loss is one number. To have a value per image, name
            all axes but the first.

    Raises:
        ValueError: shapes that differ, an axis that is not there.

    Source: F. Milletari, N. Navab, S.-A. Ahmadi, "V-Net", 2016.

    >>> import fastnn as fn
    >>> round(fn.losses.dice([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]]).item(), 4)
    0.3333
    """
    y_true, y_pred = align(y_true, y_pred, "dice")
    shared = ops.sum(y_true * y_pred, axis=axis)
    total = ops.sum(y_true, axis=axis) + ops.sum(y_pred, axis=axis)
    return 1.0 - 2.0 * shared / (total + config.epsilon())


@follows_operands
def tversky(
    y_true: Any,
    y_pred: Any,
    alpha: float = 0.5,
    beta: float = 0.5,
    axis: int | tuple[int, ...] | None = None,
) -> Tensor:
    """1 - shared / (shared + alpha missed + beta added), `dice` with a price for either mistake.

    These are sums of y_true y_pred, of y_true (1 - y_pred) and of (1 - y_true) y_pred.

    Args:
        y_true, y_pred, axis: as of `dice`, which it is where alpha = beta = 0.5.
        alpha: weight of what is missed (Keras 3 calls it that of false positives, but computes
            this).
        beta: weight of what is added.

    Raises:
        ValueError: shapes that differ, an axis that is not there.

    Source: S. S. M. Salehi, D. Erdogmus, A. Gholipour, "Tversky loss function for image
    segmentation using 3D fully convolutional deep networks", 2017.

    >>> import fastnn as fn
    >>> y = fn.losses.tversky([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]], alpha=1.0)
    >>> round(y.item(), 4)
    0.5
    """
    y_true, y_pred = align(y_true, y_pred, "tversky")
    shared = ops.sum(y_true * y_pred, axis=axis)
    missed = ops.sum(y_true * (1.0 - y_pred), axis=axis)
    added = ops.sum((1.0 - y_true) * y_pred, axis=axis)
    return 1.0 - shared / (shared + alpha * missed + beta * added + config.epsilon())


class Dice(LossFunctionWrapper):
    """One minus the Dice coefficient; see `dice`.

    >>> import fastnn as fn
    >>> round(fn.losses.Dice(axis=1)([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]]).item(), 4)
    0.3333
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "dice",
        axis: int | tuple[int, ...] | None = None,
        dtype: str | None = None,
    ):
        super().__init__(dice, reduction, name, dtype, axis=axis)


class Tversky(LossFunctionWrapper):
    """One minus the Tversky index; see `tversky`.

    >>> import fastnn as fn
    >>> round(fn.losses.Tversky(beta=2.0)([[1.0, 0.0]], [[1.0, 1.0]]).item(), 4)
    0.6667
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: int | tuple[int, ...] | None = None,
        dtype: str | None = None,
    ):
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)
