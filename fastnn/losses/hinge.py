"""Hinge losses: nothing to pay for what is right by a margin."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.losses.loss import PlainLoss, align
from fastnn.ops.core import follows_operands
from fastnn.tensor import Tensor


@follows_operands
def hinge(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of max(1 - y_true y_pred, 0) over the last axis.

    Args:
        y_true: -1 or 1, [batch, ..., n]. If all of it is 0 or 1, 0 stands for -1.
        y_pred: of the same shape; (n,) and (n, 1) are taken for the same.

    Returns:
        A value per sample: [batch, ...].

    Raises:
        ValueError: shapes that differ.

    >>> import fastnn as fn
    >>> fn.losses.hinge([[-1.0, 1.0]], [[0.5, 0.5]]).tolist()
    [1.0]
    """
    return ops.mean(_missing_margin(y_true, y_pred, "hinge"), axis=-1)


@follows_operands
def squared_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of max(1 - y_true y_pred, 0)^2 over the last axis; see `hinge`.

    >>> import fastnn as fn
    >>> fn.losses.squared_hinge([[0.0, 1.0]], [[0.5, 0.5]]).tolist()
    [1.25]
    """
    return ops.mean(ops.square(_missing_margin(y_true, y_pred, "squared_hinge")), axis=-1)


@follows_operands
def categorical_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """max(neg - pos + 1, 0): pos is the prediction for the right class, neg the largest for others.

    Args:
        y_true: one-hot rows, [batch, ..., classes]; pos is the sum of y_true y_pred, neg the
            largest (1 - y_true) y_pred.
        y_pred: of the same shape.

    Returns:
        A value per row: [batch, ...].

    Raises:
        ValueError: shapes that differ.

    >>> import fastnn as fn
    >>> fn.losses.categorical_hinge([[0.0, 1.0]], [[0.5, 1.0]]).tolist()
    [0.5]
    """
    y_true, y_pred = align(y_true, y_pred, "categorical_hinge", rows=True)
    right = ops.sum(y_true * y_pred, axis=-1)
    wrong = ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.maximum(wrong - right + 1.0, 0.0)


def _missing_margin(y_true: Any, y_pred: Any, operation: str) -> Tensor:
    y_true, y_pred = align(y_true, y_pred, operation)
    binary = ops.all(ops.logical_or(ops.equal(y_true, 0.0), ops.equal(y_true, 1.0)))
    y_true = ops.where(binary, 2.0 * y_true - 1.0, y_true)
    return ops.maximum(1.0 - y_true * y_pred, 0.0)


class Hinge(PlainLoss):
    """The hinge loss; see `hinge`.

    >>> import fastnn as fn
    >>> fn.losses.Hinge()([[-1.0], [1.0]], [[-2.0], [0.5]]).item()
    0.25
    """

    function = staticmethod(hinge)


class SquaredHinge(PlainLoss):
    """The squared hinge loss; see `squared_hinge`.

    >>> import fastnn as fn
    >>> fn.losses.SquaredHinge()([[-1.0], [1.0]], [[-2.0], [0.5]]).item()
    0.125
    """

    function = staticmethod(squared_hinge)


class CategoricalHinge(PlainLoss):
    """The hinge loss of one class out of many; see `categorical_hinge`.

    >>> import fastnn as fn
    >>> fn.losses.CategoricalHinge()([[0.0, 1.0]], [[0.5, 1.0]]).item()
    0.5
    """

    function = staticmethod(categorical_hinge)
