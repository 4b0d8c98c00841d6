"""The losses as metrics: their mean over all samples seen."""

from __future__ import annotations

from typing import Any

from fastnn import _core, losses, ops
from fastnn.losses.loss import align
from fastnn.metrics.metric import MeanMetricWrapper
from fastnn.tensor import Tensor


class MeanSquaredError(MeanMetricWrapper):
    """The mean of squared differences.

    >>> import fastnn as fn
    >>> float(fn.metrics.MeanSquaredError()([[0.0], [2.0]], [[1.0], [4.0]]))
    2.5
    """

    def __init__(self, name: str | None = "mean_squared_error", dtype: str | None = None):
        super().__init__(losses.mean_squared_error, name, dtype)


class RootMeanSquaredError(MeanMetricWrapper):
    """The root of the mean of squared differences.

    >>> import fastnn as fn
    >>> float(fn.metrics.RootMeanSquaredError()([[0.0], [0.0]], [[3.0], [3.0]]))
    3.0
    """

    _direction = "down"

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: str | None = None):
        super().__init__(_squared_errors, name, dtype)

    def _mean(self) -> Tensor:
        return _core.unary(super()._mean(), "sqrt")


class MeanAbsoluteError(MeanMetricWrapper):
    """The mean of absolute differences.

    >>> import fastnn as fn
    >>> float(fn.metrics.MeanAbsoluteError()([[0.0], [2.0]], [[1.0], [4.0]]))
    1.5
    """

    def __init__(self, name: str | None = "mean_absolute_error", dtype: str | None = None):
        super().__init__(losses.mean_absolute_error, name, dtype)


class BinaryCrossentropy(MeanMetricWrapper):
    """The mean of `losses.binary_crossentropy`.

    >>> import fastnn as fn
    >>> round(float(fn.metrics.BinaryCrossentropy()([[1.0]], [[0.5]])), 4)
    0.6931
    """

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: str | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ):
        super().__init__(
            losses.binary_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )


class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean of `losses.categorical_crossentropy`.

    >>> import fastnn as fn
    >>> round(float(fn.metrics.CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: str | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
    ):
        super().__init__(
            losses.categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean of `losses.sparse_categorical_crossentropy`. A label that is `ignore_class` counts,
    with 0, as it does in Keras (which leaves it out where there are weights).

    >>> import fastnn as fn
    >>> round(float(fn.metrics.SparseCategoricalCrossentropy()([1], [[0.5, 0.5]])), 4)
    0.6931
    """

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: str | None = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ):
        super().__init__(
            losses.sparse_categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )


class MeanAbsolutePercentageError(MeanMetricWrapper):
    """The mean of `losses.mean_absolute_percentage_error`.

    >>> import fastnn as fn
    >>> round(float(fn.metrics.MeanAbsolutePercentageError()([[2.0], [4.0]], [[1.0], [4.0]])), 4)
    25.0
    """

    def __init__(
        self, name: str | None = "mean_absolute_percentage_error", dtype: str | None = None
    ):
        super().__init__(losses.mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """The mean of `losses.mean_squared_logarithmic_error`.

    >>> import fastnn as fn
    >>> round(float(fn.metrics.MeanSquaredLogarithmicError()([[0.0]], [[0.0]])), 4)
    0.0
    """

    def __init__(
        self, name: str | None = "mean_squared_logarithmic_error", dtype: str | None = None
    ):
        super().__init__(losses.mean_squared_logarithmic_error, name, dtype)


class LogCoshError(MeanMetricWrapper):
    """The mean of `losses.log_cosh`.

    >>> import fastnn as fn
    >>> round(float(fn.metrics.LogCoshError()([[0.0]], [[1.0]])), 4)
    0.4338
    """

    def __init__(self, name: str | None = "logcosh", dtype: str | None = None):
        super().__init__(losses.log_cosh, name, dtype)


class KLDivergence(MeanMetricWrapper):
    """The mean of `losses.kl_divergence`.

    >>> import fastnn as fn
    >>> round(float(fn.metrics.KLDivergence()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    def __init__(self, name: str | None = "kl_divergence", dtype: str | None = None):
        super().__init__(losses.kl_divergence, name, dtype)


class Poisson(MeanMetricWrapper):
    """The mean of `losses.poisson`.

    >>> import fastnn as fn
    >>> round(float(fn.metrics.Poisson()([[2.0]], [[1.0]])), 4)
    1.0
    """

    def __init__(self, name: str | None = "poisson", dtype: str | None = None):
        super().__init__(losses.poisson, name, dtype)


class Hinge(MeanMetricWrapper):
    """The mean of `losses.hinge`.

    >>> import fastnn as fn
    >>> round(float(fn.metrics.Hinge()([[-1.0, 1.0]], [[0.5, 0.5]])), 4)
    1.0
    """

    def __init__(self, name: str | None = "hinge", dtype: str | None = None):
        super().__init__(losses.hinge, name, dtype)


class SquaredHinge(MeanMetricWrapper):
    """The mean of `losses.squared_hinge`.

    >>> import fastnn as fn
    >>> round(float(fn.metrics.SquaredHinge()([[-1.0, 1.0]], [[0.5, 0.5]])), 4)
    1.25
    """

    def __init__(self, name: str | None = "squared_hinge", dtype: str | None = None):
        super().__init__(losses.squared_hinge, name, dtype)


class CategoricalHinge(MeanMetricWrapper):
    """The mean of `losses.categorical_hinge`.

    >>> import fastnn as fn
    >>> round(float(fn.metrics.CategoricalHinge()([[0.0, 1.0]], [[0.5, 1.0]])), 4)
    0.5
    """

    def __init__(self, name: str | None = "categorical_hinge", dtype: str | None = None):
        super().__init__(losses.categorical_hinge, name, dtype)


class CosineSimilarity(MeanMetricWrapper):
    """The mean cosine of the angle between vectors, which lie along `axis`.

    >>> import fastnn as fn
    >>> m = fn.metrics.CosineSimilarity()
    >>> float(m([[0.0, 1.0], [1.0, 0.0]], [[0.0, 2.0], [0.0, 1.0]]))
    0.5
    """

    _direction = "up"

    def __init__(
        self, name: str | None = "cosine_similarity", dtype: str | None = None, axis: int = -1
    ):
        super().__init__(_cosine, name, dtype, axis=axis)


def function_of_loss(loss: losses.Loss) -> Any:
    """A loss object as a function of values per sample, for use as a metric."""

    def values(y_true: Tensor, y_pred: Tensor) -> Tensor:
        return loss.call(y_true, y_pred)

    values.__name__ = loss.name
    return values


def _squared_errors(y_true: Any, y_pred: Any) -> Tensor:
    """Element by element: weights of the root are those of elements, where there are so many."""
    y_true, y_pred = align(y_true, y_pred, "root_mean_squared_error")
    return ops.square(y_pred - y_true)


def _cosine(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    return 0.0 - losses.cosine_similarity(y_true, y_pred, axis)
