"""Arrays joined: concatenate."""

from __future__ import annotations

import numpy as np


def concatenate(xs: list[np.ndarray], *, axis: int) -> np.ndarray:
    """xs laid one behind the other along ``axis``; one dtype, other extents equal."""
    return np.concatenate(xs, axis)
