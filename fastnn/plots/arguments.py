"""Checks of arguments that several drawings have."""

from __future__ import annotations

from typing import Any

import numpy as np


def as_range(operation: str, name: str, given: Any) -> tuple[float, float]:
    """A pair (from, to).

    Raises:
        ValueError: not two finite numbers, of which the first is smaller.
    """
    pair = np.asarray(given, np.float64)
    if pair.shape != (2,) or not np.isfinite(pair).all() or not pair[0] < pair[1]:
        raise ValueError(f"{operation}: {name} must be (from, to) with from < to, got {given!r}")
    return float(pair[0]), float(pair[1])


def check_count(operation: str, name: str, given: Any, least: int) -> None:
    """Raises ValueError unless it is an integer that is large enough."""
    if not isinstance(given, (int, np.integer)) or isinstance(given, bool) or given < least:
        raise ValueError(f"{operation}: {name} must be an integer from {least}, got {given!r}")
