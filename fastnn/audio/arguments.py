"""What the functions of this package make of their arguments before they compute."""

from __future__ import annotations

from math import inf
from numbers import Real
from operator import index
from typing import Any

import numpy as np


def as_floats(operation: str, name: str, values: Any, least_axes: int) -> np.ndarray:
    """float32 or float64 of at least so many axes, all finite.

    Raises:
        TypeError: no floats; integers would be samples that nobody scaled.
        ValueError: too few axes, or values that are not finite.
    """
    array = np.asarray(values)
    if array.dtype.kind != "f" and array.size:
        raise TypeError(
            f"{operation}: {name} must hold floats, got {array.dtype} (16-bit samples: divide them "
            "by 32768)"
        )
    if array is not values or array.dtype != np.float64:  # lists have no dtype of their own
        array = array.astype(np.float32, copy=False)
    if array.ndim < least_axes:
        raise ValueError(
            f"{operation}: {name} has shape {array.shape}, expected at least {least_axes} axes"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"{operation}: {name} holds NaN or infinity")
    return array


def whole(operation: str, name: str, value: Any, least: int = 1) -> int:
    """An integer that is at least `least`."""
    try:
        number = index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise ValueError(f"{operation}: {name} must be an integer from {least} on, got {value!r}")
    return number


def positive(operation: str, name: str, value: Any) -> None:
    """ValueError unless it is a finite number above 0."""
    if not isinstance(value, Real) or not 0 < float(value) < inf:
        raise ValueError(f"{operation}: {name} must be a finite number above 0, got {value!r}")
