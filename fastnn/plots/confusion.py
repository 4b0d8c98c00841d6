"""Which class is taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastnn.metrics import MeanIoU
from fastnn.plots import style
from fastnn.plots.drawing import Drawing, drawing_on

MOST_NUMBERED = 25  # classes; the counts of more could not be read
LONG = 3  # letters of a label that does not fit under its column


def confusion_matrix(
    y_true: Any, y_pred: Any, labels: Sequence[str] | None = None, *, ax: Any = None
) -> Drawing:
    """Draws how many samples of each class were taken for which class: a row for a true class, a
    column for a predicted one. The colour is the count's share of its row.

    Args:
        y_true: class numbers [n] or [n, 1], or one-hot rows [n, classes].
        y_pred: as that, or scores [n, classes], of which the largest counts.
        labels: the names of the classes, from class 0 on; their numbers if None.
        ax: the Axes to draw on; a new figure if None.

    Returns:
        A Drawing; values: [classes, classes], int64 counts.

    Raises:
        ImportError: matplotlib (extra `demo`) is not installed.
        ValueError: no samples, different lengths, values that are not class numbers, or classes
            without a label.

    >>> import fastnn as fn
    >>> fn.plots.confusion_matrix([0, 0, 1, 1], [0, 1, 1, 1], ["cat", "dog"]).values.tolist()
    [[1, 1], [0, 2]]
    """
    ax = style.one_axes("confusion_matrix", ax, (6.4, 5.4))
    counts = _counts(y_true, y_pred, labels)
    classes = len(counts)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shades = ax.imshow(shares, cmap=style.SHARES, vmin=0, vmax=1)
    ax.figure.colorbar(shades, ax=ax, label="share of the true class")
    if classes <= MOST_NUMBERED:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                color = style.readable_on(shades.cmap(shades.norm(shares[row, column])))
                size = style.SMALL if classes > 12 else None
                ax.text(column, row, count, ha="center", va="center", color=color, size=size)
    if classes <= MOST_NUMBERED or labels is not None:
        names = [str(n) for n in (range(classes) if labels is None else labels)]
        turned = 90 if classes > MOST_NUMBERED else 45
        upright = max(map(len, names)) <= LONG and classes <= MOST_NUMBERED
        slant = {} if upright else {"rotation": turned, "ha": "right", "rotation_mode": "anchor"}
        size = style.SMALL if classes > 12 else None
        ax.set_xticks(range(classes), names, size=size, **slant)
        ax.set_yticks(range(classes), names, size=size)
    ax.set(xlabel="predicted class", ylabel="true class")
    return drawing_on(ax, counts)


def _counts(y_true: Any, y_pred: Any, labels: Sequence[str] | None) -> np.ndarray:
    given = {"y_true": np.asarray(y_true), "y_pred": np.asarray(y_pred)}
    true, said = (_class_numbers(name, array) for name, array in given.items())
    if len(true) != len(said) or not len(true):
        raise ValueError(
            f"confusion_matrix: y_true has {len(true)} samples, y_pred {len(said)}; as many are "
            "needed, and at least one"
        )
    widths = [a.shape[1] for a in given.values() if a.ndim == 2]
    seen = max(true.max() + 1, said.max() + 1, *widths)
    if labels is not None and len(labels) < seen:
        raise ValueError(f"confusion_matrix: labels has {len(labels)} names for {seen} classes")
    classes = int(seen) if labels is None else len(labels)
    metric = MeanIoU(classes)
    metric.update_state(true, said)
    return metric.total_cm.numpy().astype(np.int64)


def _class_numbers(name: str, given: np.ndarray) -> np.ndarray:
    """[n] int64 class numbers from numbers or rows of scores."""
    scores = given.ndim == 2 and given.shape[1] > 1
    plain = given.ndim == 1 or (given.ndim == 2 and given.shape[1] == 1)
    if given.dtype.kind not in "biuf" or not (scores or plain):
        raise ValueError(
            f"confusion_matrix: {name} must be class numbers [n] or rows of scores [n, classes], "
            f"got {given.dtype} of shape {given.shape}"
        )
    if np.isnan(given).any():
        raise ValueError(f"confusion_matrix: {name} holds NaN")
    if scores:
        return np.argmax(given, axis=1)
    numbers = given.reshape(-1)
    bad = numbers[(numbers < 0) | (numbers != np.floor(numbers))]
    if len(bad):
        raise ValueError(f"confusion_matrix: {name} must hold class numbers from 0, got {bad[0]}")
    return numbers.astype(np.int64)
