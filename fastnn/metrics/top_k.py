"""How often the right class is among the k likeliest."""

from __future__ import annotations

from typing import Any

from fastnn import _core, config, ops
from fastnn.losses.crossentropy import as_labels, fit_labels
from fastnn.losses.loss import align, as_float
from fastnn.metrics.metric import MeanMetricWrapper
from fastnn.ops.core import follows_operands
from fastnn.tensor import Tensor


@follows_operands
def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """1 where fewer than k of y_pred are larger than the one where y_true (one-hot rows) is 1.

    >>> import fastnn as fn
    >>> y_true, y_pred = [[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8]] * 2
    >>> fn.metrics.top_k_categorical_accuracy(y_true, y_pred, k=1).tolist()
    [0.0, 1.0]
    """
    return _core.copy(_one_hot_matches(y_true, y_pred, k), config.floatx())


@follows_operands
def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> Tensor:
    """1 where fewer than k of y_pred are larger than the one at the class number y_true.

    Args:
        y_true: class numbers, [batch, ...] or [batch, ..., 1].
        y_pred: [batch, ..., classes]; with `from_sorted_ids` class numbers, the likeliest first.

    >>> import fastnn as fn
    >>> fn.metrics.sparse_top_k_categorical_accuracy([2, 0], [[0.1, 0.9, 0.8]] * 2, k=2).tolist()
    [1.0, 0.0]
    """
    return _core.copy(_sparse_matches(y_true, y_pred, k, from_sorted_ids), config.floatx())


# The comparisons themselves return booleans, which is what the metrics add up.


def _one_hot_matches(y_true: Any, y_pred: Any, k: int) -> Tensor:
    y_true, y_pred = align(y_true, y_pred, "top_k_categorical_accuracy")
    return ops.in_top_k(ops.argmax(y_true, axis=-1), y_pred, k)


def _sparse_matches(y_true: Any, y_pred: Any, k: int, from_sorted_ids: bool = False) -> Tensor:
    y_pred = as_float(y_pred, "sparse_top_k_categorical_accuracy")
    labels = as_labels(y_true, "sparse_top_k_categorical_accuracy")
    labels = fit_labels(labels, y_pred, "sparse_top_k_categorical_accuracy")
    if from_sorted_ids:
        ids = ops.cast(y_pred[..., :k], labels.dtype)
        return ops.any(ops.equal(ops.expand_dims(labels, -1), ids), axis=-1)
    return ops.in_top_k(labels, y_pred, k)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """The share of rows with the right class, of one-hot targets, among the k likeliest.

    >>> import fastnn as fn
    >>> m = fn.metrics.TopKCategoricalAccuracy(k=1)
    >>> float(m([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8]] * 2))
    0.5
    """

    _direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str | None = "top_k_categorical_accuracy",
        dtype: str | None = None,
    ):
        super().__init__(_one_hot_matches, name, dtype, k=k)


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """The share of rows with the right class among the k likeliest.

    >>> import fastnn as fn
    >>> float(fn.metrics.SparseTopKCategoricalAccuracy(k=2)([2, 0], [[0.1, 0.9, 0.8]] * 2))
    0.5
    """

    _direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: str | None = None,
        from_sorted_ids: bool = False,
    ):
        super().__init__(_sparse_matches, name, dtype, k=k, from_sorted_ids=from_sorted_ids)
