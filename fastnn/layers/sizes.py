"""Sizes among a layer's arguments."""

from __future__ import annotations

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
