"""Numbers in other types, for kernels in Python; see reference/movement.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def to_integer(dtype: str) -> Callable[..., Any]:
    """f(x, scale): a floating-point x without its fraction, the nearest end of the dtype if it is
    beyond, and 0 for NaN; to be compiled."""
    limits = np.iinfo(dtype)
    low, high = np.int64(limits.min), np.int64(limits.max)
    first, after = float(limits.min), float(int(limits.max) + 1)  # floats, as `high` may not be

    def cut(x, scale):
        if x != x:
            return np.int64(0)
        if x >= after:
            return high
        if x <= first:
            return low
        return np.int64(x)

    return cut
