"""Cross-entropies: of one class out of many, and of yes and no.

A prediction that comes straight from a softmax or sigmoid carries its logits, and the loss is
computed from those, which is exact where probabilities round to 0 or 1.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from fastnn import _core, ops
from fastnn.dtypes import is_float
from fastnn.layers import masks
from fastnn.losses.loss import LossFunctionWrapper, align, as_float, fit_weight
from fastnn.ops.core import follows_operands
from fastnn.tensor import Tensor, from_data


@follows_operands
def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Cross-entropy against distributions (one-hot rows): -sum(y_true * log(y_pred)).

    Args:
        y_true: [batch, ..., classes], each row a distribution.
        y_pred: of the same shape: probabilities, or logits with `from_logits=True`.
        label_smoothing: s in [0, 1): targets become `y_true * (1 - s) + s / classes`.
        axis: of the classes.

    Returns:
        A value per row: [batch, ...].

    Raises:
        ValueError: shapes that differ, smoothing outside [0, 1].

    >>> import fastnn as fn
    >>> y = fn.losses.categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])
    >>> round(y.item(), 6)
    0.693147
    """
    check_smoothing("categorical_crossentropy", label_smoothing)
    y_pred = as_float(y_pred, "categorical_crossentropy")
    y_true, y_pred = keep_logits(y_true, y_pred, "categorical_crossentropy")
    if label_smoothing:
        classes = y_pred.shape[axis]
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / classes
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


@follows_operands
def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Tensor:
    """Cross-entropy against class numbers: -log(y_pred[label]).

    Args:
        y_true: class numbers from 0 to classes - 1, [batch, ...] or [batch, ..., 1]. They stay
            integers; floats are taken if they are whole numbers.
        y_pred: [batch, ..., classes]: probabilities, or logits with `from_logits=True`.
        ignore_class: a label (such as -1 or 255) whose value is 0.
        axis: of the classes.

    Returns:
        A value per label: [batch, ...].

    Raises:
        ValueError: labels out of range or not whole, shapes that do not fit.

    >>> import fastnn as fn
    >>> y = fn.losses.sparse_categorical_crossentropy([1], [[0.5, 0.5]])
    >>> round(y.item(), 6)
    0.693147
    """
    y_pred = as_float(y_pred, "sparse_categorical_crossentropy")
    labels = as_labels(y_true, "sparse_categorical_crossentropy")
    if axis in (-1, y_pred.ndim - 1):
        labels = fit_labels(labels, y_pred, "sparse_categorical_crossentropy")
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(
            labels, y_pred, from_logits=from_logits, axis=axis
        )
    kept = ops.not_equal(labels, ignore_class)
    labels = ops.where(kept, labels, ops.zeros_like(labels))
    values = ops.sparse_categorical_crossentropy(labels, y_pred, from_logits=from_logits, axis=axis)
    return ops.where(kept, values, ops.zeros_like(values))


@follows_operands
def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Cross-entropy of yes and no: the mean over `axis` of
    -(y_true * log(y_pred) + (1 - y_true) * log(1 - y_pred)).

    Args:
        y_true: 0, 1 or between, of y_pred's shape; (n,) and (n, 1) are taken for the same.
        y_pred: probabilities, or logits with `from_logits=True`.
        label_smoothing: s in [0, 1]: targets become `y_true * (1 - s) + s / 2`.

    Raises:
        ValueError: shapes that differ, smoothing outside [0, 1].

    >>> import fastnn as fn
    >>> y = fn.losses.binary_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])
    >>> round(y.item(), 6)
    0.693147
    """
    check_smoothing("binary_crossentropy", label_smoothing)
    y_pred = as_float(y_pred, "binary_crossentropy")
    y_true, y_pred = keep_logits(y_true, y_pred, "binary_crossentropy")
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    values = ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits)
    return ops.mean(values, axis=axis)


def as_labels(y_true: Any, operation: str) -> Tensor:
    """Class numbers as an integer Tensor; whole floats are converted, others are an error."""
    if not isinstance(y_true, Tensor):
        y_true = from_data(y_true, None, f"{operation}: y_true")
    if y_true.dtype in ("int32", "int64"):
        return y_true
    if is_float(y_true.dtype):
        array = y_true.numpy()
        if not np.array_equal(array, np.floor(array)):
            raise ValueError(f"{operation}: y_true must hold class numbers, got fractions or NaN")
    return _core.copy(y_true, "int64")


def fit_labels(labels: Tensor, y_pred: Tensor, operation: str) -> Tensor:
    """Class numbers [batch, ...] or [batch, ..., 1] as [batch, ...], one for each row of y_pred."""
    rows = y_pred.shape[:-1]
    if labels.shape == rows:
        return labels
    if labels.shape != (*rows, 1):
        raise ValueError(
            f"{operation}: y_true has shape {labels.shape}, but y_pred {y_pred.shape} needs labels "
            f"of shape {rows} or {(*rows, 1)}"
        )
    return ops.reshape(labels, rows)


def keep_logits(y_true: Any, y_pred: Tensor, operation: str) -> tuple[Tensor, Tensor]:
    """As `align`, but y_pred itself is kept when it need not change: it carries its logits."""
    if isinstance(y_true, Tensor) and y_true.dtype == y_pred.dtype:
        if y_true.shape == y_pred.shape:
            return y_true, y_pred
        if y_true.shape == (*y_pred.shape, 1):
            return ops.squeeze(y_true, -1), y_pred
    return align(y_true, y_pred, operation)


def check_smoothing(operation: str, amount: float) -> None:
    if not 0 <= amount <= 1:
        raise ValueError(f"{operation}: label_smoothing must be in [0, 1], got {amount}")


def _mean_rule(node: Any, gradient: Tensor) -> Tensor:
    return _core.binary(node.saved[0], gradient, "mul")


@lru_cache(maxsize=16)
def _equal_weights(rows: int, dtype: str, device: str) -> Tensor:
    return _core.from_numpy(np.full(rows, 1 / rows, dtype), device)


class _SoftmaxCrossentropy(LossFunctionWrapper):
    """A cross-entropy whose mean over rows of known logits is one primitive, a sum and one node."""

    def __init__(
        self, fn: Any, reduction: str | None, name: str | None, dtype: Any, **options: Any
    ):
        super().__init__(fn, reduction, name, dtype, **options)
        self._from_logits = options["from_logits"]
        self._smoothing = options.get("label_smoothing", 0.0)
        self._direct = (
            options["axis"] == -1
            and options.get("ignore_class") is None
            and reduction in ("sum_over_batch_size", "mean")
        )

    def value(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        logits = y_pred if self._from_logits else y_pred._logits
        if (
            logits is None
            or sample_weight is not None
            or not self._direct
            or masks.state.in_use
            or not self._is_plain(y_true, logits)
        ):
            return super().value(y_true, y_pred, sample_weight)
        weights = _equal_weights(logits.shape[0], logits.dtype, logits.device)
        values, dx = _core.cross_entropy(logits, y_true, weights, self._smoothing)
        return _core.record(_core.reduce(values, "sum", (0,)), _mean_rule, (dx,), logits)

    def _is_plain(self, y_true: Tensor, logits: Tensor) -> bool:
        """Whether targets and logits are as the primitive wants them."""
        raise NotImplementedError


class CategoricalCrossentropy(_SoftmaxCrossentropy):
    """Cross-entropy against one-hot rows; see `categorical_crossentropy`.

    >>> import fastnn as fn
    >>> fn.losses.CategoricalCrossentropy(from_logits=True)([[0.0, 1.0]], [[0.0, 0.0]]).shape
    ()
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: str | None = None,
    ):
        check_smoothing("CategoricalCrossentropy", label_smoothing)
        super().__init__(
            categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )

    def _is_plain(self, y_true: Tensor, logits: Tensor) -> bool:
        return y_true.dtype == logits.dtype and y_true.shape == logits.shape and logits.ndim == 2


class SparseCategoricalCrossentropy(_SoftmaxCrossentropy):
    """Cross-entropy against class numbers; see `sparse_categorical_crossentropy`. With
    `ignore_class` the mean is over the other labels.

    >>> import fastnn as fn
    >>> fn.losses.SparseCategoricalCrossentropy()([0, 1], [[1.0, 0.0], [0.0, 1.0]]).item() < 1e-6
    True
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: str | None = None,
    ):
        super().__init__(
            sparse_categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )

    def _is_plain(self, y_true: Tensor, logits: Tensor) -> bool:
        return (
            y_true.dtype in ("int64", "int32")
            and logits.ndim == 2
            and y_true.shape == logits.shape[:1]
        )

    def value(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        ignored = self.options["ignore_class"]
        if ignored is None or self.reduction in ("sum", "none", None):
            return super().value(y_true, y_pred, sample_weight)
        labels = as_labels(y_true, self.name)
        kept = ops.cast(ops.not_equal(labels, ignored), y_pred.dtype)
        if self.reduction == "mean_with_sample_weight":
            kept = ops.reshape(kept, y_pred.shape[:-1])
            if sample_weight is not None:
                kept = kept * fit_weight(sample_weight, kept.shape, kept.dtype, self.name)
            return super().value(y_true, y_pred, kept)
        loss = super().value(y_true, y_pred, sample_weight)  # over all that the mask leaves
        mask = masks.get_mask(y_pred) if masks.state.in_use else None
        if mask is None:
            return ops.divide_no_nan(loss * float(labels.size), ops.sum(kept))
        kept = ops.reshape(kept, y_pred.shape[:-1])
        valid = fit_weight(ops.cast(mask, kept.dtype), kept.shape, kept.dtype, self.name)
        valid = ops.broadcast_to(valid, kept.shape)
        kept = kept * valid
        return ops.divide_no_nan(loss * ops.sum(valid), ops.sum(kept))


class BinaryCrossentropy(LossFunctionWrapper):
    """Cross-entropy of yes and no; see `binary_crossentropy`.

    >>> import fastnn as fn
    >>> fn.losses.BinaryCrossentropy()([[1.0]], [[1.0]]).item() < 1e-6
    True
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: str | None = None,
    ):
        check_smoothing("BinaryCrossentropy", label_smoothing)
        super().__init__(
            binary_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
