"""Labels to one-hot rows, and scaling to unit norm."""

from __future__ import annotations

from typing import Any

import numpy as np


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """One-hot rows of integer labels.

    Args:
        x: labels 0 to num_classes - 1, of any shape; a last axis of 1 is dropped.
        num_classes: the number of classes; the largest label + 1 if None.

    Returns:
        an array of floatx of shape x.shape + (num_classes,).

    Raises:
        ValueError: a label is negative, not below num_classes, or no whole number.

    >>> to_categorical([0, 2], 3)
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    from fastnn import config

    labels = np.asarray(x)
    shape = labels.shape
    if len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    with np.errstate(invalid="ignore"):  # NaN becomes some integer, which it does not equal
        whole = labels.reshape(-1).astype("int64")
    if labels.dtype.kind == "f" and not np.array_equal(whole, labels.reshape(-1)):
        raise ValueError("to_categorical: x holds labels that are not whole numbers")
    if num_classes is None:
        num_classes = int(whole.max()) + 1 if whole.size else 0
    if whole.size and (whole.min() < 0 or whole.max() >= num_classes):
        raise ValueError(
            f"to_categorical: labels must be from 0 to {num_classes - 1}, "
            f"got {whole.min()} to {whole.max()}"
        )
    rows = np.zeros((whole.size, num_classes), config.floatx())
    rows[np.arange(whole.size), whole] = 1
    return rows.reshape(*shape, num_classes)


def normalize(x: Any, axis: int = -1, order: int = 2) -> np.ndarray:
    """``x`` divided by its norms of that order along an axis; zero rows stay zero.

    >>> normalize([[3.0, 4.0]])
    array([[0.6, 0.8]])
    """
    array = np.atleast_1d(np.asarray(x))
    norms = np.linalg.norm(array, order, axis, keepdims=True)
    return array / np.where(norms == 0, 1, norms)
