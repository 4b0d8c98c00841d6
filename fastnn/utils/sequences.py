"""Sequences of different lengths to one array."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

import numpy as np


def pad_sequences(
    sequences: Iterable[Any],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """Brings sequences to one length: short ones are filled up, long ones are cut.

    Args:
        sequences: iterable of sequences; their items are numbers, or all arrays of one shape.
        maxlen: the length; that of the longest sequence if None.
        dtype: of the result; values are converted as NumPy converts them.
        padding: "pre" fills before a sequence, "post" after it.
        truncating: "pre" cuts what is first, "post" what is last.
        value: what fills.

    Returns:
        an array (number of sequences, maxlen) + the shape of an item.

    Raises:
        TypeError: `sequences` or an item of it is not a sequence.
        ValueError: `padding` or `truncating` is another word, `maxlen` is negative, or items
            differ in shape.

    >>> pad_sequences([[1, 2, 3], [4]])
    array([[1, 2, 3],
           [0, 0, 4]], dtype=int32)
    >>> pad_sequences([[1, 2, 3], [4]], maxlen=2, padding="post", truncating="post", value=-1)
    array([[ 1,  2],
           [ 4, -1]], dtype=int32)
    """
    for name, given in (("padding", padding), ("truncating", truncating)):
        if given not in ("pre", "post"):
            raise ValueError(f"pad_sequences: {name} must be 'pre' or 'post', got {given!r}")
    rows = _rows(sequences)
    if maxlen is None:
        length = max(map(len, rows), default=0)
    elif (length := operator.index(maxlen)) < 0:
        raise ValueError(f"pad_sequences: maxlen must not be negative, got {maxlen}")
    shapes = {row.shape[1:] for row in rows if len(row)}
    if len(shapes) > 1:
        raise ValueError(f"pad_sequences: items differ in shape: {', '.join(map(str, shapes))}")
    padded = np.full((len(rows), length, *(shapes.pop() if shapes else ())), value, dtype)
    for target, row in zip(padded, rows):
        count = min(len(row), length)
        if count:
            kept = row[len(row) - count :] if truncating == "pre" else row[:count]
            target[slice(length - count, None) if padding == "pre" else slice(count)] = kept
    return padded


def _rows(sequences: Iterable[Any]) -> list[np.ndarray]:
    if not isinstance(sequences, Iterable):
        raise TypeError(
            f"pad_sequences: sequences must be iterable, got {type(sequences).__name__}"
        )
    rows: list[np.ndarray] = []
    for row in sequences:
        if not hasattr(row, "__len__"):
            raise TypeError(
                f"pad_sequences: item {len(rows)} of sequences must be a sequence, "
                f"got {type(row).__name__}"
            )
        rows.append(np.asarray(row))
    return rows
