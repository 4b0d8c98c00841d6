"""The area under a curve of two shares, drawn by letting a threshold wander."""

from __future__ import annotations

from typing import Any

from fastnn import _core, config, ops
from fastnn.losses.loss import align, fit_weight
from fastnn.metrics.confusion import ConfusionMetric, fraction
from fastnn.ops.loss import check_probabilities
from fastnn.tensor import Tensor

_CURVES = ("ROC", "PR", "PRGAIN")
_SUMMATIONS = ("interpolation", "majoring", "minoring")


class AUC(ConfusionMetric):
    """The area under the ROC or precision-recall curve, from counts at thresholds.

    Args:
        num_thresholds: how many, from 0 to 1.
        curve: "ROC": the share of ones found over that of zeros taken for ones; "PR": precision
            over recall; "PRGAIN": their gains over always saying yes.
        summation_method: "interpolation" (trapezoids; for PR the curve of Davis and Goadrich),
            "majoring" or "minoring" (the higher or lower end of each step).
        thresholds: those between 0 and 1, in place of `num_thresholds`.
        multi_label: whether the columns of [n, labels] have an area each, of which the result is
            the mean.
        num_labels: how many columns; None: as the first batch has.
        label_weights: weights of the columns.
        from_logits: whether y_pred are logits.

    Raises:
        ValueError: arguments outside their range, shapes that do not fit.

    Sources: J. Davis, M. Goadrich, "The relationship between precision-recall and ROC curves",
    2006; P. Flach, M. Kull, "Precision-recall-gain curves", 2015.

    >>> import fastnn as fn
    >>> float(fn.metrics.AUC(num_thresholds=3)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9]))
    0.75
    """

    _direction = "up"

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: str | None = None,
        thresholds: Any = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ):
        if curve.upper() not in _CURVES:
            raise ValueError(f"AUC: curve must be one of {_CURVES}, got {curve!r}")
        if summation_method.lower() not in _SUMMATIONS:
            raise ValueError(
                f"AUC: summation_method must be one of {_SUMMATIONS}, got {summation_method!r}"
            )
        if thresholds is None and num_thresholds <= 1:
            raise ValueError(f"AUC: num_thresholds must be at least 2, got {num_thresholds}")
        if num_labels and not multi_label:
            raise ValueError(f"AUC: num_labels is {num_labels}, but multi_label is False")
        last = num_thresholds - 1
        inner = [i / last for i in range(1, last)] if thresholds is None else sorted(thresholds)
        ends = (
            -config.epsilon(),
            1.0 + config.epsilon(),
        )  # all are above the one, none the other
        super().__init__([ends[0], *inner, ends[1]], name, dtype)
        self.num_thresholds = len(inner) + 2
        self.curve = curve.upper()
        self.summation_method = summation_method.lower()
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = None if label_weights is None else list(label_weights)
        self.from_logits = from_logits
        self._given = None if thresholds is None else inner
        if num_labels or not multi_label:
            self._make(num_labels)

    def _make(self, labels: int | None) -> None:
        if labels and self.label_weights is not None and len(self.label_weights) != labels:
            raise ValueError(
                f"AUC: label_weights are {len(self.label_weights)}, but there are {labels} labels"
            )
        self.make_totals((self.num_thresholds, *([labels] if labels else [])))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = align(y_true, y_pred, self.name)
        y_true, y_pred = y_true.detach(), y_pred.detach()
        if self.from_logits:
            y_pred = ops.sigmoid(y_pred)
        check_probabilities(f"{self.name}: y_pred", y_pred)
        if not self.multi_label:
            if self.label_weights is not None:
                sample_weight = self._with_labels(sample_weight, y_pred)
            return self.add(y_true, y_pred, sample_weight)
        if y_pred.ndim != 2 or self.num_labels not in (None, y_pred.shape[1]):
            raise ValueError(
                f"{self.name}: y_pred has shape {y_pred.shape}, expected "
                f"(n, {self.num_labels or 'labels'}) with multi_label=True"
            )
        if not self._variables:
            self._make(y_pred.shape[1])
        return self.add(y_true, y_pred, sample_weight, columns=y_pred.shape[1])

    def _with_labels(self, weight: Any, y_pred: Tensor) -> Tensor:
        """Weights of samples times those of labels."""
        weight = ops.ones((1,), "float64") if weight is None else weight
        weight = fit_weight(weight, y_pred.shape, "float64", self.name)
        labels = ops.convert_to_tensor(self.label_weights, "float64")
        if y_pred.shape[-1:] != labels.shape:
            raise ValueError(
                f"{self.name}: label_weights are {labels.size}, but y_pred has shape {y_pred.shape}"
            )
        return ops.broadcast_to(weight * labels, y_pred.shape)

    def result(self) -> Tensor:
        if not self._variables:
            return ops.zeros((), self.dtype)
        if self.curve == "PR" and self.summation_method == "interpolation":
            areas = self._interpolated_precision()
        else:
            x, y = self._points()
            left, right = y[1:], y[:-1]
            height = {
                "interpolation": lambda: (left + right) / 2.0,
                "minoring": lambda: ops.minimum(left, right),
                "majoring": lambda: ops.maximum(left, right),
            }[self.summation_method]()
            areas = (x[:-1] - x[1:]) * height
        area = ops.sum(areas, axis=0)
        if self.multi_label and self.label_weights is None:
            area = ops.mean(area)
        elif self.multi_label:
            weights = ops.convert_to_tensor(self.label_weights, "float64")
            area = ops.divide_no_nan(ops.sum(area * weights), ops.sum(weights))
        return _core.copy(area, self.dtype)

    def _points(self) -> tuple[Tensor, Tensor]:
        """The curve: x and y at each threshold."""
        tp, fp, fn, tn = self._totals.values()
        if self.curve == "ROC":
            return fraction(fp, tn), fraction(tp, fn)
        if self.curve == "PR":
            return fraction(tp, fn), fraction(tp, fp)
        odds = ops.divide_no_nan(tp + fn, tn + fp)
        found = ops.greater(tp, 0.0)
        recall = ops.where(found, 1.0 - odds * ops.divide_no_nan(fn, tp), 0.0)
        precision = ops.where(found, 1.0 - odds * ops.divide_no_nan(fp, tp), 1.0)
        return ops.maximum(recall, 0.0), precision

    def _interpolated_precision(self) -> Tensor:
        """Areas of steps along which true positives grow linearly with all positives."""
        tp, fp, fn, _ = self._totals.values()
        said = tp + fp
        grown = tp[:-1] - tp[1:]
        slope = ops.divide_no_nan(grown, said[:-1] - said[1:])
        intercept = tp[1:] - slope * said[1:]
        both = ops.logical_and(said[:-1] > 0.0, said[1:] > 0.0)
        ratio = ops.where(both, ops.divide_no_nan(said[:-1], said[1:]), 1.0)
        return ops.divide_no_nan(slope * (grown + intercept * ops.log(ratio)), tp[1:] + fn[1:])

    def get_config(self) -> dict:
        own = {
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "thresholds": self._given,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": self.label_weights,
            "from_logits": self.from_logits,
        }
        return {**super().get_config(), **own}
