"""The best of one figure where another is good enough, over all thresholds."""

from __future__ import annotations

from fastnn import _core, ops
from fastnn.metrics.confusion import ConfusionMetric, fraction
from fastnn.tensor import Tensor


class _AtConstraint(ConfusionMetric):
    """The largest `best` at thresholds where `constrained` is at least `value`."""

    _direction = "up"

    def __init__(
        self,
        argument: str,
        value: float,
        num_thresholds: int,
        class_id: int | None,
        name: str | None,
        dtype: str | None,
    ):
        kind = type(self).__name__
        if not 0 <= value <= 1:
            raise ValueError(f"{kind}: {argument} must be in [0, 1], got {value}")
        if num_thresholds <= 0:
            raise ValueError(f"{kind}: num_thresholds must be at least 1, got {num_thresholds}")
        last = num_thresholds - 1
        thresholds = [i / last for i in range(num_thresholds)] if last else [0.5]
        super().__init__(thresholds, name, dtype, class_id)
        self.num_thresholds = num_thresholds
        self.value = value
        self._argument = argument
        self.make_totals((num_thresholds,))

    def _sensitivity(self) -> Tensor:  # which is the recall
        return fraction(self._totals["true_positives"], self._totals["false_negatives"])

    def _specificity(self) -> Tensor:
        return fraction(self._totals["true_negatives"], self._totals["false_positives"])

    def _precision(self) -> Tensor:
        return fraction(self._totals["true_positives"], self._totals["false_positives"])

    def _best(self, best: Tensor, constrained: Tensor) -> Tensor:
        allowed = ops.greater_equal(constrained, self.value)
        return _core.copy(ops.max(ops.where(allowed, best, 0.0)), self.dtype)

    def get_config(self) -> dict:
        own = {"num_thresholds": self.num_thresholds, "class_id": self.class_id}
        return {**super().get_config(), **own, self._argument: self.value}


class SensitivityAtSpecificity(_AtConstraint):
    """The largest share of ones that are found where at least a share of zeros is left alone.

    Args:
        specificity: that share, in [0, 1].
        num_thresholds: how many thresholds from 0 to 1 are tried.
        class_id: the one column that counts.

    Raises:
        ValueError: arguments outside their range, shapes that do not fit.

    >>> import fastnn as fn
    >>> m = fn.metrics.SensitivityAtSpecificity(0.5)
    >>> float(m([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8]))
    0.5
    """

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ):
        super().__init__("specificity", specificity, num_thresholds, class_id, name, dtype)

    def result(self) -> Tensor:
        return self._best(self._sensitivity(), self._specificity())


class SpecificityAtSensitivity(_AtConstraint):
    """The largest share of zeros that are left alone where at least a share of ones,
    `sensitivity`, is found; see `SensitivityAtSpecificity`.

    >>> import fastnn as fn
    >>> m = fn.metrics.SpecificityAtSensitivity(0.5)
    >>> round(float(m([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8])), 4)
    0.6667
    """

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ):
        super().__init__("sensitivity", sensitivity, num_thresholds, class_id, name, dtype)

    def result(self) -> Tensor:
        return self._best(self._specificity(), self._sensitivity())


class PrecisionAtRecall(_AtConstraint):
    """The largest precision where the recall is at least `recall`; see
    `SensitivityAtSpecificity`.

    >>> import fastnn as fn
    >>> float(fn.metrics.PrecisionAtRecall(0.5)([0, 0, 1, 1], [0.0, 0.6, 0.3, 0.8]))
    1.0
    """

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ):
        super().__init__("recall", recall, num_thresholds, class_id, name, dtype)

    def result(self) -> Tensor:
        return self._best(self._precision(), self._sensitivity())


class RecallAtPrecision(_AtConstraint):
    """The largest recall where the precision is at least `precision`; see
    `SensitivityAtSpecificity`.

    >>> import fastnn as fn
    >>> float(fn.metrics.RecallAtPrecision(0.8)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9]))
    0.5
    """

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ):
        super().__init__("precision", precision, num_thresholds, class_id, name, dtype)

    def result(self) -> Tensor:
        return self._best(self._sensitivity(), self._precision())
