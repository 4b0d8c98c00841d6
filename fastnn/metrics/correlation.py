"""How far predictions go along with their targets: R2, correlations."""

from __future__ import annotations

import warnings
from typing import Any

from fastnn import _core, config, ops
from fastnn.losses.loss import align, fit_weight
from fastnn.metrics.metric import MeanMetricWrapper, Metric
from fastnn.ops.core import follows_operands
from fastnn.tensor import Tensor

_AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


@follows_operands
def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """The covariance along an axis over both standard deviations.

    >>> import fastnn as fn
    >>> round(fn.metrics.pearson_correlation([[0.0, 1.0, 2.0]], [[1.0, 2.0, 3.0]]).item(), 4)
    1.0
    """
    y_true, y_pred = _centred(y_true, y_pred, axis, "pearson_correlation")
    y_true = y_true / ops.std(y_true, axis=axis, keepdims=True)
    y_pred = y_pred / ops.std(y_pred, axis=axis, keepdims=True)
    return ops.mean(y_true * y_pred, axis=axis)


@follows_operands
def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """Twice the covariance along an axis over both variances and the squared difference of means:
    1 only where they are equal.

    Source: L. I.-K. Lin, "A concordance correlation coefficient to evaluate reproducibility", 1989.

    >>> import fastnn as fn
    >>> round(fn.metrics.concordance_correlation([[0.0, 1.0, 2.0]], [[1.0, 2.0, 3.0]]).item(), 4)
    0.5714
    """
    true, said = align(y_true, y_pred, "concordance_correlation")
    apart = ops.square(ops.mean(true, axis=axis) - ops.mean(said, axis=axis))
    true, said = _centred(true, said, axis, "concordance_correlation")
    spread = ops.mean(ops.square(true), axis=axis) + ops.mean(ops.square(said), axis=axis)
    return 2.0 * ops.mean(true * said, axis=axis) / (spread + apart + config.epsilon())


def _centred(y_true: Any, y_pred: Any, axis: int, operation: str) -> tuple[Tensor, Tensor]:
    y_true, y_pred = align(y_true, y_pred, operation)
    y_true = y_true - ops.mean(y_true, axis=axis, keepdims=True)
    return y_true, y_pred - ops.mean(y_pred, axis=axis, keepdims=True)


class PearsonCorrelation(MeanMetricWrapper):
    """The mean of `pearson_correlation`.

    >>> import fastnn as fn
    >>> round(float(fn.metrics.PearsonCorrelation()([[0.0, 1.0, 2.0]], [[3.0, 2.0, 1.0]])), 4)
    -1.0
    """

    _direction = "up"

    def __init__(
        self,
        name: str | None = "pearson_correlation",
        dtype: str | None = None,
        axis: int = -1,
    ):
        super().__init__(pearson_correlation, name, dtype, axis=axis)


class ConcordanceCorrelation(MeanMetricWrapper):
    """The mean of `concordance_correlation`.

    >>> import fastnn as fn
    >>> round(float(fn.metrics.ConcordanceCorrelation()([[0.0, 1.0, 2.0]], [[1.0, 2.0, 3.0]])), 4)
    0.5714
    """

    _direction = "up"

    def __init__(
        self,
        name: str | None = "concordance_correlation",
        dtype: str | None = None,
        axis: int = -1,
    ):
        super().__init__(concordance_correlation, name, dtype, axis=axis)


class R2Score(Metric):
    """1 - squared errors / squared distances of targets from their mean, for each output.

    Args:
        class_aggregation: "uniform_average": the mean over outputs; "variance_weighted_average":
            weighted by their squared distances; None: a figure per output.
        num_regressors: if not 0, the figure is adjusted for that many predictors.

    Raises:
        ValueError: arguments outside their range, shapes other than (n, outputs).

    >>> import fastnn as fn
    >>> round(float(fn.metrics.R2Score()([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])), 4)
    0.5714
    """

    _direction = "up"

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: str | None = None,
    ):
        super().__init__(dtype, name)
        if class_aggregation not in _AGGREGATIONS:
            raise ValueError(
                f"R2Score: class_aggregation must be one of {_AGGREGATIONS}, "
                f"got {class_aggregation!r}"
            )
        if num_regressors < 0:
            raise ValueError(f"R2Score: num_regressors must be at least 0, got {num_regressors}")
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_variable(name="num_samples")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch of shape [n, outputs], with weights [n] or of that shape."""
        y_true, y_pred = align(y_true, y_pred, self.name)
        if y_pred.ndim != 2:
            raise ValueError(f"{self.name}: y_pred has shape {y_pred.shape}, expected (n, outputs)")
        if len(self._variables) == 1:
            shape = y_pred.shape[1:]
            self.squared_sum = self.add_variable(shape, name="squared_sum")
            self.sum = self.add_variable(shape, name="sum")
            self.total_mse = self.add_variable(shape, name="residual")
            self.count = self.add_variable(shape, name="count")
        true = _core.copy(y_true.detach(), "float64")
        error = true - _core.copy(y_pred.detach(), "float64")
        weight = ops.ones((1,), "float64") if sample_weight is None else sample_weight
        weight = fit_weight(weight, true.shape, "float64", self.name)
        weight = ops.broadcast_to(weight, true.shape)
        self.sum.assign_add(ops.sum(true * weight, axis=0))
        self.squared_sum.assign_add(ops.sum(true * true * weight, axis=0))
        self.total_mse.assign_add(ops.sum(error * error * weight, axis=0))
        self.count.assign_add(ops.sum(weight, axis=0))
        self.num_samples.assign_add(float(true.size))

    def result(self) -> Tensor:
        if len(self._variables) == 1:
            return ops.zeros((), self.dtype)
        total = self.squared_sum - self.sum * self.sum / self.count
        scores = 1.0 - self.total_mse / total
        scores = ops.where(ops.isinf(scores), 0.0, scores)
        if self.class_aggregation == "uniform_average":
            scores = ops.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = ops.sum(total * scores) / ops.sum(total)
        return _core.copy(self._adjusted(scores), self.dtype)

    def _adjusted(self, scores: Tensor) -> Tensor:
        freedom = self.num_samples.item() - self.num_regressors - 1
        if self.num_regressors and freedom <= 0:
            warnings.warn(
                f"R2Score: num_regressors is {self.num_regressors}, which takes more samples than "
                f"{self.num_samples.item():g}; the figure is not adjusted",
                stacklevel=3,
            )
        elif self.num_regressors:
            return 1.0 - (1.0 - scores) * (self.num_samples - 1.0) / freedom
        return scores

    def get_config(self) -> dict:
        own = {
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
        }
        return {**super().get_config(), **own}
