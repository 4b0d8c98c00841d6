"""Accuracies: how often predictions are right."""

from __future__ import annotations

from typing import Any

from fastnn import _core, config
from fastnn.dtypes import result_type
from fastnn.losses.crossentropy import as_labels, fit_labels
from fastnn.losses.loss import align, as_float
from fastnn.metrics.metric import MeanMetricWrapper
from fastnn.ops.core import follows_operands
from fastnn.tensor import Tensor, from_data


@follows_operands
def accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where y_pred equals y_true, else 0, element by element.

    >>> import fastnn as fn
    >>> fn.metrics.accuracy([1, 2], [1, 3]).tolist()
    [1.0, 0.0]
    """
    return _core.copy(_equal(y_true, y_pred), config.floatx())


@follows_operands
def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """1 where `y_pred > threshold` agrees with y_true (0 or 1), element by element.

    >>> import fastnn as fn
    >>> fn.metrics.binary_accuracy([[1], [0]], [[0.5], [0.3]]).tolist()
    [[0.0], [1.0]]
    """
    return _core.copy(_binary_matches(y_true, y_pred, threshold), config.floatx())


@follows_operands
def categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where the largest of y_pred is where the largest of y_true (one-hot rows) is.

    >>> import fastnn as fn
    >>> fn.metrics.categorical_accuracy([[0.0, 1.0]], [[0.2, 0.8]]).tolist()
    [1.0]
    """
    return _core.copy(_categorical_matches(y_true, y_pred), config.floatx())


@follows_operands
def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where the largest of y_pred is at the class number y_true.

    Args:
        y_true: class numbers, [batch, ...] or [batch, ..., 1].
        y_pred: [batch, ..., classes].

    >>> import fastnn as fn
    >>> fn.metrics.sparse_categorical_accuracy([1, 0], [[0.2, 0.8], [0.3, 0.7]]).tolist()
    [1.0, 0.0]
    """
    return _core.copy(_sparse_matches(y_true, y_pred), config.floatx())


# The comparisons themselves return booleans, which is what the metrics add up.


def _equal(y_true: Any, y_pred: Any) -> Tensor:
    if not isinstance(y_true, Tensor):
        y_true = from_data(y_true, None, "accuracy: y_true")
    if not isinstance(y_pred, Tensor):
        y_pred = from_data(y_pred, None, "accuracy: y_pred")
    dtype = result_type(y_true, y_pred)
    if y_true.dtype != dtype:
        y_true = _core.copy(y_true, dtype)
    if y_pred.dtype != dtype:
        y_pred = _core.copy(y_pred, dtype)
    if y_true.shape != y_pred.shape:
        raise ValueError(
            f"accuracy: y_true has shape {y_true.shape}, but y_pred has {y_pred.shape}"
        )
    return _core.binary(y_true, y_pred, "equal")


def _binary_matches(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    y_true, y_pred = align(y_true, y_pred, "binary_accuracy")
    limit = from_data(threshold, y_pred.dtype)
    said = _core.copy(_core.binary(limit, y_pred, "less"), y_true.dtype)
    return _core.binary(y_true, said, "equal")


def _categorical_matches(y_true: Any, y_pred: Any) -> Tensor:
    y_true, y_pred = align(y_true, y_pred, "categorical_accuracy")
    last = y_pred.ndim - 1
    right = _core.arg_reduce(y_true, "argmax", last)
    return _core.binary(right, _core.arg_reduce(y_pred, "argmax", last), "equal")


def _sparse_matches(y_true: Any, y_pred: Any) -> Tensor:
    y_pred = as_float(y_pred, "sparse_categorical_accuracy")
    labels = as_labels(y_true, "sparse_categorical_accuracy")
    labels = fit_labels(labels, y_pred, "sparse_categorical_accuracy")
    said = _core.arg_reduce(y_pred, "argmax", y_pred.ndim - 1)
    if labels.dtype != "int64":
        labels = _core.copy(labels, "int64")
    return _core.binary(labels, said, "equal")


class Accuracy(MeanMetricWrapper):
    """The share of predictions that equal their targets.

    >>> import fastnn as fn
    >>> float(fn.metrics.Accuracy()([1, 2, 3, 4], [0, 2, 3, 4]))
    0.75
    """

    _direction = "up"

    def __init__(self, name: str | None = "accuracy", dtype: str | None = None):
        super().__init__(_equal, name, dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """The share of `y_pred > threshold` that agree with y_true (0 or 1).

    >>> import fastnn as fn
    >>> float(fn.metrics.BinaryAccuracy()([1, 1, 0, 0], [0.98, 1.0, 0.0, 0.6]))
    0.75
    """

    _direction = "up"

    def __init__(
        self,
        name: str | None = "binary_accuracy",
        dtype: str | None = None,
        threshold: float = 0.5,
    ):
        if not 0 < threshold < 1:
            raise ValueError(f"BinaryAccuracy: threshold must be in (0, 1), got {threshold}")
        super().__init__(_binary_matches, name, dtype, threshold=threshold)


class CategoricalAccuracy(MeanMetricWrapper):
    """The share of rows whose largest prediction is where the one-hot target is 1.

    >>> import fastnn as fn
    >>> float(fn.metrics.CategoricalAccuracy()([[0, 1], [1, 0]], [[0.1, 0.9], [0.2, 0.8]]))
    0.5
    """

    _direction = "up"

    def __init__(self, name: str | None = "categorical_accuracy", dtype: str | None = None):
        super().__init__(_categorical_matches, name, dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """The share of rows whose largest prediction is at the class number of the target.

    >>> import fastnn as fn
    >>> float(fn.metrics.SparseCategoricalAccuracy()([1, 1], [[0.1, 0.9], [0.8, 0.2]]))
    0.5
    """

    _direction = "up"

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: str | None = None):
        super().__init__(_sparse_matches, name, dtype)
