"""Real numbers among arguments."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, isfinite
from numbers import Real
from typing import Any

import numpy as np

from fastnn.messages import shown


def number(
    name: str,
    value: Any,
    expected: str = "a finite number",
    holds: Callable[[float], bool] = isfinite,
) -> float:
    """A real number, or what one array or tensor without axes holds, as a float; `name`, as in
    "fit: epochs", begins the message if it is none. A tensor that requires a gradient is none: it
    would get no gradient.

    Raises:
        TypeError: no real number.
        ValueError: one that `holds` is not true for.
    """
    holds_one = getattr(value, "shape", None) == () and hasattr(value, "item")
    if holds_one and not getattr(value, "requires_grad", False):
        value = value.item()
    message = f"{name} must be {expected}, got {shown(value)}"
    if not isinstance(value, Real):
        raise TypeError(message)
    try:
        found = float(value)
    except OverflowError:  # an integer beyond all floats
        found = inf
    if not holds(found):
        raise ValueError(message)
    return found


def positive(name: str, value: Any, dtype: Any = np.float64) -> float:
    """A number that is above 0 and finite, as one of `dtype` too."""
    limits = np.finfo(dtype)
    least, most = float(limits.smallest_subnormal), float(limits.max)
    expected = f"a finite number above 0 in {limits.dtype}"
    return number(name, value, expected, lambda found: least <= found <= most)


def not_negative(name: str, value: Any) -> float:
    """A number from 0 on; infinity is one."""
    return number(name, value, "a number that is not negative", lambda found: found >= 0)


def share(name: str, value: Any) -> float:
    """A number from 0 to 1; True is none."""
    expected = "a number from 0 to 1"
    if isinstance(value, bool):
        raise TypeError(f"{name} must be {expected}, got {value!r}")
    return number(name, value, expected, lambda found: 0 <= found <= 1)
