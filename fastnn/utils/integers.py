"""Integers among arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.messages import shown


def integer(name: str, value: Any, least: int = 0) -> int:
    """An integer of at least `least`; `name`, as in "fit: epochs", begins the message if not."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, got {shown(value)}")
    if value < least:
        bound = f"be at least {least}" if least else "not be negative"
        raise ValueError(f"{name} must {bound}, got {shown(value)}")
    return int(value)
