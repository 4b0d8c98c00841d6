"""Losses between distributions and of counts."""

from __future__ import annotations

from typing import Any

from fastnn import config, ops
from fastnn.losses.loss import PlainLoss, align
from fastnn.ops.core import follows_operands
from fastnn.tensor import Tensor


@follows_operands
def kl_divergence(y_true: Any, y_pred: Any) -> Tensor:
    """The Kullback-Leibler divergence: the sum of y_true log(y_true / y_pred) over the last axis.

    Args:
        y_true, y_pred: distributions, of one shape [batch, ..., n]. Both are clipped to
            [`config.epsilon()`, 1].

    Returns:
        A value per distribution: [batch, ...].

    Raises:
        ValueError: shapes that differ.

    >>> import fastnn as fn
    >>> round(fn.losses.kl_divergence([[0.0, 1.0]], [[0.5, 0.5]]).item(), 4)
    0.6931
    """
    y_true, y_pred = align(y_true, y_pred, "kl_divergence", rows=True)
    y_true = ops.clip(y_true, config.epsilon(), 1.0)
    y_pred = ops.clip(y_pred, config.epsilon(), 1.0)
    return ops.sum(y_true * ops.log(y_true / y_pred), axis=-1)


@follows_operands
def poisson(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of y_pred - y_true log(y_pred) over the last axis: minus the log of the probability
    of counts y_true where y_pred are expected, but for what does not depend on y_pred.

    Args:
        y_true: counts, [batch, ..., n].
        y_pred: positive, of the same shape; `config.epsilon()` is added within the logarithm.

    Returns:
        A value per sample: [batch, ...].

    Raises:
        ValueError: shapes that differ.

    >>> import fastnn as fn
    >>> round(fn.losses.poisson([[2.0]], [[1.0]]).item(), 4)
    1.0
    """
    y_true, y_pred = align(y_true, y_pred, "poisson")
    return ops.mean(y_pred - y_true * ops.log(y_pred + config.epsilon()), axis=-1)


class KLDivergence(PlainLoss):
    """The Kullback-Leibler divergence; see `kl_divergence`.

    >>> import fastnn as fn
    >>> fn.losses.KLDivergence()([[0.25, 0.75]], [[0.25, 0.75]]).item()
    0.0
    """

    function = staticmethod(kl_divergence)


class Poisson(PlainLoss):
    """The Poisson loss of counts; see `poisson`.

    >>> import fastnn as fn
    >>> round(fn.losses.Poisson()([[0.0], [0.0]], [[1.0], [2.0]]).item(), 4)
    1.5
    """

    function = staticmethod(poisson)
