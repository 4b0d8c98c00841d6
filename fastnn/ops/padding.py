"""Elements added before and after each axis."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.dtypes import FLOATS
from fastnn.ops.core import Tensor, as_tensor, filled, record, strides_of


def pad_map(mode: Any, extent: int, before: int, after: int) -> np.ndarray:
    """Which element of an axis each element of the padded axis shows (not for mode constant)."""
    return np.pad(np.arange(extent), (before, after), mode=mode)


def _pad_rule(node: _core.Node, gradient: Any) -> Any:
    shape, before, after, mode = node.saved
    if mode == "constant":
        offset = sum(b * s for b, s in zip(before, strides_of(gradient.shape)))
        return _core.copy((gradient, shape, strides_of(gradient.shape), offset), gradient.dtype)
    for axis, (first, last) in enumerate(zip(before, after)):
        if first or last:
            into = (*gradient.shape[:axis], shape[axis], *gradient.shape[axis + 1 :])
            device = gradient.device
            total = filled(into, 0, gradient.dtype, device)
            places = _core.from_numpy(pad_map(mode, shape[axis], first, last), device)
            _core.scatter_add(total, gradient, places, axis)
            gradient = total
    return gradient


_PAD_MODES = {"constant": 0, "edge": 1, "reflect": 2, "symmetric": 3}


def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Tensor:
    """x with elements added before and after each axis.

    pad_width: a number, one (before, after) for all axes, or one a axis
    mode: "constant" (constant_values, 0 if None), "edge", "reflect", "symmetric", as in NumPy

    >>> pad([1, 2], 1).tolist()
    [0, 1, 2, 0]
    """
    x = as_tensor(x, None, "pad: x")
    if mode not in _PAD_MODES:
        raise ValueError(f"pad: mode is {mode!r}, expected one of {', '.join(_PAD_MODES)}")
    try:
        given = np.asarray(pad_width)
        if given.dtype.kind not in "iu" and given.size:
            raise TypeError(f"pad: pad_width must be integers, got {pad_width!r}")
        widths = np.broadcast_to(given.astype(np.int64), (x.ndim, 2)).tolist()
    except ValueError:
        raise ValueError(f"pad: pad_width {pad_width!r} does not fit {x.ndim} axes") from None
    before = tuple(first for first, _ in widths)
    after = tuple(last for _, last in widths)
    value = 0 if constant_values is None else constant_values
    if x.dtype not in FLOATS and mode == "constant":
        try:
            whole = index(value)
        except TypeError:
            whole = None  # a float, which loses its fraction
        if whole is not None:
            number = as_tensor(whole, x.dtype, "pad: constant_values")
            if whole != float(whole):  # only the dtype holds it: a distance from 0, which wraps
                return _core.binary(pad(_core.binary(x, number, "sub"), pad_width), number, "add")
    y = _core.pad(x, before, after, _PAD_MODES[mode], float(value))
    return record(y, _pad_rule, (x.shape, before, after, mode), x)
