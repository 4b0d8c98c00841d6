"""True and false positives and negatives, and the shares of them: precision and recall."""

from __future__ import annotations

from typing import Any

from fastnn import _core, ops
from fastnn.losses.loss import align
from fastnn.metrics.confusion import ConfusionMetric, as_thresholds, fraction
from fastnn.tensor import Tensor

# Below every prediction, and above what those are set to that are not among the top k.
_ALL, _NONE = -1e10, -2e10


class _Thresholded(ConfusionMetric):
    """A figure for each threshold, or one number for one threshold."""

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ):
        kind = type(self).__name__
        if top_k is not None and top_k < 1:
            raise ValueError(f"{kind}: top_k must be at least 1, got {top_k}")
        chosen = as_thresholds(kind, thresholds, 0.5 if top_k is None else _ALL)
        super().__init__(chosen, name, dtype, class_id)
        self.init_thresholds = thresholds
        self.top_k = top_k
        self.make_totals((len(chosen),))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        if self.top_k is not None:
            y_true, y_pred = align(y_true, y_pred, self.name)
            y_pred = _only_top(y_pred.detach(), self.top_k, self.name)
        super().update_state(y_true, y_pred, sample_weight)

    def figures(self) -> Tensor:
        """A figure for each threshold."""
        raise NotImplementedError

    def result(self) -> Tensor:
        figures = self.figures()
        figures = figures[0] if len(self.thresholds) == 1 else figures
        return _core.copy(figures, self.dtype)

    def get_config(self) -> dict:
        own = {"thresholds": self.init_thresholds, "top_k": self.top_k, "class_id": self.class_id}
        return {**super().get_config(), **own}


def _only_top(y_pred: Tensor, k: int, metric: str) -> Tensor:
    """y_pred with all but the k largest of each row set to _NONE; of equal ones the first."""
    if not y_pred.ndim or k > y_pred.shape[-1]:
        raise ValueError(f"{metric}: top_k is {k}, but y_pred has shape {y_pred.shape}")
    chosen = ops.multi_hot(ops.top_k(y_pred, k)[1], y_pred.shape[-1], dtype="bool")
    return ops.where(chosen, y_pred, _NONE)


class _Count(_Thresholded):
    """One kind of count."""

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: str | None = None):
        super().__init__(thresholds, name=name, dtype=dtype)

    def figures(self) -> Tensor:
        return self._totals[self.counted[0]]

    def get_config(self) -> dict:
        config = super().get_config()
        del config["top_k"], config["class_id"]
        return config


class TruePositives(_Count):
    """The (weighted) number of ones that are predicted above a threshold.

    Args:
        thresholds: a number in [0, 1], or several, for a figure each; None: 0.5.

    Raises:
        ValueError: thresholds outside [0, 1], shapes that do not fit.

    >>> import fastnn as fn
    >>> float(fn.metrics.TruePositives()([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0]))
    2.0
    """

    counted = ("true_positives",)


class FalsePositives(_Count):
    """The number of zeros that are predicted above a threshold; see `TruePositives`.

    >>> import fastnn as fn
    >>> float(fn.metrics.FalsePositives()([0, 1, 0, 0], [0.0, 0.0, 1.0, 1.0]))
    2.0
    """

    counted = ("false_positives",)


class TrueNegatives(_Count):
    """The number of zeros that are not predicted above a threshold; see `TruePositives`.

    >>> import fastnn as fn
    >>> fn.metrics.TrueNegatives(thresholds=[0.3, 0.6])([0, 0, 1], [0.2, 0.5, 0.1]).tolist()
    [1.0, 2.0]
    """

    counted = ("true_negatives",)


class FalseNegatives(_Count):
    """The number of ones that are not predicted above a threshold; see `TruePositives`.

    >>> import fastnn as fn
    >>> float(fn.metrics.FalseNegatives()([0, 1, 1, 1], [0.0, 1.0, 0.0, 0.0]))
    2.0
    """

    counted = ("false_negatives",)


class Precision(_Thresholded):
    """The share of ones among what is predicted above a threshold.

    Args:
        thresholds: a number in [0, 1], or several, for a figure each; None: 0.5, and with `top_k`
            none.
        top_k: only the k largest predictions of each row may say yes.
        class_id: the one column that counts.

    Raises:
        ValueError: thresholds outside [0, 1], shapes that do not fit, `top_k` or `class_id` that
            y_pred has no columns for.

    >>> import fastnn as fn
    >>> m = fn.metrics.Precision()
    >>> float(m([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0], sample_weight=[2, 1, 1, 1]))
    0.5
    """

    _direction = "up"

    counted = ("true_positives", "false_positives")

    def figures(self) -> Tensor:
        return fraction(*self._totals.values())


class Recall(_Thresholded):
    """The share of ones that are predicted above a threshold; see `Precision`.

    >>> import fastnn as fn
    >>> fn.metrics.Recall(thresholds=[0.2, 0.6])([0, 1, 1], [1.0, 0.3, 0.7]).tolist()
    [1.0, 0.5]
    """

    _direction = "up"

    counted = ("true_positives", "false_negatives")

    def figures(self) -> Tensor:
        return fraction(*self._totals.values())
