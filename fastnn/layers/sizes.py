"""Sizes and other numbers among a layer's arguments."""

from __future__ import annotations

import reprlib
from operator import index
from typing import Any

import numpy as np


def positive_integer(who: str, name: str, value: Any) -> int:
    """The argument as an int, also from an integer of NumPy.

    Raises:
        ValueError: it is no positive integer; the message names the layer and the argument.

    >>> positive_integer("Dense", "units", np.int64(3))
    3
    """
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__") or index(value) < 1:
        raise ValueError(f"{who}: {name} must be a positive integer, got {value!r}")
    return index(value)


def integers(who: str, name: str, value: Any) -> tuple | None:
    """An argument that is an integer, several, or None, as a tuple or None.

    Raises:
        ValueError: it is something else; the message names the layer and the argument.

    >>> integers("Softmax", "axis", -1)
    (-1,)
    """
    if value is None:
        return None
    several = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    if not all(hasattr(n, "__index__") and not isinstance(n, (bool, np.bool_)) for n in several):
        raise ValueError(f"{who}: {name} must be an integer or several, got {value!r}")
    return tuple(index(n) for n in several)


def numbers(what: str, value: Any) -> np.ndarray:
    """The array that a number, a nested list, an array or a Tensor stands for.

    what: "layer: argument", with which the message of an error begins

    Raises:
        ValueError: text, objects, or rows of unequal length.

    >>> numbers("Rescaling: scale", [1, 2]).tolist()
    [1, 2]
    """
    try:
        array = np.asarray(value)
    except ValueError:  # ragged
        array = np.empty(0, object)
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"{what} must be a number or an array of numbers, its rows of equal length, got "
            f"{reprlib.repr(value)}"
        )
    return array
