"""Sequences of different lengths to one array."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from fastnn.messages import shown
from fastnn.utils.integers import integer


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
        TypeError: `sequences` or an item of it is not a sequence, or `maxlen` is no integer.
        ValueError: `padding` or `truncating` is another word, `maxlen` is negative, items differ
            in shape, `dtype` is none, or an item or `value` is nothing that it can hold, as NaN is
            to integers.
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
            raise ValueError(f"pad_sequences: {name} must be 'pre' or 'post', got {shown(given)}")
    try:
        dtype = np.dtype(dtype)
    except TypeError:
        raise ValueError(f"pad_sequences: dtype must be one of NumPy, got {shown(dtype)}") from None
    rows = _rows(sequences)
    longest = max(map(len, rows), default=0)
    length = longest if maxlen is None else integer("pad_sequences: maxlen", maxlen)
    shapes = {row.shape[1:] for row in rows if len(row)}
    if len(shapes) > 1:
        raise ValueError(f"pad_sequences: items differ in shape: {', '.join(map(str, shapes))}")
    shape = (len(rows), length, *(shapes.pop() if shapes else ()))
    try:
        with np.errstate(invalid="ignore"):  # of NaN and others, which the bounds refuse
            padded = np.full(shape, value, dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise _refusal(error, "value", value, dtype) from None
    _check_bounds("value has", [np.ravel(value)], dtype)
    kept = [
        row[max(len(row) - length, 0) :] if truncating == "pre" else row[:length] for row in rows
    ]
    _check_bounds("sequences hold", kept, dtype)
    for i, (target, row) in enumerate(zip(padded, kept)):
        place = slice(length - len(row), None) if padding == "pre" else slice(len(row))
        try:
            if len(row):
                target[place] = row
        except (TypeError, ValueError, OverflowError) as error:
            raise _refusal(error, f"sequences[{i}]", row, dtype) from None
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


def _refusal(error: Exception, name: str, given: Any, dtype: np.dtype) -> Exception:
    kind = OverflowError if isinstance(error, OverflowError) else ValueError
    return kind(f"pad_sequences: {name} must be what {dtype} can hold, got {shown(given)}")


def _check_bounds(what: str, rows: list[np.ndarray], dtype: np.dtype) -> None:
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
        raise ValueError(f"pad_sequences: {what} NaN, which {dtype} has not")
    bounds = np.iinfo(dtype)
    if low <= bounds.min - 1 or high >= bounds.max + 1:  # fractions are cut off
        raise OverflowError(
            f"pad_sequences: {what} numbers from {low} to {high}, {dtype} goes from "
            f"{bounds.min} to {bounds.max}"
        )
