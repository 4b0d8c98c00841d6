"""What the functions of this package make of their arguments before they compute.

`name`, as in "frame: signal", begins every message.
"""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from fastnn.messages import shown
from fastnn.utils.integers import integer

MOST = 2**31 - 1  # samples or bins that an array is made of


def as_floats(name: str, values: Any, least_axes: int) -> np.ndarray:
    """float32 or float64 of at least so many axes, all finite.

    Raises:
        TypeError: no floats; integers would be samples that nobody scaled.
        ValueError: too few axes, rows of unequal length, or values that are not finite.
    """
    array = _as_array(name, values, "f", "floats")
    double = array is values and array.dtype == np.float64  # lists have no dtype of their own
    array = _as_finite(name, array, np.float64 if double else np.float32)
    if array.ndim < least_axes:
        raise ValueError(f"{name} has shape {array.shape}, expected at least {least_axes} axes")
    return array


def as_numbers(name: str, values: Any, least: float = -inf) -> np.ndarray:
    """float64 of any shape, all finite and at least `least`.

    Raises:
        TypeError: no numbers.
        ValueError: rows of unequal length, or values that are smaller or not finite.
    """
    array = _as_finite(name, _as_array(name, values, "iuf", "numbers"), np.float64)
    if array.min(initial=inf) < least:
        raise ValueError(f"{name} must be at least {least:g}, got {array.min():g}")
    return array


def size(name: str, value: Any, least: int = 1) -> int:
    """How many samples, frames or bins."""
    count = integer(name, value, least)
    if count > MOST:
        raise ValueError(f"{name} must be at most {MOST}, got {shown(value)}")
    return count


def _as_array(name: str, values: Any, kinds: str, expected: str) -> np.ndarray:
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(f"{name} must have rows of equal length, got {shown(values)}") from None
    kind = array.dtype.kind
    if kind not in kinds and array.size:
        hint = "; 16-bit samples: divide them by 32768" if kind in "iu" else ""
        raise TypeError(f"{name} must hold {expected}, got {shown(values)} ({array.dtype}{hint})")
    return array


def _as_finite(name: str, array: np.ndarray, dtype: Any) -> np.ndarray:
    with np.errstate(over="ignore"):
        array = array.astype(dtype, copy=False)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, but holds NaN or infinity as {array.dtype}")
    return array
