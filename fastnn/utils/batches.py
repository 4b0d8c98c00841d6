"""A batch as one value: what `train_step` and its like are given."""

from __future__ import annotations

from typing import Any


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """x alone, (x, y) or (x, y, sample_weight), as far as there are such.

    >>> pack_x_y_sample_weight(1, 2)
    (1, 2)
    """
    if sample_weight is not None:
        return x, y, sample_weight
    if y is not None:
        return x, y
    return (x,) if isinstance(x, (tuple, list)) else x


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """(x, y, sample_weight) of what `pack_x_y_sample_weight` gave, None for what is not there.

    Raises:
        ValueError: a tuple of more than three.

    >>> unpack_x_y_sample_weight((1, 2))
    (1, 2, None)
    """
    parts = tuple(data) if isinstance(data, (tuple, list)) else (data,)
    if not 1 <= len(parts) <= 3:
        raise ValueError(
            f"a batch must be x, (x, y) or (x, y, sample_weight); got {len(parts)} parts"
        )
    x, y, weight = (*parts, None, None)[:3]
    return x, y, weight
