"""Losses from logits, with their gradient in the same call."""

from __future__ import annotations

import numpy as np

from .elementwise import sigmoid
from .softmax import softmax


def _target_rows(labels: np.ndarray, classes: int, keep: np.ndarray, dtype: np.dtype) -> np.ndarray:
    bad = keep & ((labels < 0) | (labels >= classes))
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(
            f"cross_entropy: label {labels[row]} at row {row} is out of range for {classes} classes"
        )
    return ((labels[:, None] == np.arange(classes)) & keep[:, None]).astype(dtype)


@np.errstate(all="ignore")
def require_no_nan(x: np.ndarray, *, what: str) -> tuple:
    """Raises ValueError if x holds a NaN; ``what`` says what it is of a loss."""
    if np.isnan(x).any():
        where = tuple(int(i) for i in np.argwhere(np.isnan(x))[0])
        raise ValueError(f"loss: {what} holds NaN, first at index {where}")
    return ()


def cross_entropy(
    logits: np.ndarray,
    labels: np.ndarray,
    sample_weight: np.ndarray | None = None,
    *,
    smoothing: float = 0,
    has_ignore: bool = False,
    ignore_class: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Row losses -sum(t * log(softmax(x))) and their gradients softmax(x) * sum(t) - t.

    logits [rows, classes]; labels int32 or int64 [rows] (t is their one-hot row), or t itself
    [rows, classes]; t is smoothed to t * (1 - s) + s / classes. Rows whose label is
    ``ignore_class`` have no loss and no gradient; others outside [0, classes) are a ValueError.
    sample_weight [rows] multiplies both.
    """
    scalar = logits.dtype.type
    rows, classes = logits.shape
    keep = np.ones(rows, dtype=bool)
    if labels.ndim == 1 and labels.dtype.kind == "i":
        if has_ignore:
            keep = labels != ignore_class
        target = _target_rows(labels, classes, keep, logits.dtype)
    else:
        target = labels
    if smoothing:
        target = target * scalar(1 - smoothing) + scalar(smoothing / classes)
    mask = keep[:, None]
    terms = target * softmax(logits, axis=1, log=True)
    loss = np.where(keep, -np.sum(np.where(target == 0, 0, terms), axis=1), scalar(0))
    slope = softmax(logits, axis=1) * np.sum(target, axis=1, keepdims=True) - target
    dx = np.where(mask, slope, scalar(0))
    if sample_weight is not None:
        loss, dx = loss * sample_weight, dx * sample_weight[:, None]
    return loss, dx


@np.errstate(all="ignore")
def binary_cross_entropy(
    logits: np.ndarray,
    targets: np.ndarray,
    sample_weight: np.ndarray | None = None,
    *,
    smoothing: float = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """max(x, 0) - x t + log(1 + exp(-abs(x))) and its gradient sigmoid(x) - t, element by element.

    That is -t log(s) - (1 - t) log(1 - s) for s = sigmoid(x); t is smoothed to
    t * (1 - smoothing) + smoothing / 2; sample_weight multiplies both. All of one shape and dtype.
    """
    scalar = logits.dtype.type
    target = targets * scalar(1 - smoothing) + scalar(smoothing / 2) if smoothing else targets
    loss = np.maximum(logits, 0) - logits * target + np.log1p(np.exp(-np.abs(logits)))
    dx = sigmoid(logits) - target
    if sample_weight is not None:
        loss, dx = loss * sample_weight, dx * sample_weight
    return loss, dx
