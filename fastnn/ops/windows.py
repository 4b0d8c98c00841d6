"""Arguments of operations with windows: sizes, strides, padding, data format; output extents.

Pooling, convolution and their layers share this. Windows slide over one to three spatial axes of
[batch, spatial..., channels]; ``channels_first`` is brought to that order and back.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import index
from typing import Any

import numpy as np

from fastnn import config
from fastnn.messages import shown
from fastnn.ops.core import Tensor
from fastnn.ops.shape import transpose

MOST = 2**40  # of a size, a stride and their like: what primitives take


def per_axis(operation: str, name: str, value: Any, rank: int, least: int = 1) -> tuple:
    """An integer or one a spatial axis, as a tuple of ``rank`` integers of ``least`` or more.

    >>> per_axis("max_pool", "strides", 2, 2)
    (2, 2)
    """
    several = isinstance(value, (tuple, list)) or (isinstance(value, np.ndarray) and value.ndim)
    items = tuple(value) if several else (value,) * rank
    try:
        numbers = tuple(map(index, items))
    except TypeError:
        numbers = ()
    is_bool = any(isinstance(item, bool) for item in items)
    if len(numbers) != rank or is_bool or not all(least <= n <= MOST for n in numbers):
        or_several = "" if rank == 1 else f", or {rank} of them"
        most = f" and at most {MOST}" if any(n > MOST for n in numbers) else ""
        raise ValueError(
            f"{operation}: {name} is {shown(value)}, expected an integer of {least} or more{most}"
            f"{or_several}"
        )
    return numbers


def called(operation: str, primitive: str, function: Callable, *arguments: Any) -> Any:
    """What a primitive's function returns; its errors name the operation that a user called."""
    try:
        return function(*arguments)
    except (ValueError, OverflowError, MemoryError) as error:
        named, colon, message = str(error).partition(":")
        if named != primitive or operation == primitive:
            raise
        raise type(error)(operation + colon + message) from None


def data_format_of(operation: str, data_format: str | None) -> str:
    """A data format, that of ``config.image_data_format()`` for None, or a ValueError."""
    data_format = data_format or config.image_data_format()
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(
            f"{operation}: data_format is {data_format!r}, expected 'channels_last' or "
            "'channels_first'"
        )
    return data_format


def channels_last(x: Tensor, data_format: str) -> Tensor:
    """x as [batch, spatial..., channels]."""
    if data_format == "channels_last":
        return x
    return transpose(x, (0, *range(2, x.ndim), 1))


def channels_back(x: Tensor, data_format: str) -> Tensor:
    """The inverse of ``channels_last``."""
    if data_format == "channels_last":
        return x
    return transpose(x, (0, x.ndim - 1, *range(1, x.ndim - 1)))


def spatial_axes(rank: int, data_format: str) -> range:
    """Which axes of a tensor of ``rank`` spatial axes those are."""
    return range(1, rank + 1) if data_format == "channels_last" else range(2, rank + 2)


def _covered(window: tuple, dilation: tuple) -> tuple:
    return tuple((k - 1) * d + 1 for k, d in zip(window, dilation))


def pads_of(
    operation: str, padding: Any, extents: tuple, window: tuple, strides: tuple, dilation: tuple
) -> tuple:
    """Padding as (before, after) for each axis, one after the other.

    padding: "valid" (none), "same" (ceil(extent / stride) outputs, an odd element after), or a
    (before, after) pair or an integer for each axis

    >>> pads_of("max_pool", "same", (5, 4), (3, 3), (1, 2), (1, 1))
    (1, 1, 0, 1)
    """
    if isinstance(padding, str):
        kind = padding.lower()
        if kind == "valid":
            return (0,) * (2 * len(window))
        if kind == "same":
            pads = []
            for n, k, s in zip(extents, _covered(window, dilation), strides):
                total = max((-(-n // s) - 1) * s + k - n, 0)
                pads += [total // 2, total - total // 2]
            return tuple(pads)
    elif isinstance(padding, (tuple, list)) and len(padding) == len(window):
        pairs = [per_axis(operation, "padding", pair, 2, 0) for pair in padding]
        return tuple(item for pair in pairs for item in pair)
    raise ValueError(
        f"{operation}: padding is {padding!r}, expected 'valid', 'same' or a (before, after) pair "
        f"for each of {len(window)} spatial axes"
    )


def output_extents(
    operation: str, padding: str, extents: tuple, window: tuple, strides: tuple, dilation: tuple
) -> tuple:
    """How many windows fit along each axis; None for an extent that is None.

    >>> output_extents("conv", "valid", (5, None), (3, 3), (2, 2), (1, 1))
    (2, None)
    """
    known = tuple(0 if n is None else n for n in extents)
    pads = pads_of(operation, padding, known, window, strides, dilation)
    result = []
    for i, (n, k, s) in enumerate(zip(extents, _covered(window, dilation), strides)):
        room = None if n is None else pads[2 * i] + n + pads[2 * i + 1] - k
        if room is not None and room < 0:
            raise ValueError(
                f"{operation}: a window covers {_covered(window, dilation)} elements but the "
                f"input has spatial shape {tuple(extents)}"
            )
        result.append(None if room is None else room // s + 1)
    return tuple(result)
