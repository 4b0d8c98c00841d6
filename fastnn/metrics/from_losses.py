"""The losses as metrics: their mean over all samples seen."""

from __future__ import annotations

from typing import Any

from fastnn import _core, losses
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

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: str | None = None):
        super().__init__(losses.mean_squared_error, name, dtype)

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
    """The mean of `losses.sparse_categorical_crossentropy`.

    >>> import fastnn as fn
    >>> round(float(fn.metrics.SparseCategoricalCrossentropy()([1], [[0.5, 0.5]])), 4)
    0.6931
    """

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: str | None = None,
        from_logits: bool = False,
        axis: int = -1,
    ):
        super().__init__(
            losses.sparse_categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            axis=axis,
        )


def function_of_loss(loss: losses.Loss) -> Any:
    """A loss object as a function of values per sample, for use as a metric."""

    def values(y_true: Tensor, y_pred: Tensor) -> Tensor:
        return loss.call(y_true, y_pred)

    values.__name__ = loss.name
    return values
