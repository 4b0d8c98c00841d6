"""Maxima and means over windows of [batch, spatial..., channels], and their gradients."""

from __future__ import annotations

import math

import numpy as np

from fastnn.backends.reference.windows import Windows

_MOST_KEPT = 255


def _first_largest(x: np.ndarray, windows: Windows) -> tuple:
    """The largest element of every window and its number within the window, -1 for none.

    The first of equal ones and the first NaN count.
    """
    padded = windows.padded(x, -np.inf)
    real = windows.padded(np.ones(x.shape, bool), 0)
    shape = (x.shape[0], *windows.out, x.shape[-1])
    best, number = np.full(shape, -np.inf, x.dtype), np.full(shape, -1)
    for tap, index in enumerate(windows.taps()):
        value = padded[index]
        better = real[index] & ((number < 0) | (~(value <= best) & (best == best)))
        best[better], number[better] = value[better], tap
    return best, number


def max_pool(
    x: np.ndarray,
    *,
    window: tuple,
    strides: tuple = (),
    pads: tuple = (),
    dilation: tuple = (),
    ceil: bool = False,
    want_which: bool = True,
    through_relu: bool = False,
) -> tuple:
    """y [batch, windows..., channels]: the largest element of every window of x.

    which: its number within the window in row-major order as uint8, the first of equal ones, the
    first NaN if there is one; 255 for a window that sees padding only (y is -inf there). None if
    not wanted or if windows have more than 255 elements. With through_relu it is 255, too, where y
    is not positive: then the gradient has passed the relu that made x.
    """
    y, number = _first_largest(x, Windows(x.shape[1:-1], window, strides, pads, dilation, ceil))
    kept = want_which and math.prod(window) <= _MOST_KEPT
    nowhere = (number < 0) | (through_relu & ~(y > 0))
    return y, np.where(nowhere, 255, number).astype(np.uint8) if kept else None


def max_pool_backward(
    dy: np.ndarray,
    which: np.ndarray | None,
    x: np.ndarray | None,
    *,
    extents: tuple,
    window: tuple,
    strides: tuple = (),
    pads: tuple = (),
    dilation: tuple = (),
    ceil: bool = False,
) -> np.ndarray:
    """The gradient of ``max_pool`` for x with spatial shape ``extents``.

    Each element of dy goes to the element of x that ``which`` says; without it, from x.
    """
    windows = Windows(extents, window, strides, pads, dilation, ceil)
    number = which
    if number is None and x is not None:
        number = _first_largest(x, windows)[1]
    dx = windows.padded(np.zeros((dy.shape[0], *extents, dy.shape[-1]), dy.dtype), 0)
    for tap, index in enumerate(windows.taps()):
        dx[index] += np.where(number == tap, dy, 0)
    return windows.inner(dx)


def _cells(windows: Windows, count_include_pad: bool, pads: tuple) -> np.ndarray:
    """How many elements the mean of each window is over, [1, windows..., 1]."""
    real = np.ones((1, *windows.extents, 1))
    if count_include_pad and pads:
        pairs = zip(pads[::2], pads[1::2], strict=True)
        real = np.pad(real, [(0, 0), *pairs, (0, 0)], constant_values=1)
        whole = windows.padded(np.zeros((1, *windows.extents, 1)), 0)
        inside = tuple(slice(0, n) for n in real.shape)
        whole[inside] = real[tuple(slice(0, n) for n in whole.shape)]
        real = whole
    else:
        real = windows.padded(real, 0)
    return sum(real[index] for index in windows.taps())


def average_pool(
    x: np.ndarray,
    *,
    window: tuple,
    strides: tuple = (),
    pads: tuple = (),
    count_include_pad: bool = False,
    ceil: bool = False,
) -> np.ndarray:
    """y [batch, windows..., channels]: the mean of every window of x.

    Padding counts as zeros if ``count_include_pad``, else not at all. What lies beyond the padding
    never counts.
    """
    windows = Windows(x.shape[1:-1], window, strides, pads, (), ceil)
    padded = windows.padded(x, 0)
    total = sum(padded[index] for index in windows.taps())
    return (total / _cells(windows, count_include_pad, pads)).astype(x.dtype)


def average_pool_backward(
    dy: np.ndarray,
    *,
    extents: tuple,
    window: tuple,
    strides: tuple = (),
    pads: tuple = (),
    count_include_pad: bool = False,
    ceil: bool = False,
) -> np.ndarray:
    """The gradient of ``average_pool`` for x with spatial shape ``extents``."""
    windows = Windows(extents, window, strides, pads, (), ceil)
    share = (dy / _cells(windows, count_include_pad, pads)).astype(dy.dtype)
    dx = windows.padded(np.zeros((dy.shape[0], *extents, dy.shape[-1]), dy.dtype), 0)
    for index in windows.taps():
        dx[index] += share
    return windows.inner(dx)
