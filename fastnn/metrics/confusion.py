"""What metrics of yes and no have in common: true and false positives and negatives, counted at
several thresholds in one pass over the predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastnn import _core, config, ops
from fastnn.losses.loss import align, fit_weight
from fastnn.metrics.metric import Metric
from fastnn.tensor import Tensor, Variable

KINDS = ("true_positives", "false_positives", "false_negatives", "true_negatives")


class ConfusionMetric(Metric):
    """Counts of `counted` kinds (names of KINDS, which the totals have), one per threshold.

    A prediction above a threshold says yes. Predictions are sorted into bins between thresholds,
    and the counts are sums of bins: that many thresholds cost little more than one.
    """

    counted: tuple[str, ...] = KINDS

    def __init__(
        self, thresholds: Any, name: str | None, dtype: str | None, class_id: int | None = None
    ):
        super().__init__(dtype, name)
        self.thresholds = list(thresholds)
        self.class_id = class_id
        self._sorted = np.sort(np.asarray(self.thresholds, np.float64))
        self._even = _are_even(self._sorted)
        rank = np.searchsorted(self._sorted, self.thresholds)
        above = np.arange(len(rank) + 1) > rank[:, None]
        self._sides = above.astype(np.float64), (~above).astype(np.float64)
        self._placed: dict[str, list[Tensor]] = {}  # these on the devices that were asked for

    def make_totals(self, shape: tuple) -> None:
        """A total of each kind."""
        self._totals = {kind: self.add_variable(shape, name=kind) for kind in self.counted}
        for kind, total in self._totals.items():
            setattr(self, kind, total)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch.

        Args:
            y_true: 0 or 1 (not 0 is 1), of the shape of y_pred; (n,) and (n, 1) are the same.
            y_pred: numbers of which those above a threshold say yes; NaN says no.
            sample_weight: a weight for each value, or for each of the first axes.

        Raises:
            ValueError: shapes that do not fit.
        """
        y_true, y_pred = align(y_true, y_pred, self.name)
        self.add(y_true.detach(), y_pred.detach(), sample_weight)

    def add(self, y_true: Tensor, y_pred: Tensor, weight: Any, columns: int = 1) -> None:
        """Adds a batch that was checked; with several columns, each is counted by itself."""
        y_pred = ops.where(ops.equal(y_pred, y_pred), y_pred, float("-inf"))  # NaN never says yes
        if weight is None:
            weight = ops.ones((1,), "float64")
        weight = fit_weight(weight, y_pred.shape, "float64", self.name)
        weight = ops.broadcast_to(weight, y_pred.shape)
        one = self.class_id
        if one is not None:
            if y_pred.ndim < 2 or not 0 <= one < y_pred.shape[-1]:
                raise ValueError(
                    f"{self.name}: class_id is {one}, but y_pred has shape {y_pred.shape}"
                )
            y_true, y_pred, weight = y_true[..., one], y_pred[..., one], weight[..., one]
        yes = ops.not_equal(y_true, 0.0)
        updates = ops.stack([ops.where(yes, weight, 0.0), ops.where(yes, 0.0, weight)], axis=-1)
        bins = self._bins(y_pred) * columns + ops.arange(columns, dtype="int64")
        total = ops.zeros(((len(self.thresholds) + 1) * columns, 2), "float64")
        _core.scatter_add(total, ops.reshape(updates, (-1, 2)), ops.reshape(bins, (-1,)), 0)
        total = ops.reshape(total, (-1, 2 * columns))
        if total.device not in self._placed:
            self._placed[total.device] = [_core.from_numpy(x, total.device) for x in self._sides]
        counts = ops.stack([ops.matmul(side, total) for side in self._placed[total.device]])
        for kind, variable in self._totals.items():
            at = KINDS.index(kind)
            both = ops.reshape(counts[at // 2], (len(self.thresholds), columns, 2))
            variable.assign_add(ops.reshape(both[..., at % 2], variable.shape))

    def _bins(self, y_pred: Tensor) -> Tensor:
        """How many thresholds each prediction is above."""
        if self._even:
            last = len(self._sorted) - 1
            bins = ops.ceil(ops.clip(y_pred, 0.0, 1.0) * float(last))
            if self._sorted[0] < 0:
                bins = ops.maximum(bins, 1.0)
            return ops.cast(bins, "int64")
        return ops.searchsorted(ops.convert_to_tensor(self._sorted, y_pred.dtype), y_pred)


def _are_even(thresholds: np.ndarray) -> bool:
    """Whether they are 0, 1 / n, 2 / n ... 1, up to `config.epsilon()`."""
    if len(thresholds) < 3:
        return False
    even = np.linspace(0, 1, len(thresholds))
    return np.allclose(thresholds, even, atol=1.01 * config.epsilon())


def fraction(total: Variable, rest: Variable) -> Tensor:
    """total / (total + rest), 0 where both are."""
    return ops.divide_no_nan(total, total + rest)


def as_thresholds(metric: str, given: Any, default: float) -> list[float]:
    """Thresholds given as one number, several, or None."""
    if given is None:
        return [default]
    thresholds = list(given) if isinstance(given, Sequence) else [given]
    for threshold in thresholds:
        if threshold is None or not 0 <= threshold <= 1:
            raise ValueError(f"{metric}: thresholds must be in [0, 1], got {threshold}")
    return thresholds
