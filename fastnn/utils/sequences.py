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
        dtype: of the result; values are converted as NumPy converts them, but for those that an
            integer dtype has no room for.
        padding: "pre" fills before a sequence, "post" after it.
        truncating: "pre" cuts what is first, "post" what is last.
        value: what fills.

    Returns:
        an array (number of sequences, maxlen) + the shape of an item.

    Raises:
        TypeError: `sequences` or an item of it is not a sequence.
        ValueError: `padding` or `truncating` is another word, `maxlen` is negative, items differ
            in shape, or one is NaN and `dtype` an integer.
        OverflowError: a number is out of the bounds of `dtype`, an integer.

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
    kept = [
        row[max(len(row) - length, 0) :] if truncating == "pre" else row[:length] for row in rows
    ]
    _check_bounds(kept, padded.dtype)
    for target, row in zip(padded, kept):
        if len(row):
            target[slice(length - len(row), None) if padding == "pre" else slice(len(row))] = row
    return padded


def _rows(sequences: Iterable[Any]) -> list[np.ndarray]:
    if not isinstance(sequences, Iterable):
        raise TypeError(
            f"pad_sequences: sequences must be iterable, got {type(sequences).__name__}"
        )
    rows: list[np.ndarray] = []
    for row in sequences:
        try:
            array = np.asarray(row)
        except ValueError as error:  # lists of different lengths in it
            raise ValueError(
                f"pad_sequences: sequences[{len(rows)}] has items that differ in shape: {error}"
            ) from error
        if not array.ndim:  # also of a str or a set, which are one thing to NumPy
            raise TypeError(
                f"pad_sequences: sequences[{len(rows)}] must be a sequence of numbers, "
                f"got {type(row).__name__}"
            )
        rows.append(array)
    return rows


def _check_bounds(rows: list[np.ndarray], dtype: np.dtype) -> None:
    """Refuses numbers that an integer dtype lacks: NumPy would take others for them."""
    if dtype.kind not in "iu":
        return
    kinds = {row.dtype for row in rows}
    wide = {kind for kind in kinds if kind.kind in "iuf" and not np.can_cast(kind, dtype)}
    numbers = [row for row in rows if row.size and row.dtype in wide]
    if not numbers:
        return
    values = np.concatenate(numbers)
    low, high = values.min().item(), values.max().item()
    if np.isnan(low):
        raise ValueError(f"pad_sequences: sequences hold NaN, which {dtype} has not")
    bounds = np.iinfo(dtype)
    if low <= bounds.min - 1 or high >= bounds.max + 1:  # fractions are cut off
        raise OverflowError(
            f"pad_sequences: sequences hold numbers from {low} to {high}, {dtype} goes from "
            f"{bounds.min} to {bounds.max}"
        )
