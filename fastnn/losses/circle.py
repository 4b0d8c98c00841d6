"""The circle loss: embeddings of one class together, of different classes apart."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.layers import masks
from fastnn.losses.crossentropy import as_labels
from fastnn.losses.loss import LossFunctionWrapper, as_float, masked_weight, reduce_values
from fastnn.ops.core import follows_operands
from fastnn.tensor import Tensor

# What pairs that do not count have in a sum of exponentials. Not minus infinity, of which a row
# without any pair would make NaN gradients; two of them can be added in float32.
_NEVER = -1e30


@follows_operands
def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Tensor:
    """softplus(logsumexp of pairs of one class + logsumexp of pairs of different ones).

    With d = max(1 - the product of two embeddings, 0), a pair of one class enters with
    gamma (margin + d) (d - margin), one of different classes with
    gamma (1 + margin - d) (1 - margin - d), where the first bracket is at least 0.

    Args:
        y_true: class numbers, [batch] or [batch, 1].
        y_pred: embeddings of length 1, [batch, n].
        ref_labels, ref_embeddings: what to pair them with, [m] and [m, n]; None: one another.
        remove_diagonal: whether example i is not paired with reference i, which is itself.
        gamma: how hard the largest terms count.
        margin: how far apart is far enough.

    Returns:
        A value per example: [batch]; 0 where it has no pair of one of the kinds.

    Raises:
        ValueError: labels that are not whole, shapes that do not fit.

    Source: Y. Sun and others, "Circle loss: a unified perspective of pair similarity
    optimization", 2020.

    >>> import fastnn as fn
    >>> labels, apart = [0, 0, 1], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    >>> [round(value, 3) for value in fn.losses.circle(labels, apart, gamma=1.0).tolist()]
    [0.546, 0.546, 0.0]
    """
    y_pred = as_float(y_pred, "circle")
    labels = _labels(y_true, y_pred, "y_true")
    if ref_embeddings is None:
        others, other_labels = y_pred, labels
    else:
        others = as_float(ref_embeddings, "circle")
        other_labels = labels if ref_labels is None else _labels(ref_labels, others, "ref_labels")
    distance = ops.maximum(1.0 - ops.matmul(y_pred, ops.transpose(others)), 0.0)
    same = ops.equal(labels, ops.transpose(other_labels))
    different = ops.logical_not(same)
    if remove_diagonal:
        itself = ops.eye(same.shape[0], same.shape[1], dtype="bool")
        same = ops.logical_and(same, ops.logical_not(itself))
    near = gamma * ops.maximum(margin + distance, 0.0) * (distance - margin)
    far = gamma * ops.maximum(1.0 + margin - distance, 0.0) * (1.0 - margin - distance)
    near = ops.logsumexp(ops.where(same, near, _NEVER), axis=1)
    far = ops.logsumexp(ops.where(different, far, _NEVER), axis=1)
    return ops.softplus(near + far)


def _labels(y_true: Any, embeddings: Tensor, argument: str) -> Tensor:
    """A column of class numbers, one for each embedding."""
    labels = as_labels(y_true, "circle")
    if embeddings.ndim != 2:
        raise ValueError(f"circle: embeddings have shape {embeddings.shape}, expected (batch, n)")
    rows = embeddings.shape[0]
    if labels.shape not in ((rows,), (rows, 1)):
        raise ValueError(
            f"circle: {argument} has shape {labels.shape}, expected ({rows},) or ({rows}, 1) for "
            f"embeddings {embeddings.shape}"
        )
    return ops.reshape(labels, (rows, 1))


class Circle(LossFunctionWrapper):
    """The circle loss of a batch of embeddings; see `circle`. A mean is over examples whose value
    is not 0.

    >>> import fastnn as fn
    >>> loss = fn.losses.Circle(gamma=1.0)
    >>> round(loss([0, 0, 1], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]).item(), 3)
    0.546
    """

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "circle",
        dtype: str | None = None,
    ):
        super().__init__(
            circle,
            reduction,
            name,
            dtype,
            gamma=gamma,
            margin=margin,
            remove_diagonal=remove_diagonal,
        )

    def value(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        values = self.call(y_true, y_pred)
        counted = ops.greater(values, 0.0)
        mask = masks.get_mask(y_pred) if masks.state.in_use else None
        if mask is not None:
            counted = ops.logical_and(counted, mask)
        weight = masked_weight(counted, sample_weight, values, self.name, self.reduction)
        return reduce_values(values, weight, self.reduction, self.name)
