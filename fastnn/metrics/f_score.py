"""F scores: the harmonic mean of precision and recall."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import _core, config, ops
from fastnn.losses.loss import align, fit_weight
from fastnn.metrics.metric import Metric
from fastnn.tensor import Tensor

_AVERAGES = (None, "micro", "macro", "weighted")


class FBetaScore(Metric):
    """(1 + beta^2) precision recall / (beta^2 precision + recall), for each class.

    Args:
        average: None: a figure per class; "macro": their mean; "weighted": their mean by how often
            a class is true; "micro": of all classes counted together.
        beta: above 1 recall counts more, below precision. A float above 0.
        threshold: predictions above it say yes; None: the largest of each row does.

    Raises:
        ValueError: arguments outside their range, shapes other than (n, classes).

    >>> import fastnn as fn
    >>> y, p = [[1, 0], [1, 0], [0, 1]], [[0.6, 0.4], [0.3, 0.7], [0.2, 0.8]]
    >>> [round(score, 3) for score in fn.metrics.FBetaScore(beta=2.0)(y, p).tolist()]
    [0.556, 0.833]
    """

    _direction = "up"

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: str | None = None,
    ):
        super().__init__(dtype, name)
        kind = type(self).__name__
        if average not in _AVERAGES:
            raise ValueError(f"{kind}: average must be one of {_AVERAGES}, got {average!r}")
        if not isinstance(beta, (float, np.floating)) or beta <= 0:
            raise ValueError(f"{kind}: beta must be a float above 0, got {beta!r}")
        is_float = isinstance(threshold, (float, np.floating))
        if threshold is not None and not (is_float and 0 < threshold <= 1):
            raise ValueError(f"{kind}: threshold must be a float in (0, 1], got {threshold!r}")
        self.average = average
        self.beta = beta
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch of shape [n, classes], with weights [n]."""
        y_true, y_pred = align(y_true, y_pred, self.name)
        y_true, y_pred = y_true.detach(), y_pred.detach()
        if y_pred.ndim != 2:
            raise ValueError(f"{self.name}: y_pred has shape {y_pred.shape}, expected (n, classes)")
        if not self._variables:
            shape = () if self.average == "micro" else y_pred.shape[1:]
            self.true_positives = self.add_variable(shape, name="true_positives")
            self.false_positives = self.add_variable(shape, name="false_positives")
            self.false_negatives = self.add_variable(shape, name="false_negatives")
            self.intermediate_weights = self.add_variable(shape, name="intermediate_weights")
        if self.threshold is None:
            largest = ops.greater_equal(y_pred, ops.max(y_pred, axis=-1, keepdims=True))
            said = ops.logical_and(largest, ops.greater(ops.abs(y_pred), 1e-9))
        else:
            said = ops.greater(y_pred, self.threshold)
        said, true = ops.cast(said, "float64"), ops.cast(y_true, "float64")
        weight: Any = 1.0
        if sample_weight is not None:
            weight = fit_weight(sample_weight, y_pred.shape, "float64", self.name)
        axis = None if self.average == "micro" else 0
        for total, values in (
            (self.true_positives, said * true),
            (self.false_positives, said * (1.0 - true)),
            (self.false_negatives, (1.0 - said) * true),
            (self.intermediate_weights, true),
        ):
            total.assign_add(ops.sum(values * weight, axis=axis))

    def result(self) -> Tensor:
        if not self._variables:
            return ops.zeros((), self.dtype)
        epsilon = config.epsilon()
        found = self.true_positives
        precision = found / (found + self.false_positives + epsilon)
        recall = found / (found + self.false_negatives + epsilon)
        square = self.beta**2
        score = (1.0 + square) * precision * recall / (square * precision + recall + epsilon)
        if self.average == "weighted":
            weights = self.intermediate_weights
            score = ops.sum(score * (weights / (ops.sum(weights) + epsilon)))
        elif self.average is not None:
            score = ops.mean(score)
        return _core.copy(score, self.dtype)

    def get_config(self) -> dict:
        own = {"average": self.average, "beta": self.beta, "threshold": self.threshold}
        return {**super().get_config(), **own}


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall; see `FBetaScore`.

    >>> import fastnn as fn
    >>> y, p = [[1, 0], [1, 0], [0, 1]], [[0.6, 0.4], [0.3, 0.7], [0.2, 0.8]]
    >>> round(float(fn.metrics.F1Score(average="macro")(y, p)), 3)
    0.667
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: str | None = None,
    ):
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict:
        config = super().get_config()
        del config["beta"]
        return config
