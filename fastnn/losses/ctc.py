"""Connectionist temporal classification: labels of a sequence without their places in it."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.layers import masks
from fastnn.losses.crossentropy import as_labels
from fastnn.losses.loss import PlainLoss, as_float, reduce_values
from fastnn.ops.core import follows_operands
from fastnn.tensor import Tensor


@follows_operands
def ctc(y_true: Any, y_pred: Any, mask: Any = None) -> Tensor:
    """-log of the probability that logits spell the labels, summed over all alignments.

    Args:
        y_true: labels from 1 to classes - 1, [batch, most labels], padded behind with 0, which is
            the blank. Floats are taken if they are whole numbers.
        y_pred: logits [batch, time, classes].
        mask: booleans [batch, time]: which frames count (not 0); every one if None.

    Returns:
        A value per example: [batch], not divided by the number of labels; infinite where labels do
        not fit the frames.

    Raises:
        ValueError: labels out of range or not whole, a 0 between labels, shapes that do not fit,
            those of the mask among them.

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
    if mask is None:
        frames = ops.full((y_pred.shape[0],), y_pred.shape[1], dtype="int32")
    else:
        y_pred, frames = _counted(y_pred, mask)
    return ops.ctc_loss(labels, y_pred, count, frames)


def _counted(y_pred: Tensor, mask: Any) -> tuple[Tensor, Tensor]:
    """The frames that count moved to the beginning, in their order, and how many they are."""
    mask = ops.cast(mask, "bool")
    if mask.shape != y_pred.shape[:2]:
        raise ValueError(f"ctc: mask has shape {mask.shape}, expected {y_pred.shape[:2]}")
    order = ops.argsort(ops.logical_not(mask), axis=1)
    order = ops.broadcast_to(ops.expand_dims(order, -1), y_pred.shape)
    return ops.take_along_axis(y_pred, order, axis=1), ops.sum(ops.cast(mask, "int32"), axis=1)


class CTC(PlainLoss):
    """Connectionist temporal classification; see `ctc`.

    Where predictions carry a mask (after `Masking`, say), its frames are those that count. A
    sample weight weighs an example.

    >>> import fastnn as fn
    >>> round(fn.losses.CTC()([[1, 0]], [[[0.0, 0.0, 0.0]] * 2]).item(), 6)
    1.098612
    """

    function = staticmethod(ctc)

    def value(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        mask = masks.get_mask(y_pred) if masks.state.in_use else None
        values = ctc(y_true, y_pred, mask)
        return reduce_values(values, sample_weight, self.reduction, self.name)
