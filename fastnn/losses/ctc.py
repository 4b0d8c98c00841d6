"""Connectionist temporal classification: labels of a sequence without their places in it."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.losses.crossentropy import as_labels
from fastnn.losses.loss import PlainLoss, as_float
from fastnn.tensor import Tensor


def ctc(y_true: Any, y_pred: Any) -> Tensor:
    """-log of the probability that logits spell the labels, summed over all alignments.

    Args:
        y_true: labels from 1 to classes - 1, [batch, most labels], padded behind with 0, which is
            the blank. Floats are taken if they are whole numbers.
        y_pred: logits [batch, time, classes], of which every frame counts.

    Returns:
        A value per example: [batch], not divided by the number of labels; infinite where labels do
        not fit the frames.

    Raises:
        ValueError: labels out of range or not whole, a 0 between labels, shapes that do not fit.

    `ops.ctc_loss` takes lengths and another blank.

    >>> import fastnn as fn
    >>> y = fn.losses.ctc([[1, 0]], [[[0.0, 0.0, 0.0]] * 2])  # three paths of nine
    >>> round(y.item(), 6)
    1.098612
    """
    y_pred = as_float(y_pred, "ctc")
    labels = as_labels(y_true, "ctc")
    if labels.ndim != 2:
        raise ValueError(f"ctc: y_true has shape {labels.shape}, expected (batch, most labels)")
    if y_pred.ndim != 3:
        raise ValueError(f"ctc: y_pred has shape {y_pred.shape}, expected (batch, time, classes)")
    count = ops.sum(ops.cast(ops.not_equal(labels, 0), "int32"), axis=1)
    frames = ops.full((y_pred.shape[0],), y_pred.shape[1], dtype="int32")
    return ops.ctc_loss(labels, y_pred, count, frames)


class CTC(PlainLoss):
    """Connectionist temporal classification; see `ctc`.

    >>> import fastnn as fn
    >>> round(fn.losses.CTC()([[1, 0]], [[[0.0, 0.0, 0.0]] * 2]).item(), 6)
    1.098612
    """

    function = staticmethod(ctc)
