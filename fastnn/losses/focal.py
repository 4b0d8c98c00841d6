"""Cross-entropies that look away from what is easy, or that bear wrong labels."""

from __future__ import annotations

import math
from typing import Any

from fastnn import config, ops
from fastnn.losses.crossentropy import as_labels, check_smoothing, fit_labels, keep_logits
from fastnn.losses.loss import LossFunctionWrapper, align, as_float
from fastnn.ops.core import follows_operands
from fastnn.ops.loss import check_probabilities
from fastnn.tensor import Tensor


@follows_operands
def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Binary cross-entropy times (1 - p)^gamma, where p is the probability given to the truth.

    Args:
        y_true: 0, 1 or between, of y_pred's shape; (n,) and (n, 1) are taken for the same.
        y_pred: probabilities, or logits with `from_logits=True`.
        apply_class_balancing: also times alpha for ones, 1 - alpha for zeros.
        alpha: see above.
        gamma: 0 makes it `binary_crossentropy`.
        label_smoothing: s in [0, 1]: targets become `y_true * (1 - s) + s / 2`.
        axis: of the mean.

    Returns:
        A value per sample: [batch, ...].

    Raises:
        ValueError: shapes that differ, smoothing outside [0, 1].

    Source: T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollar, "Focal loss for dense object
    detection", 2017.

    >>> import fastnn as fn
    >>> y = fn.losses.binary_focal_crossentropy([[1.0]], [[0.5]])  # log(2) / 4
    >>> round(y.item(), 6)
    0.173287
    """
    check_smoothing("binary_focal_crossentropy", label_smoothing)
    y_pred = as_float(y_pred, "binary_focal_crossentropy")
    y_true, y_pred = keep_logits(y_true, y_pred, "binary_focal_crossentropy")
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    if from_logits:
        y_pred = ops.sigmoid(y_pred)
    wrong = y_true * (1.0 - y_pred) + (1.0 - y_true) * y_pred
    values = ops.power(wrong, gamma) * ops.binary_crossentropy(y_true, y_pred)
    if apply_class_balancing:
        values = values * (y_true * alpha + (1.0 - y_true) * (1.0 - alpha))
    return ops.mean(values, axis=axis)


@follows_operands
def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float | list[float] = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """-sum(alpha (1 - y_pred)^gamma y_true log(y_pred)).

    Args:
        y_true: [batch, ..., classes], each row a distribution.
        y_pred: of the same shape: probabilities, or logits with `from_logits=True`. They are
            divided by their sum and clipped to [`config.epsilon()`, 1 - `config.epsilon()`].
        alpha: a weight, or one for each class.
        gamma: 0 makes it alpha times `categorical_crossentropy`.
        label_smoothing: s in [0, 1]: targets become `y_true * (1 - s) + s / classes`.
        axis: of the classes.

    Returns:
        A value per row: [batch, ...].

    Raises:
        ValueError: shapes that differ, smoothing outside [0, 1].

    Source: as of `binary_focal_crossentropy`.

    >>> import fastnn as fn
    >>> y = fn.losses.categorical_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])  # log(2) / 16
    >>> round(y.item(), 6)
    0.043322
    """
    check_smoothing("categorical_focal_crossentropy", label_smoothing)
    y_true, y_pred = align(y_true, y_pred, "categorical_focal_crossentropy")
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / y_pred.shape[axis]
    if from_logits:
        y_pred = ops.softmax(y_pred, axis=axis)
    check_probabilities("categorical_focal_crossentropy: y_pred", y_pred, math.inf)  # of any sum
    y_pred = y_pred / ops.sum(y_pred, axis=axis, keepdims=True)
    y_pred = ops.clip(y_pred, config.epsilon(), 1.0 - config.epsilon())
    weight = ops.power(1.0 - y_pred, gamma) * alpha
    return 0.0 - ops.sum(weight * y_true * ops.log(y_pred), axis=axis)


@follows_operands
def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Tensor:
    """(1 - p^q) / q, where p is the probability given to the class y_true.

    Between cross-entropy (q to 0) and mean absolute error (q = 1), it gives labels that may be
    wrong less of a pull.

    Args:
        y_true: class numbers, [batch, ...] or [batch, ..., 1].
        y_pred: probabilities, [batch, ..., classes].
        q: between 0 and 1.

    Returns:
        A value per label: [batch, ...].

    Raises:
        ValueError: labels that are not whole, shapes that do not fit.
        IndexError: labels out of range.

    Source: Z. Zhang, M. R. Sabuncu, "Generalized cross entropy loss for training deep neural
    networks with noisy labels", 2018.

    >>> import fastnn as fn
    >>> fn.losses.categorical_generalized_cross_entropy([1], [[0.75, 0.25]], q=0.5).tolist()
    [1.0]
    """
    y_pred = as_float(y_pred, "categorical_generalized_cross_entropy")
    labels = as_labels(y_true, "categorical_generalized_cross_entropy")
    labels = fit_labels(labels, y_pred, "categorical_generalized_cross_entropy")
    p = ops.take_along_axis(y_pred, ops.expand_dims(labels, -1), axis=-1)
    return (1.0 - ops.power(ops.squeeze(p, -1), q)) / q


class BinaryFocalCrossentropy(LossFunctionWrapper):
    """Binary cross-entropy of what is not yet easy; see `binary_focal_crossentropy`.

    >>> import fastnn as fn
    >>> round(fn.losses.BinaryFocalCrossentropy(gamma=1.0)([[1.0]], [[0.5]]).item(), 6)
    0.346574
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: str | None = None,
    ):
        check_smoothing("BinaryFocalCrossentropy", label_smoothing)
        super().__init__(
            binary_focal_crossentropy,
            reduction,
            name,
            dtype,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of what is not yet easy; see `categorical_focal_crossentropy`.

    >>> import fastnn as fn
    >>> loss = fn.losses.CategoricalFocalCrossentropy(alpha=[0.5, 1.0], gamma=1.0)
    >>> round(loss([[0.0, 1.0]], [[0.5, 0.5]]).item(), 6)
    0.346574
    """

    def __init__(
        self,
        alpha: float | list[float] = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
        dtype: str | None = None,
    ):
        check_smoothing("CategoricalFocalCrossentropy", label_smoothing)
        super().__init__(
            categorical_focal_crossentropy,
            reduction,
            name,
            dtype,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    """Cross-entropy that bears wrong labels; see `categorical_generalized_cross_entropy`.

    >>> import fastnn as fn
    >>> fn.losses.CategoricalGeneralizedCrossEntropy()([1], [[0.75, 0.25]]).item()
    1.0
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: str | None = None,
    ):
        if not 0 < q < 1:
            raise ValueError(f"CategoricalGeneralizedCrossEntropy: q must be in (0, 1), got {q}")
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)
